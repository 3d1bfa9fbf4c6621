"""Trains the bundled model: decodes, asks the teacher, trains, writes `<out>/starter.ckpt`. Resumes where it was cut.

python -m training --data ../../shared/speech --out runs/starter
"""

import argparse
import dataclasses
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from . import trainer
from .finish import finish
from .recipe import Phase, Recipe

# The C allocator maps and unmaps every activation by default, which makes a step several times slower.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 33),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_TOP_PAD_": str(1 << 29),
    "OMP_WAIT_POLICY": "passive",
    "OMP_NUM_THREADS": "1",
}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with files.tsv")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log, curve and the final checkpoint")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="processes on a CPU, one thread each")
    parser.add_argument("--minutes", type=float, default=Recipe.minutes)
    parser.add_argument("--steps", type=int, default=0, help="a run of so many steps, however long they take")
    parser.add_argument("--channels", type=int, default=Recipe.channels)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--distillation-weight", type=float, default=Recipe.distillation_weight)
    parser.add_argument("--phase", type=phase, action="append", metavar="UNTIL:SECONDS:BATCH", dest="phases",
                        help="crops of so many seconds, BATCH a process, until that share of the run")  # fmt: skip
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate, help="at its highest")
    parser.add_argument("--margin-ramp", type=float, nargs=2, default=(Recipe.margin_from, Recipe.margin_to),
                        metavar=("FROM", "TO"), help="shares of the run between which the margin grows")  # fmt: skip
    parser.add_argument("--emphasis", type=emphasis, action="append", default=[], metavar="SOURCE=TIMES",
                        help="draw the speakers of a source so many times as often")  # fmt: skip
    parser.add_argument("--speeds", type=float, nargs="+", default=Recipe.speeds, help="1 has to be among them")
    parser.add_argument("--start-from", type=Path, help="starter.ckpt, checkpoint.pt or bundle to train further")
    parser.add_argument("--prepare", action="store_true", help="decode, ask the teachers, and stop")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="for runs shorter than compiling")
    arguments = parser.parse_args()
    arguments.recipe = dataclasses.replace(
        Recipe(), minutes=arguments.minutes, steps=arguments.steps, channels=arguments.channels,
        phases=tuple(arguments.phases or Recipe.phases),
        pooled_channels=3 * arguments.channels, seed=arguments.seed,
        distillation_weight=arguments.distillation_weight, learning_rate=arguments.learning_rate,
        margin_from=arguments.margin_ramp[0], margin_to=arguments.margin_ramp[1],
        source_emphasis=dict(arguments.emphasis), speeds=tuple(arguments.speeds),
    )  # fmt: skip
    return arguments


def emphasis(argument: str) -> tuple[str, float]:
    source, _, times = argument.partition("=")
    return source, float(times)


def phase(argument: str) -> Phase:
    until, seconds, batch = argument.split(":")
    return Phase(float(until), float(seconds), int(batch))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    if not ALLOCATOR.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, "-m", "training", *sys.argv[1:]], {**os.environ, **ALLOCATOR})
    arguments = parse()
    if "RANK" in os.environ:
        trainer.main(arguments)
        return
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    trainer.load_splits(arguments.data, arguments.out / "cache", arguments.recipe, workers=arguments.processes)
    if arguments.prepare:
        return
    world = 1 if arguments.device.startswith("cuda") else arguments.processes
    shared = {**os.environ, "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1"}
    shared["MASTER_PORT"] = str(free_port())
    command = [sys.executable, "-m", "training", *sys.argv[1:]]
    ranks = [subprocess.Popen(command, env={**shared, "RANK": str(rank)}) for rank in range(world)]
    failed = [rank.wait() for rank in ranks]
    if any(failed):
        raise SystemExit(f"training ended with {failed}; run the same command again to resume")
    finish(arguments.data, arguments.out, arguments.recipe)


if __name__ == "__main__":
    main()
