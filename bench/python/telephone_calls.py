"""Telephone calls in which level, spectral tilt and codec change within each voice, for bench/js/telephone.mjs.

Usage: telephone_calls.py CONVERSATIONS SPEECH OUT

CONVERSATIONS is the folder with make_synthetic.py, SPEECH that with files.tsv. `reported` calls are of the speakers of
`dev` and `libri`; `chosen` ones, which constants are chosen on, of those speakers of `train` who are held out of the
bundled model's training (models/training/report_speakers.txt): no person is in both. Most are of two people; some are
of three and of one, so that what finds two everywhere is seen to.

A voice's way to the line changes every 8 to 25 s: level (standard deviation 6 dB), tilt (2.5 dB per octave), and in
three of five cases the codec. Level and tilt move within half a second, a codec at once. Then 300-3400 Hz, noise of the
voice's own line 18 to 36 dB below it, and everybody into one channel of 8 kHz.

Writes OUT/*.wav, OUT/*.rttm and OUT/manifest.tsv. Seeded: the same call gives the same files. Needs numpy, scipy,
soundfile, soxr, and an ffmpeg with the encoders of CODECS.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, istft, resample_poly, sosfilt, stft

MODELS = Path(__file__).resolve().parents[2] / "models"
SEED = 20261130
CODECS = ("g711-a", "g711-mu", "gsm", "g723.1", "speex-8", "opus-8")
LEVEL, TILT = 6.0, 2.5
LOUDEST, STEEPEST = 12.0, 5.0
STRETCH = (8.0, 25.0)
MOVING = 0.5
LEAST_SPEECH = 8.0
PLANS = {
    "reported": [
        ("dev", "french", 2, 10), ("dev", "learners", 2, 10), ("dev", "telephone", 2, 8), ("dev", "languages", 2, 6),
        ("libri", "books", 2, 6),
        ("dev", "french", 3, 2), ("dev", "learners", 3, 1), ("dev", "telephone", 3, 1),
        ("dev", "french", 1, 1), ("dev", "learners", 1, 1), ("dev", "telephone", 1, 1), ("libri", "books", 1, 1),
    ],
    "chosen": [
        ("train", "french", 2, 8), ("train", "learners", 2, 8), ("train", "telephone", 2, 6),
        ("train", "languages", 2, 6), ("train", "english", 2, 2),
        ("train", "french", 3, 2), ("train", "learners", 3, 2),
        ("train", "french", 1, 1), ("train", "learners", 1, 1), ("train", "telephone", 1, 1),
    ],
}  # fmt: skip
"""Pool, group of recordings, people, calls."""


def stretches(rng: np.random.Generator, seconds: float) -> list[tuple[float, float, float, str]]:
    """Where a voice's line changes: from when on, level in dB, tilt in dB per octave, codec."""
    rows, start, codec = [], 0.0, str(rng.choice(CODECS))
    while start < seconds:
        level = float(np.clip(rng.normal(0, LEVEL), -LOUDEST, LOUDEST))
        tilt = float(np.clip(rng.normal(0, TILT), -STEEPEST, STEEPEST))
        rows.append((start, level, tilt, codec))
        start += float(rng.uniform(*STRETCH))
        if rng.random() < 0.6:
            codec = str(rng.choice([name for name in CODECS if name != codec]))
    return rows


