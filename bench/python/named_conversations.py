"""Conversations whose speakers keep recordings back to be enrolled with, for bench/js/names.mjs.

Usage: named_conversations.py CONVERSATIONS SPEECH OUT

CONVERSATIONS is the folder with make_synthetic.py, SPEECH that with files.tsv. About 20 s of speech of everybody who
has enough of it are set aside first; conversations are made of what is left. `reported` ones are of the speakers of
`dev` and `libri`, `learned` ones, from which thresholds come, of those speakers of `train` who are held out of the
bundled model's training (models/training/report_speakers.txt): no person is in both.

Writes OUT/*.opus, OUT/*.rttm, OUT/manifest.tsv and OUT/enrol.tsv (pool, group, speaker, path, seconds). Seeded: the
same call gives the same files. Needs numpy, scipy, soundfile, and ffmpeg.
"""

import csv
import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "models"
SEED, WANTED, LEAST = 20261129, 20.0, 12.0
MOST_OF_A_GROUP = 40  # speakers of train, those with most speech: the others are too short to talk
REPORTED = [
    ("dev", "french", "meeting", 2), ("dev", "french", "meeting", 3), ("dev", "french", "meeting", 4),
    ("dev", "french", "meeting", 5), ("dev", "french", "studio", 2), ("dev", "french", "phone", 2),
    ("dev", "learners", "meeting", 2), ("dev", "learners", "meeting", 3), ("dev", "learners", "meeting", 4),
    ("dev", "telephone", "phone", 2), ("dev", "telephone", "phone", 2), ("dev", "telephone", "phone", 3),
    ("dev", "languages", "meeting", 4), ("dev", "languages", "studio", 3),
    ("libri", "books", "studio", 2), ("libri", "books", "meeting", 3), ("libri", "books", "meeting", 4),
    ("libri", "books", "meeting", 6),
]  # fmt: skip
LEARNED = [
    ("train", group, style, speakers)
    for group, style in (
        ("french", "meeting"),
        ("french", "phone"),
        ("learners", "meeting"),
        ("learners", "studio"),
        ("telephone", "phone"),
        ("english", "meeting"),
        ("english", "studio"),
        ("languages", "meeting"),
        ("malayalam", "meeting"),
    )
    for speakers in ((2, 2) if style == "phone" else (3, 4))
]


def main() -> None:
    conversations, speech, out = map(Path, sys.argv[1:])
    sys.path[:0] = [str(conversations), str(MODELS)]
    import make_synthetic
    from training.corpus import REPORT_SPEAKERS

    held_out = set(REPORT_SPEAKERS.read_text(encoding="utf-8").split())
    out.mkdir(parents=True, exist_ok=True)
    lengths: dict[str, float] = {}
    with open(speech / "files.tsv", newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            lengths[row["speaker"]] = lengths.get(row["speaker"], 0) + float(row["seconds"])

    read_catalogue = make_synthetic.read_catalogue

    def talkative(folder, pool):
        catalogue = read_catalogue(folder, pool)
        if pool != "train":
            return catalogue
        return {
            group: dict(
                sorted(
                    (item for item in people.items() if item[0] in held_out),
                    key=lambda item: (-lengths[item[0]], item[0]),
                )[:MOST_OF_A_GROUP]
            )
            for group, people in catalogue.items()
        }

    make_synthetic.read_catalogue = talkative
    original, clips = make_synthetic.load_clip, {}

    def load(path):
        if path not in clips:
            clips[path] = original(path)
        return clips[path]

    enrol, held = [], set()
    wanted = {(pool, group) for pool, group, *_ in REPORTED + LEARNED} | {("dev", g) for g in ("english", "malayalam")}
    for pool, group in sorted(wanted):
        for person, paths in sorted(talkative(speech, pool)[group].items()):
            rows, total = [], 0.0
            for path in sorted(paths):
                if total >= WANTED:
                    break
                if clip := load(path):
                    rows.append((pool, group, person, path.relative_to(speech), f"{clip.speech:.2f}"))
                    total += clip.speech
            if total >= LEAST:
                enrol += rows
                held |= {speech / row[3] for row in rows}
    make_synthetic.load_clip = lambda path: None if path in held else load(path)

    rows = []
    for part, plans in (("reported", REPORTED), ("learned", LEARNED)):
        for index, (pool, group, style, speakers) in enumerate(plans):
            name = f"{part}{index + 1:02d}"
            minutes = 1.0 + 0.4 * speakers
            row = make_synthetic.build(
                index, SEED + (part == "learned"), name, out, speech, speech, pool, group, style, speakers, minutes,
                (0.05, 0.15), ".opus",
            )  # fmt: skip
            rows.append({"part": part, **row})
            print(name, row["group"], row["speakers"], row["seconds"], flush=True)
    head = ("pool", "group", "speaker", "path", "seconds")
    for name, lines in (
        ("manifest.tsv", [list(rows[0]), *[list(row.values()) for row in rows]]),
        ("enrol.tsv", [head, *enrol]),
    ):
        with open(out / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter="\t", lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
