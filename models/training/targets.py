"""Targets of distillation: what teachers together say of a crop, cached beside the samples it was computed from.

A target is `[sqrt(w1) unit(a - mean a), sqrt(w2) unit(b - mean b)]` of the teachers' embeddings a and b, so that the
cosine of two targets is the weighted mean of the teachers' own, each about its mean over the training recordings.
"""

import logging
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from .campplus import CampplusTeacher
from .corpus import NotPreparedError, Split, Waves
from .resemblyzer import Resemblyzer
from .teacher import Teacher, unit

TEACHERS: tuple[tuple[type[Teacher], float], ...] = ((CampplusTeacher, 1.0), (Resemblyzer, 0.3))
"""Each teacher, and its weight in the cosine of targets."""
DIM = sum(teacher.dim for teacher, _ in TEACHERS)
PIECE = 250
"""Recordings whose windows are kept together, so that a run that was cut loses no more than these."""

log = logging.getLogger(__name__)


@torch.inference_mode()
def embed_windows(teacher: Teacher, waves: Waves, indices: range) -> tuple[np.ndarray, np.ndarray]:
    """float16[windows, dim] of recordings end to end, and each one's number of windows int64."""
    bfloat16 = torch.cpu._is_avx512_bf16_supported()
    rows, counts, waiting = [], [], []

    def embed() -> None:
        joined = torch.cat(waiting)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            rows.extend(teacher(part).float().numpy().astype(np.float16) for part in joined.split(teacher.batch))
        waiting.clear()

    for i in indices:
        waiting.append(teacher.windows(waves[i]))
        counts.append(len(waiting[-1]))
        if sum(map(len, waiting)) >= teacher.batch:
            embed()
    if waiting:
        embed()
    return np.concatenate(rows), np.array(counts)


def embed_piece(teacher: type[Teacher], waves: Waves, folder: Path, indices: range) -> Path:
    """The file with the windows of these recordings, written where it is not there."""
    path = folder / f"{indices.start}.npz"
    if not path.exists():
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        windows, counts = embed_windows(teacher.load(), waves, indices)
        save(path, windows=windows, counts=counts)
    return path


def save(path: Path, **arrays: np.ndarray) -> None:
    """Writes through a temporary name, so that a file that exists is whole."""
    part = path.with_suffix(".part.npz")
    np.savez(part, **arrays)
    part.rename(path)


@dataclass(frozen=True)
class Windows:
    """One teacher's embeddings of a split at one speed: windows end to end, and a unit embedding per recording."""

    teacher: type[Teacher]
    lengths: np.ndarray
    windows: np.ndarray
    firsts: np.ndarray
    utterances: np.ndarray

    def crop(self, utterance: int, start: int, samples: int) -> np.ndarray:
        """Unit embedding of a crop: its windows, weighted by how much of each lies in it."""
        at = self.teacher.starts(self.lengths[utterance])
        inside = np.clip(np.minimum(start + samples, at + self.teacher.window) - np.maximum(start, at), 0, None)
        if inside.sum() == 0:
            return self.utterances[utterance]
        first = self.firsts[utterance]
        return unit(inside.astype(np.float32) @ self.windows[first : first + len(at)].astype(np.float32))

    @classmethod
    def of(cls, teacher: type[Teacher], waves: Waves, workers: int) -> "Windows":
        """Found in the cache, or computed by so many processes; none may be had where `workers` is 0."""
        path = waves.stem.with_name(f"{waves.stem.name}-{teacher.name}.npz")
        if not path.exists() and workers == 0:
            raise NotPreparedError(path)
        if not path.exists():
            log.info("%s embeds %d recordings of %s", teacher.name, len(waves), waves.stem.name)
            teacher.load()
            folder = path.with_suffix("")
            folder.mkdir(exist_ok=True)
            pieces = [range(i, min(i + PIECE, len(waves))) for i in range(0, len(waves), PIECE)]
            with ProcessPoolExecutor(workers) as pool:
                done = [np.load(p) for p in pool.map(partial(embed_piece, teacher, waves, folder), pieces)]
            save(path, **{name: np.concatenate([d[name] for d in done]) for name in ("windows", "counts")})
            for piece in folder.iterdir():
                piece.unlink()
            folder.rmdir()
        stored = np.load(path)
        windows, counts = stored["windows"], stored["counts"]
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        utterances = unit(np.add.reduceat(windows.astype(np.float32), firsts, axis=0))
        return cls(teacher, waves.lengths, windows, firsts, utterances)


@dataclass(frozen=True)
class Targets:
    """Targets of a split at one speed; `utterances`, float32[U, DIM], are those of whole recordings, of unit length."""

    parts: tuple[Windows, ...]
    means: tuple[np.ndarray, ...]
    utterances: np.ndarray

    def crop(self, utterance: int, start: int, samples: int) -> np.ndarray:
        """Target of a crop, float32[DIM] of unit length."""
        return joined([part.crop(utterance, start, samples) for part in self.parts], self.means)

    @classmethod
    def absent(cls, split: Split) -> "Targets":
        """For training without teachers: zeros, which no loss looks at."""
        return cls((), (), np.zeros((len(split), DIM), np.float32))


def joined(embeddings: list[np.ndarray], means: tuple[np.ndarray, ...]) -> np.ndarray:
    """The teachers' embeddings [..., dim] of the same speech -> targets float32[..., DIM] of unit length."""
    if not embeddings:
        return np.zeros(DIM, np.float32)
    weights = [weight for _, weight in TEACHERS]
    parts = [weight**0.5 * unit(x - mean) for x, mean, weight in zip(embeddings, means, weights, strict=True)]
    return unit(np.concatenate(parts, -1)).astype(np.float32)


def targets_of(splits: list[Split], speeds: tuple[float, ...], workers: int) -> list[dict[float, Targets]]:
    """Targets of each split by speed. Every speed has its own, about the means of the recordings as they are."""
    found = {
        (s, speed): tuple(Windows.of(teacher, split.waves[speed], workers) for teacher, _ in TEACHERS)
        for speed in speeds
        for s, split in enumerate(splits)
    }
    unchanged = zip(*(found[s, 1.0] for s in range(len(splits))), strict=True)
    means = tuple(np.concatenate([part.utterances for part in parts]).mean(0) for parts in unchanged)
    return [
        {
            speed: Targets(found[s, speed], means, joined([p.utterances for p in found[s, speed]], means))
            for speed in speeds
        }
        for s in range(len(splits))
    ]
