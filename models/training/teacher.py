"""Speaker embeddings of a public teacher, Resemblyzer 0.1.4 (Apache-2.0), as targets for distillation.

Its package carries the weights of a three-layer LSTM (GE2E, Wan et al. 2018) trained on LibriSpeech-other, VoxCeleb 1
and 2. The teacher is a training-time dependency only: nothing of it is in the bundle.
"""

import importlib.util
import logging
import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .corpus import SAMPLE_RATE, Split, Waves

WINDOW_FRAMES = 160
HOP_FRAMES = 77
FRAME = 160
WINDOW = WINDOW_FRAMES * FRAME
HOP = HOP_FRAMES * FRAME
SHORTEST = SAMPLE_RATE // 2
TARGET_LEVEL_DB = -30.0
DIM = 256

log = logging.getLogger(__name__)


def unit(x: np.ndarray) -> np.ndarray:
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9)


def slaney_mel(rate: int, points: int, bins: int) -> Tensor:
    """Slaney's mel filters, linear below 1 kHz, each of unit area: float32[points / 2 + 1, bins]."""

    def to_hz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * math.log(6.4) / 27))

    top = 15 + math.log(rate / 2 / 1000) / (math.log(6.4) / 27)
    edges = to_hz(np.linspace(0, top, bins + 2))
    at = np.linspace(0, rate / 2, points // 2 + 1)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((at - left) / (centre - left), (right - at) / (right - centre)))
    return torch.from_numpy((triangles * 2 / (right - left)).astype(np.float32))


class Teacher(nn.Module):
    """Power mel windows float32[B, 160, 40] -> unit embeddings float32[B, 256]."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(40, DIM, 3, batch_first=True)
        self.linear = nn.Linear(DIM, DIM)
        self.register_buffer("mel", slaney_mel(SAMPLE_RATE, 400, 40), persistent=False)
        self.register_buffer("window", torch.hann_window(400), persistent=False)

    @classmethod
    def load(cls) -> "Teacher":
        package = importlib.util.find_spec("resemblyzer")
        if package is None or package.submodule_search_locations is None:
            raise SystemExit("the teacher is missing: pip install --no-deps resemblyzer==0.1.4")
        weights = Path(package.submodule_search_locations[0]) / "pretrained.pt"
        state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
        teacher = cls()
        teacher.load_state_dict({k: v for k, v in state.items() if k.startswith(("lstm", "linear"))})
        return teacher.eval()

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])))

    def windows(self, wave: np.ndarray) -> Tensor:
        """int16 samples -> [W, 160, 40]; quiet recordings are raised to the level the teacher was trained at."""
        x = wave.astype(np.float32) / 32767
        if len(x) < SHORTEST:
            x = np.tile(x, SHORTEST // max(1, len(x)) + 1)
        gain = TARGET_LEVEL_DB - 20 * np.log10(np.sqrt(np.mean(x**2)) + 1e-9)
        if gain > 0:
            x = x * 10 ** (gain / 20)
        count = window_count(len(x))
        x = np.pad(x, (0, max(0, (count - 1) * HOP + WINDOW - len(x))))
        spectrum = torch.stft(
            torch.from_numpy(x.astype(np.float32)), 400, FRAME, 400, self.window, center=True,
            pad_mode="constant", return_complex=True,
        )  # fmt: skip
        mel = torch.view_as_real(spectrum).square().sum(-1).T @ self.mel
        return torch.stack([mel[i * HOP_FRAMES : i * HOP_FRAMES + WINDOW_FRAMES] for i in range(count)])


def window_count(samples: int) -> int:
    """Windows that cover an utterance; a last one with under three quarters of speech is left out."""
    frames = math.ceil((samples + 1) / FRAME)
    count = len(range(0, max(1, frames - WINDOW_FRAMES + HOP_FRAMES + 1), HOP_FRAMES))
    covered = (samples - (count - 1) * HOP) / WINDOW
    return count - 1 if covered < 0.75 and count > 1 else count


@torch.inference_mode()
def embed_windows(waves: Waves, indices: range, bfloat16: bool) -> tuple[np.ndarray, np.ndarray]:
    """float16[windows, 256] of the utterances end to end, and each one's number of windows."""
    torch.set_num_threads(1)
    teacher = Teacher.load()
    rows, counts, waiting = [], [], []

    def flush() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            rows.append(teacher(torch.cat(waiting)).float().numpy().astype(np.float16))
        waiting.clear()

    for i in indices:
        windows = teacher.windows(waves[i])
        counts.append(len(windows))
        waiting.append(windows)
        if sum(map(len, waiting)) >= 256:
            flush()
    if waiting:
        flush()
    return np.concatenate(rows), np.array(counts)


@dataclass(frozen=True)
class Targets:
    """A split's teacher embeddings at one speed: windows end to end, and a unit embedding per utterance."""

    windows: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    utterances: np.ndarray

    def crop(self, utterance: int, start: int, samples: int) -> np.ndarray:
        """Unit embedding of a crop: its windows, weighted by how much of each lies in it."""
        at = np.arange(self.counts[utterance]) * HOP
        inside = np.clip(np.minimum(start + samples, at + WINDOW) - np.maximum(start, at), 0, None)
        if inside.sum() == 0:
            return self.utterances[utterance]
        first = self.starts[utterance]
        return unit(inside.astype(np.float32) @ self.windows[first : first + len(at)].astype(np.float32))

    @classmethod
    def absent(cls, split: Split) -> "Targets":
        """For training without a teacher: zeros, which no loss looks at."""
        none = np.zeros(len(split), np.int64)
        utterances = np.zeros((len(split), DIM), np.float32)
        return cls(np.zeros((0, DIM), np.float16), none, none, utterances)

    @classmethod
    def of(cls, split: Split, speed: float, workers: int, bfloat16: bool) -> "Targets":
        waves = split.waves[speed]
        path = waves.stem.with_name(f"teacher-{waves.stem.name}.npz")
        if not path.exists():
            log.info("teacher embeddings of %d recordings of %s at speed %g", len(waves), split.name, speed)
            pieces = [range(i, min(i + 500, len(waves))) for i in range(0, len(waves), 500)]
            with ProcessPoolExecutor(workers) as pool:
                jobs = [pool.submit(embed_windows, waves, piece, bfloat16) for piece in pieces]
                done = [job.result() for job in jobs]
            part = path.with_suffix(".part.npz")
            np.savez(part, windows=np.concatenate([d[0] for d in done]), counts=np.concatenate([d[1] for d in done]))
            part.rename(path)
        stored = np.load(path)
        windows, counts = stored["windows"], stored["counts"]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        utterances = unit(np.add.reduceat(windows.astype(np.float32), starts, axis=0) / counts[:, None])
        return cls(windows, starts, counts, utterances)
