"""Trains the bundled model, in pieces: decodes, asks the teachers, trains, and writes `<out>/starter.ckpt` at the end.

The same command goes on where the piece before it ended or was cut.

python -m training --data ../../shared/speech --out ../runs/bundled --minutes 300
"""

import argparse
import contextlib
import dataclasses
import fcntl
import logging
import math
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, TextIO

import torch

from . import trainer
from .corpus import Corpus
from .finish import finish
from .recipe import Crop, Recipe

ENVIRONMENT = {
    # The C allocator maps and unmaps every activation by default, which makes a step several times slower.
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
    parser.add_argument("--minutes", type=float, default=math.inf, help="length of this piece of the run, by the clock")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="length of the whole run")
    parser.add_argument("--channels", type=int, default=Recipe.channels)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--distillation-weight", type=float, default=Recipe.distillation_weight)
    parser.add_argument("--crop", type=crop, action="append", metavar="SECONDS:BATCH:SHARE", dest="crops",
                        help="crops of so many seconds, BATCH a process, on that share of the steps")  # fmt: skip
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate, help="at its highest")
    parser.add_argument("--warm-up-steps", type=int, default=Recipe.warm_up_steps)
    parser.add_argument("--margin-steps", type=int, nargs=2, default=Recipe.margin_steps, metavar=("FROM", "TO"),
                        help="steps between which the margin grows")  # fmt: skip
    parser.add_argument("--emphasis", type=emphasis, action="append", metavar="SOURCE=TIMES",
                        help="draw the speakers of a source so many times as often")  # fmt: skip
    parser.add_argument("--speeds", type=float, nargs="+", default=Recipe.speeds, help="1 first")
    parser.add_argument("--changed-speeds-from", type=int, default=Recipe.changed_speeds_from, metavar="STEP")
    parser.add_argument("--coded-share", type=float, default=Recipe.coded_share, help="of recordings, 0 without ffmpeg")
    parser.add_argument("--start-from", type=Path, help="starter.ckpt, checkpoint.pt or bundle to train further")
    parser.add_argument("--prepare", action="store_true", help="make all that the run needs, and stop")
    parser.add_argument("--compile", action="store_true", help="torch.compile, a minute or more for every length")
    arguments = parser.parse_args()
    if arguments.speeds[0] != 1:
        parser.error("--speeds has to begin with 1")
    recipe = Recipe()
    arguments.recipe = dataclasses.replace(
        recipe, steps=arguments.steps, channels=arguments.channels, pooled_channels=3 * arguments.channels,
        crops=tuple(arguments.crops or recipe.crops), seed=arguments.seed, speeds=tuple(arguments.speeds),
        distillation_weight=arguments.distillation_weight, learning_rate=arguments.learning_rate,
        warm_up_steps=arguments.warm_up_steps, margin_steps=tuple(arguments.margin_steps),
        source_emphasis=dict(arguments.emphasis or recipe.source_emphasis), coded_share=arguments.coded_share,
        # Weights of an earlier run are given classes of all speeds before the first step.
        changed_speeds_from=0 if arguments.start_from else arguments.changed_speeds_from,
    )  # fmt: skip
    return arguments


def emphasis(argument: str) -> tuple[str, float]:
    source, _, times = argument.partition("=")
    return source, float(times)


def crop(argument: str) -> Crop:
    seconds, batch, share = argument.split(":")
    return Crop(float(seconds), int(batch), float(share))


def lock(out: Path) -> TextIO:
    """A file that is held while a piece of the run in this folder is trained. Raises SystemExit where it is held."""
    file = (out / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SystemExit(f"a piece of the run in {out} is being trained") from error
    return file


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare(arguments: argparse.Namespace, speeds: tuple[float, ...]) -> None:
    """Makes what training at these speeds needs, where it is not in the cache."""
    corpus = Corpus(arguments.data, arguments.out / "cache", arguments.processes)
    trainer.load_material(corpus, arguments.recipe, speeds)
    corpus.split("dev", trim=False)


def start(environment: dict[str, str], *words: str, **how: Any) -> subprocess.Popen:
    """This command again."""
    return subprocess.Popen([sys.executable, "-m", "training", *sys.argv[1:], *words], env=environment, **how)


def end_group(process: subprocess.Popen) -> None:
    """Ends a process that leads a group, and those of the group that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def main() -> None:
    arguments = parse()
    if "RANK" in os.environ:
        trainer.main(arguments)
        return
    compiled = {"TORCHINDUCTOR_CACHE_DIR": str((arguments.out / "cache" / "compiled").resolve())}
    if not ENVIRONMENT.items() <= os.environ.items():
        environment = {**os.environ, **ENVIRONMENT, **compiled}
        os.execve(sys.executable, [sys.executable, "-m", "training", *sys.argv[1:]], environment)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipe = arguments.recipe
    if arguments.prepare:
        prepare(arguments, recipe.speeds)
        return
    held = lock(arguments.out)
    ready = recipe.speeds_at(trainer.steps_made(arguments.out))
    prepare(arguments, ready)

    world = 1 if arguments.device.startswith("cuda") else arguments.processes
    shared = {**os.environ, "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    ahead = ready != recipe.speeds
    preparing = [start(dict(os.environ), "--prepare", start_new_session=True)] if ahead else []
    try:
        # The lock is theirs too: they may outlive this process.
        ranks = [start({**shared, "RANK": str(rank)}, pass_fds=(held.fileno(),)) for rank in range(world)]
        # A piece that is ended this way is saved.
        signal.signal(signal.SIGTERM, lambda *_: [rank.terminate() for rank in ranks])
        failed = [rank.wait() for rank in ranks]
    finally:
        for process in preparing:
            end_group(process)
    held.close()
    if any(failed):
        raise SystemExit(f"training ended with {failed}; run the same command again to go on")
    if trainer.steps_made(arguments.out) < recipe.steps:
        logging.info("the piece has ended; the same command goes on")
        return
    finish(arguments.data, arguments.out, recipe)


if __name__ == "__main__":
    main()
