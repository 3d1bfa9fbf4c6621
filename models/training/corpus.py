"""Recordings on disk to memory-mapped int16 at 16 kHz, by split and speed.

A corpus is a folder with `files.tsv` (path, split, speaker, source, lang, gender, licence, seconds). Speakers belong to
one split each; `Corpus.check_disjoint` refuses anything else. The speakers of REPORT_SPEAKERS, whom the table has in
`train`, are the split `report`: no training and no estimate reads them.
"""

import csv
import logging
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 16000
LONGEST_SECONDS = 20
EDGE_SECONDS = 0.3
REPORT_SPEAKERS = Path(__file__).with_name("report_speakers.txt")

log = logging.getLogger(__name__)


class NotPreparedError(RuntimeError):
    """A file of the cache is not there, and may not be made here. See `--prepare`."""

    def __init__(self, path: Path):
        super().__init__(f"{path} is not there yet: it is made by --prepare")


def trim_edges(x: np.ndarray) -> np.ndarray:
    """Cuts long silence before and after speech by 10 ms energies, leaving up to EDGE_SECONDS of it."""
    hop = SAMPLE_RATE // 100
    frames = len(x) // hop
    if frames < 20:
        return x
    level = 10 * np.log10(np.mean(x[: frames * hop].reshape(frames, hop) ** 2, 1) + 1e-10)
    level = np.convolve(level, np.ones(5) / 5, "same")
    loud, quiet = np.percentile(level, 95), np.percentile(level, 5)
    active = np.flatnonzero(level > max(loud - 35, min(quiet + 8, loud - 15)))
    if len(active) == 0:
        return x
    edge = int(EDGE_SECONDS * SAMPLE_RATE)
    return x[max(0, active[0] * hop - edge) : (active[-1] + 1) * hop + edge]


def decode(path: Path, trim: bool) -> np.ndarray:
    """int16 mono at 16 kHz, level kept."""
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    x = x.mean(1)
    if rate != SAMPLE_RATE:
        x = soxr.resample(x, rate, SAMPLE_RATE)
    if trim:
        x = trim_edges(x - x.mean())[: LONGEST_SECONDS * SAMPLE_RATE]
    return np.round(np.clip(x, -1, 1) * 32767).astype(np.int16)


def change_speed(x: np.ndarray, speed: float) -> np.ndarray:
    """Tempo and pitch together, as a tape at another speed."""
    y = soxr.resample(x.astype(np.float32), SAMPLE_RATE * speed, SAMPLE_RATE)
    return np.round(np.clip(y, -32767, 32767)).astype(np.int16)


@dataclass(frozen=True)
class Waves:
    """Utterances end to end in one memory-mapped file; processes share the file, not a copy."""

    stem: Path
    samples: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray

    def __getitem__(self, utterance: int) -> np.ndarray:
        start = self.offsets[utterance]
        return self.samples[start : start + self.lengths[utterance]]

    def __len__(self) -> int:
        return len(self.offsets)

    def __reduce__(self):
        return Waves.open, (self.stem,)

    @classmethod
    def open(cls, stem: Path) -> "Waves":
        lengths = np.load(stem.with_suffix(".lengths.npy"))
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths
        return cls(stem, np.memmap(stem.with_suffix(".i16"), dtype=np.int16, mode="r"), offsets, lengths)

    @classmethod
    def write(cls, stem: Path, waves) -> "Waves":
        """Writes through a temporary name, so that a file that exists is whole."""
        lengths = []
        part = stem.with_suffix(".part")
        with open(part, "wb") as out:
            for wave in waves:
                wave.tofile(out)
                lengths.append(len(wave))
        np.save(stem.with_suffix(".lengths.npy"), np.array(lengths, np.int64))
        part.rename(stem.with_suffix(".i16"))
        return cls.open(stem)


@dataclass(frozen=True)
class Split:
    name: str
    paths: list[str]
    speakers: list[str]
    sources: list[str]
    waves: dict[float, Waves]

    def __len__(self) -> int:
        return len(self.paths)


class Corpus:
    """Splits of a corpus; what has to be computed is computed by `workers` processes, by none where it is 0."""

    def __init__(self, data: Path, cache: Path, workers: int = 2):
        self.data, self.cache, self.workers = data, cache, workers
        self.rows = self.table(data)
        self.check_disjoint()
        cache.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def table(data: Path) -> list[dict[str, str]]:
        reserved = frozenset(REPORT_SPEAKERS.read_text().split())
        with open(data / "files.tsv", newline="") as table:
            rows = list(csv.DictReader(table, delimiter="\t"))
        return [{**row, "split": "report"} if row["speaker"] in reserved else row for row in rows]

    def check_disjoint(self) -> None:
        split_of: dict[str, str] = {}
        for row in self.rows:
            known = split_of.setdefault(row["speaker"], row["split"])
            if known != row["split"]:
                raise ValueError(f"speaker {row['speaker']} is in both {known} and {row['split']} of {self.data}")

    def noises(self) -> np.ndarray:
        """Every noise recording, each at unit deviation, end to end; empty where the corpus has none."""
        found = []
        for path in sorted((self.data / "noise").glob("*")):
            x = decode(path, trim=False).astype(np.float32)
            found.append(x / (x.std() + 1e-6))
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def split(self, name: str, speeds: tuple[float, ...] = (1.0,), trim: bool = True) -> Split:
        rows = [row for row in self.rows if row["split"] == name]
        waves = {1.0: self._decoded(name, rows, trim)}
        for speed in speeds:
            if speed != 1.0:
                waves[speed] = self._sped(name, waves[1.0], speed)
        return Split(name, [r["path"] for r in rows], [r["speaker"] for r in rows], [r["source"] for r in rows], waves)

    def _decoded(self, name: str, rows: list[dict], trim: bool) -> Waves:
        stem = self.cache / name
        if stem.with_suffix(".i16").exists():
            waves = Waves.open(stem)
            if len(waves) != len(rows):
                raise ValueError(f"{self.cache} has {len(waves)} recordings of {name}, {self.data} has {len(rows)}")
            return waves
        self._may_make(stem)
        log.info("decoding %d recordings of %s", len(rows), name)
        with ProcessPoolExecutor(self.workers) as pool:
            paths = [self.data / row["path"] for row in rows]
            return Waves.write(stem, pool.map(partial(decode, trim=trim), paths, chunksize=32))

    def _sped(self, name: str, waves: Waves, speed: float) -> Waves:
        stem = self.cache / f"{name}-x{speed:g}".replace(".", "_")
        if stem.with_suffix(".i16").exists():
            return Waves.open(stem)
        self._may_make(stem)
        log.info("changing the speed of %d recordings of %s to %g", len(waves), name, speed)
        with ProcessPoolExecutor(self.workers) as pool:
            originals = (np.array(waves[i]) for i in range(len(waves)))
            return Waves.write(stem, pool.map(partial(change_speed, speed=speed), originals, chunksize=32))

    def _may_make(self, stem: Path) -> None:
        if self.workers == 0:
            raise NotPreparedError(stem.with_suffix(".i16"))