def into_line(track: np.ndarray, rows, rate: int) -> np.ndarray:
    """A voice before the codec: level and tilt as they change, and what a telephone lets through."""
    starts = np.array([start for start, *_ in rows])
    points = np.stack([starts, starts + MOVING], 1).ravel()[1:-1]
    size = 512
    frequencies, times, spectrum = stft(track, rate, nperseg=size, noverlap=size * 3 // 4)

    def moving(column: int) -> np.ndarray:
        values = np.repeat([row[column] for row in rows], 2)[1:-1]
        return np.interp(times, points, values) if len(points) else np.full(len(times), rows[0][column])

    octaves = np.log2(np.maximum(frequencies, 100) / 1000)
    gain = moving(1)[None] + octaves[:, None] * moving(2)[None]
    _, changed = istft(spectrum * 10 ** (gain / 20), rate, nperseg=size, noverlap=size * 3 // 4)
    return sosfilt(butter(4, [300, 3400], "band", fs=rate, output="sos"), changed[: len(track)])


class Queue:
    """People of one kind of recordings in an order that is drawn; who has talked goes to its end."""

    def __init__(self, people: dict[str, list[Path]], load_clip):
        self.paths, self.load_clip = people, load_clip
        order = np.random.default_rng(SEED).permutation(sorted(people))
        self.order, self.clips = [str(person) for person in order], {}

    def next(self) -> tuple[str, list]:
        """Whoever has speech enough for a call."""
        for _ in range(len(self.order)):
            person = self.order.pop(0)
            self.order.append(person)
            if person not in self.clips:
                self.clips[person] = [clip for path in sorted(self.paths[person]) if (clip := self.load_clip(path))]
            if sum(clip.speech for clip in self.clips[person]) >= 2 * LEAST_SPEECH:
                return person, self.clips[person]
        raise SystemExit("nobody has speech enough")


def monologue(rng: np.random.Generator, make_synthetic, clips: list, seconds: float):
    """Everything that one person says, with pauses as between turns."""
    dialogue, start = make_synthetic.Dialogue(), 0.5
    for i in rng.permutation(len(clips)):
        dialogue.placed.append(make_synthetic.Placed(start, 0, clips[i]))
        start += clips[i].seconds + float(rng.uniform(0.3, 3))
        if start > seconds:
            break
    return dialogue


def dialogue_of(rng: np.random.Generator, make_synthetic, clips: list[list]):
    """Who speaks when; everybody for LEAST_SPEECH seconds."""
    while True:
        if len(clips) == 1:
            dialogue = monologue(rng, make_synthetic, clips[0], 60)
        else:
            length, overlap = float(rng.uniform(60, 110)), float(rng.uniform(0.02, 0.1))
            dialogue = make_synthetic.plan_dialogue(rng, clips, length, overlap)
        labels = dialogue.labels()
        spoken = [sum(end - at for at, end, who in labels if who == k) for k in range(len(clips))]
        if min(spoken) >= LEAST_SPEECH:
            return dialogue


def record(rng: np.random.Generator, make_synthetic, dialogue, people: int, code) -> tuple[np.ndarray, list[str]]:
    """Samples at 8 kHz, and what each line was. `code` takes int16 waves and a codec's name."""
    rate = make_synthetic.RATE
    length = int((max(end for _, end, _ in dialogue.labels()) + 1) * rate)
    lines, stretched = [], {}
    for k in range(people):
        track = make_synthetic.pink(rng, length) * 10 ** ((-26 - rng.uniform(18, 36)) / 20)
        for piece in dialogue.placed:
            if piece.speaker == k:
                at = int(piece.start * rate)
                part = piece.clip.samples[: length - at]
                track[at : at + len(part)] += part * 10 ** (rng.normal(0, 1) / 20)
        rows = stretches(rng, length / rate)
        line = into_line(track, rows, rate)
        loudest = 0.8 / max(1e-6, float(np.abs(line).max()))
        edges = [*(int(start * rate) for start, *_ in rows), length]
        for (*_, name), start, end in zip(rows, edges, edges[1:], strict=False):
            wave = np.round(line[start:end] * loudest * 32767).astype(np.int16)
            stretched.setdefault(name, []).append((start, wave, loudest))
        lines.append(" ".join(f"{at:.0f}s:{level:+.0f}dB:{tilt:+.1f}:{name}" for at, level, tilt, name in rows))
    mix = np.zeros(length, np.float32)
    for name, parts in sorted(stretched.items()):
        for (start, wave, loudest), heard in zip(parts, code([wave for _, wave, _ in parts], name), strict=True):
            mix[start : start + len(wave)] += heard / 32767 / loudest
    narrow = resample_poly(mix, 1, 2)
    scale = min(10 ** (-23 / 20) / float(np.sqrt((narrow**2).mean())), 0.97 / float(np.abs(narrow).max()))
    return narrow * scale, lines


def main() -> None:
    conversations, speech, out = map(Path, sys.argv[1:])
    sys.path[:0] = [str(conversations), str(MODELS)]
    import make_synthetic
    from training.codecs import CODECS as KNOWN
    from training.codecs import available, coded
    from training.corpus import REPORT_SPEAKERS

    missing = set(CODECS) - {codec.name for codec in available()}
    if missing:
        raise SystemExit(f"this ffmpeg has no encoder for {', '.join(sorted(missing))}")
    by_name = {codec.name: codec for codec in KNOWN}
    held_out = set(REPORT_SPEAKERS.read_text(encoding="utf-8").split())
    out.mkdir(parents=True, exist_ok=True)
    table = []
    for number, (part, plans) in enumerate(PLANS.items()):
        queues: dict[tuple[str, str], Queue] = {}
        plan = [(pool, group, people) for pool, group, people, calls in plans for _ in range(calls)]
        for index, (pool, group, people) in enumerate(plan):
            rng = np.random.default_rng([SEED, number, index])
            if (pool, group) not in queues:
                known = make_synthetic.read_catalogue(speech, pool)[group]
                allowed = {who: paths for who, paths in known.items() if pool != "train" or who in held_out}
                queues[pool, group] = Queue(allowed, make_synthetic.load_clip)
            talking = [queues[pool, group].next() for _ in range(people)]
            dialogue = dialogue_of(rng, make_synthetic, [clips for _, clips in talking])
            samples, lines = record(
                rng, make_synthetic, dialogue, people, lambda waves, name: coded(waves, by_name[name])
            )
            name = f"{part}{index + 1:02d}_{people}"
            soundfile.write(out / f"{name}.wav", samples, make_synthetic.RATE // 2, subtype="PCM_16")
            rows = [
                f"SPEAKER {name} 1 {at:.3f} {end - at:.3f} <NA> <NA> spk{who + 1} <NA> <NA>\n"
                for at, end, who in dialogue.labels()
            ]
            (out / f"{name}.rttm").write_text("".join(rows), encoding="utf-8")
            seconds = f"{2 * len(samples) / make_synthetic.RATE:.1f}"
            table.append([name, part, group, people, seconds, " ".join(who for who, _ in talking), " | ".join(lines)])
            print(name, group, seconds, flush=True)
    with open(out / "manifest.tsv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("file", "part", "group", "people", "seconds", "speakers", "lines"))
        writer.writerows(table)


if __name__ == "__main__":
    main()
