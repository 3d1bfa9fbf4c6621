"""A list of single recordings as one of enrolments: the first side of every trial joined by others of its speaker.

The joined recordings are drawn once per first side and never hold the other side of the trial; trials of speakers with
too few recordings are left out. For `timbre evaluate LIST --enrol MAP`.

  python -m training.enrolments --data ../../shared/speech --trials trials_dev.txt --out-trials l.txt --out-map m.txt
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from .corpus import Corpus


def recordings_of(lists: list[Path]) -> list[str]:
    """The recordings that lists of trials of single recordings name, sorted."""
    lines = (line.split() for path in lists for line in path.read_text().splitlines() if line.strip())
    return sorted({path for _, first, test in lines for path in (first, test)})


def with_enrolments(
    trials: list[tuple[str, str, str]], speaker_of: dict[str, str], recordings: int, seed: int
) -> tuple[list[tuple[str, str, str]], dict[str, list[str]]]:
    """Trials (label, enrolment id, test) and the recordings of each id."""
    of_speaker = defaultdict(list)
    for path in sorted(speaker_of):
        of_speaker[speaker_of[path]].append(path)
    rng = np.random.default_rng(seed)
    order = {}
    for first in sorted({first for _, first, _ in trials}):
        others = [path for path in of_speaker[speaker_of[first]] if path != first]
        order[first] = [others[i] for i in rng.permutation(len(others))]
    enrolled, members = [], {}
    for label, first, test in trials:
        joined = [first, *[path for path in order[first] if path != test][: recordings - 1]]
        if len(joined) < recordings:
            continue
        name = first if test not in order[first][: recordings - 1] else f"{first}#without:{test}"
        members[name] = joined
        enrolled.append((label, name, test))
    return enrolled, members


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with files.tsv")
    parser.add_argument("--trials", type=Path, required=True, help="a list; a relative name is one of --data")
    parser.add_argument("--recordings", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out-trials", type=Path, required=True)
    parser.add_argument("--out-map", type=Path, required=True)
    arguments = parser.parse_args()
    lines = (arguments.data / arguments.trials).read_text().splitlines()
    trials = [(label, first, test) for label, first, test in (line.split() for line in lines if line.strip())]
    speaker_of = {row["path"]: row["speaker"] for row in Corpus.table(arguments.data)}
    enrolled, members = with_enrolments(trials, speaker_of, arguments.recordings, arguments.seed)
    arguments.out_trials.write_text("".join(f"{label} {name} {test}\n" for label, name, test in enrolled))
    arguments.out_map.write_text("".join(f"{name} {' '.join(paths)}\n" for name, paths in members.items()))


if __name__ == "__main__":
    main()
