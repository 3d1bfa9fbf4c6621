"""Embeddings by a teacher itself, as JSON lines for `timbre evaluate --embeddings`: the mean of its windows.

  python -m training.baselines resemblyzer --data ../../shared/speech --trials trials_libri.txt --out libri.jsonl
  python -m training.baselines resemblyzer --time 3

A list's relative name is one of --data; recordings lie there, or below --root where copies are embedded. Recordings
that --out has already are not embedded again. Recordings are embedded with all their pauses.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from .corpus import SAMPLE_RATE, decode
from .enrolments import recordings_of
from .targets import TEACHERS
from .teacher import Teacher, unit

ROUNDS = 40


def middle(wave: np.ndarray, seconds: float | None) -> np.ndarray:
    """The stretch that `timbre evaluate --cut` embeds."""
    kept = len(wave) if seconds is None else min(len(wave), round(seconds * SAMPLE_RATE))
    start = (len(wave) - kept) // 2
    return wave[start : start + kept]


@torch.inference_mode()
def embedding(wave: np.ndarray, teacher: Teacher) -> np.ndarray:
    """int16 samples at 16 kHz -> unit float32[dim]."""
    windows = teacher.windows(wave)
    means = [teacher(windows[i : i + teacher.batch]) for i in range(0, len(windows), teacher.batch)]
    return unit(torch.cat(means).mean(0).numpy())


def embedded_before(out: Path) -> set[str]:
    """The recordings that a run before this one embedded; a line that was cut is taken off."""
    if not out.exists():
        return set()
    whole = out.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1]
    with out.open("r+b") as file:
        file.truncate(len(whole))
    return {json.loads(line)["path"] for line in whole.splitlines()}


def embed(paths: list[str], root: Path, teacher: Teacher, cut: float | None, out: Path) -> None:
    before = embedded_before(out)
    with out.open("a") as lines:
        for path in paths:
            if path in before:
                continue
            vector = np.round(embedding(middle(decode(root / path, trim=False), cut), teacher), 6).tolist()
            lines.write(json.dumps({"path": path, "embedding": vector}) + "\n")


def milliseconds(teacher: Teacher, seconds: float) -> float:
    """Median time, from samples to the embedding, of so many seconds of noise."""
    wave = np.random.default_rng(0).normal(0, 3000, round(seconds * SAMPLE_RATE)).astype(np.int16)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        embedding(wave, teacher)
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def main() -> None:
    teachers = {teacher.name: teacher for teacher, _ in TEACHERS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", choices=teachers)
    parser.add_argument("--data", type=Path, help="folder with files.tsv")
    parser.add_argument("--trials", type=Path, nargs="+", help="lists of single recordings")
    parser.add_argument("--root", type=Path, help="where the recordings lie (default: --data)")
    parser.add_argument("--cut", type=float, help="embed only so many seconds from the middle of each recording")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--time", type=float, metavar="SECONDS",
                        help="print how long so much takes on one thread, in ms, as JSON, and stop")  # fmt: skip
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    teacher = teachers[arguments.teacher].load()
    if arguments.time is not None:
        print(json.dumps({"milliseconds": milliseconds(teacher, arguments.time), "dim": teacher.dim,
                          "bytes": teacher.weights.size}))  # fmt: skip
        return
    if not (arguments.data and arguments.trials and arguments.out):
        parser.error("--data, --trials and --out are needed")
    paths = recordings_of([arguments.data / path for path in arguments.trials])
    embed(paths, arguments.root or arguments.data, teacher, arguments.cut, arguments.out)


if __name__ == "__main__":
    main()
