"""The split `report`: speakers that nothing is trained on or estimated from, and their trials.

The list of speakers is in the project, made once by the first command; corpus.py takes them out of `train`. Trials are
made as those of `dev`: up to 60 target pairs a speaker, 20 impostor pairs for each, half of them of the same language
and gender as the target pair.

  python -m training.report speakers --data ../../shared/speech
  python -m training.report trials --data ../../shared/speech --out runs/trials_report.txt
  python -m training.report trials --data ../../shared/speech --most 6 --out runs/trials_report-6.txt
"""

import argparse
import csv
import hashlib
import random
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

from .corpus import REPORT_SPEAKERS, Corpus

SPEAKERS = 240
RECORDINGS = 3
LEAST = {"french": 60, "common_voice": 60, "speechocean762": 30, "wuw2": 15, "speech_commands": 15}
"""Fewest speakers of a group, whatever its share is."""
TARGETS = 60
IMPOSTORS = 20
SEED = 18

Row = dict[str, str]


def group_of(row: Row) -> str:
    """The source, Common Voice as one and its French apart."""
    if not row["source"].startswith("common_voice"):
        return row["source"]
    return "french" if row["lang"] == "fr" else "common_voice"


def choose(rows: list[Row]) -> list[str]:
    """About SPEAKERS of those with RECORDINGS or more, in proportion to groups, by a hash of their name."""
    by_speaker: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_speaker[row["speaker"]].append(row)
    groups: dict[str, list[str]] = defaultdict(list)
    for speaker, own in by_speaker.items():
        if len(own) >= RECORDINGS:
            groups[Counter(map(group_of, own)).most_common(1)[0][0]].append(speaker)
    total = sum(map(len, groups.values()))
    chosen: list[str] = []
    for group, speakers in groups.items():
        count = max(LEAST.get(group, 0), round(SPEAKERS * len(speakers) / total))
        chosen += sorted(speakers, key=lambda name: hashlib.sha256(name.encode()).digest())[:count]
    return sorted(chosen)


def fewer(rows: list[Row], most: int) -> list[Row]:
    """At most so many recordings of each speaker, by a hash of their path."""
    by_speaker: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_speaker[row["speaker"]].append(row)
    kept = []
    for own in by_speaker.values():
        kept += sorted(own, key=lambda row: hashlib.sha256(row["path"].encode()).digest())[:most]
    return kept


def trials(rows: list[Row], seed: int = SEED) -> list[tuple[int, str, str]]:
    """(1 for the same speaker, path, path), sorted, without repetition."""
    rng = random.Random(seed)
    by_speaker: dict[str, list[Row]] = defaultdict(list)
    alike: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["path"]):
        by_speaker[row["speaker"]].append(row)
        alike[row["lang"], row["gender"]].append(row)
    everyone = [row for own in by_speaker.values() for row in own]
    targets: set[tuple[str, str]] = set()
    impostors: set[tuple[str, str]] = set()
    for own in by_speaker.values():
        pairs = list(combinations(own, 2))
        for first, second in rng.sample(pairs, min(TARGETS, len(pairs))):
            targets.add((first["path"], second["path"]))
            for number in range(IMPOSTORS):
                near = number < IMPOSTORS // 2
                pool = alike[first["lang"], first["gender"]] if near else everyone
                # A language may have few other speakers: then there are fewer pairs.
                for _ in range(20):
                    other = rng.choice(pool)
                    low, high = sorted((first["path"], other["path"]))
                    if other["speaker"] != first["speaker"] and (low, high) not in impostors:
                        impostors.add((low, high))
                        break
    return [(1, *pair) for pair in sorted(targets)] + [(0, *pair) for pair in sorted(impostors)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    for step in ("speakers", "trials"):
        one = steps.add_parser(step)
        one.add_argument("--data", type=Path, required=True, help="folder with files.tsv")
        one.add_argument("--out", type=Path, required=step == "trials", default=REPORT_SPEAKERS)
        if step == "trials":
            one.add_argument("--most", type=int, help="recordings of a speaker, for what takes long to measure")
    arguments = parser.parse_args()
    if arguments.step == "speakers":
        with (arguments.data / "files.tsv").open(newline="") as table:
            rows = [row for row in csv.DictReader(table, delimiter="\t") if row["split"] == "train"]
        arguments.out.write_text("".join(f"{speaker}\n" for speaker in choose(rows)))
    else:
        rows = [row for row in Corpus.table(arguments.data) if row["split"] == "report"]
        rows = rows if arguments.most is None else fewer(rows, arguments.most)
        lines = [f"{label} {first} {second}\n" for label, first, second in trials(rows)]
        arguments.out.write_text("".join(lines))


if __name__ == "__main__":
    main()
