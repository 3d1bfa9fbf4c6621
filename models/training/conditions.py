"""Copies of recordings as they come out of a codec, or with silence before and behind, for `timbre evaluate --root`.

  python -m training.conditions opus-8 silence-10 --data ../../shared/speech --splits report libri --out runs/conditions
  python -m training.conditions opus-8 --data ../../shared/speech --trials trials_libri.txt --out runs/conditions
  python -m training.conditions --list

Writes OUT/<condition>/<path of the recording>, as FLAC whatever the name ends in. A condition whose folder is there is
not made again; without conditions named, all that this machine can make are. Silence is hiss of LEVEL dBFS.
"""

import argparse
import logging
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile

from .codecs import BLOCK, CODECS, available, coded
from .corpus import SAMPLE_RATE, Corpus, decode
from .enrolments import recordings_of

SILENCES = {"silence-10": 10, "silence-60": 60}
"""Seconds on each side."""
LEVEL = -70
ENCODERS = ("opus-8", "amr-nb", "g711-mu", "mp3-16")
CONDITIONS = (*SILENCES, *ENCODERS)

log = logging.getLogger(__name__)


def with_silence(wave: np.ndarray, seconds: float, seed: int) -> np.ndarray:
    """int16 with hiss of LEVEL dBFS for so long on each side."""
    rng, deviation = np.random.default_rng(seed), 32768 * 10 ** (LEVEL / 20)
    before, behind = (np.round(rng.normal(0, deviation, round(seconds * SAMPLE_RATE))) for _ in range(2))
    return np.concatenate([before.astype(np.int16), wave, behind.astype(np.int16)])


def possible() -> list[str]:
    """The conditions whose encoder this machine has."""
    encoders = {codec.name for codec in available()}
    return [name for name in CONDITIONS if name in SILENCES or name in encoders]


def make(condition: str, data: Path, paths: list[str], out: Path) -> None:
    """Raises SystemExit where the condition cannot be made here."""
    if condition not in possible():
        raise SystemExit(f"no copies can be made with {condition} here; there are: {', '.join(possible())}")
    folder, part = out / condition, out / f"{condition}.part"
    if folder.exists():
        return
    log.info("%s of %d recordings", condition, len(paths))
    treat = treatment(condition)
    for start in range(0, len(paths), BLOCK):
        block = paths[start : start + BLOCK]
        waves = treat(block, [decode(data / path, trim=False) for path in block])
        for path, wave in zip(block, waves, strict=True):
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(part / path, wave, SAMPLE_RATE, format="FLAC")
    part.rename(folder)


def treatment(condition: str) -> Callable[[list[str], list[np.ndarray]], Iterable[np.ndarray]]:
    if condition in SILENCES:
        seconds = SILENCES[condition]
        return lambda paths, waves: (
            with_silence(wave, seconds, zlib.crc32(path.encode())) for path, wave in zip(paths, waves, strict=True)
        )
    codec = next(codec for codec in CODECS if codec.name == condition)
    return lambda _, waves: coded(waves, codec)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conditions", nargs="*", help=f"of {', '.join(CONDITIONS)}")
    parser.add_argument("--list", action="store_true", help="print the conditions that can be made here, and stop")
    parser.add_argument("--data", type=Path, help="folder with files.tsv")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--splits", nargs="+", help="the recordings of these splits")
    which.add_argument("--trials", nargs="+", type=Path, help="the recordings of these lists; relative to --data")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if arguments.list:
        print("\n".join(possible()))
        return
    if not (arguments.data and arguments.out and (arguments.splits or arguments.trials)):
        parser.error("--data, --out, and --splits or --trials are needed")
    if arguments.trials:
        paths = recordings_of([arguments.data / path for path in arguments.trials])
    else:
        paths = [row["path"] for row in Corpus.table(arguments.data) if row["split"] in arguments.splits]
    for condition in arguments.conditions or possible():
        make(condition, arguments.data, paths, arguments.out)


if __name__ == "__main__":
    main()
