"""Calls with one person on each of two channels, and what each channel hears of the other.

Usage: two_channel_calls.py CONVERSATIONS SPEECH OUT

CONVERSATIONS is the folder with make_synthetic.py, SPEECH that with files.tsv. Writes OUT/calls/*.wav, two channels at
8 kHz over a telephone line, and OUT/right/*.rttm; the name says how many dB below its own channel a voice is heard in
the other one, `none` not at all. Seeded. Then:

    timbre conversation OUT/calls --channel each --kind call --model campplus-zh-en --rttm --out OUT/each
    timbre conversation OUT/calls --kind call --model campplus-zh-en --rttm --out OUT/mixed
    timbre evaluate --diarisation OUT/right OUT/each        and the same with OUT/mixed
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

SEED, SECONDS = 20261129, 60
CROSS_TALK = (None, -30, -20, -12)


def main() -> None:
    conversations, speech, out = map(Path, sys.argv[1:])
    sys.path.insert(0, str(conversations))
    import make_synthetic

    people = sorted(
        make_synthetic.read_catalogue(speech, "dev")["french"].items(), key=lambda item: (-len(item[1]), item[0])
    )
    for folder in ("calls", "right"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for index, level in enumerate(CROSS_TALK):
        rng = np.random.default_rng([SEED, index])
        clips = [
            [c for path in sorted(paths) if (c := make_synthetic.load_clip(path))]
            for _, paths in people[2 * index : 2 * index + 2]
        ]
        dialogue = make_synthetic.plan_dialogue(rng, clips, SECONDS, 0.08)
        labels = dialogue.labels()
        length = int((max(end for _, end, _ in labels) + 1) * make_synthetic.RATE)
        tracks = np.zeros((2, length), np.float32)
        for piece in dialogue.placed:
            at = int(piece.start * make_synthetic.RATE)
            part = piece.clip.samples[: length - at]
            tracks[piece.speaker, at : at + len(part)] += part
        heard = 0 if level is None else 10 ** (level / 20)
        mixed = [tracks[k] + heard * tracks[1 - k] + 0.0005 * make_synthetic.pink(rng, length) for k in (0, 1)]
        name = f"call{index + 1}_{'none' if level is None else -level}"
        lines = np.stack([make_synthetic.telephone(track)[::2] for track in mixed], axis=1)
        soundfile.write(out / "calls" / f"{name}.wav", lines, make_synthetic.RATE // 2, subtype="PCM_16")
        rows = [
            f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> spk{who} <NA> <NA>\n"
            for start, end, who in labels
        ]
        (out / "right" / f"{name}.rttm").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
