"""Resemblyzer 0.1.4 (Apache-2.0), a three-layer LSTM (GE2E, Wan et al. 2018), as a teacher.

Trained on LibriSpeech-other, VoxCeleb 1 and 2. Its weights come with its package, of which nothing else is used.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from .corpus import SAMPLE_RATE
from .published import Published
from .teacher import Teacher

WEIGHTS = Published(
    package="resemblyzer==0.1.4",
    wheel_sha256="8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    member="resemblyzer/pretrained.pt",
    sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    size=17_090_379,
)
WINDOW_FRAMES = 160
HOP_FRAMES = 77
FRAME = 160
WINDOW = WINDOW_FRAMES * FRAME
HOP = HOP_FRAMES * FRAME
SHORTEST = SAMPLE_RATE // 2
TARGET_LEVEL_DB = -30.0
DIM = 256


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


class Resemblyzer(Teacher):
    """Power mel windows float32[W, 160, 40] -> unit embeddings float32[W, 256]."""

    name, dim, window, batch = "resemblyzer", DIM, WINDOW, 256
    weights = WEIGHTS

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(40, DIM, 3, batch_first=True)
        self.linear = nn.Linear(DIM, DIM)
        self.register_buffer("mel", slaney_mel(SAMPLE_RATE, 400, 40), persistent=False)
        self.register_buffer("hann", torch.hann_window(400), persistent=False)

    @classmethod
    def load(cls) -> "Resemblyzer":
        state = torch.load(WEIGHTS.file(), map_location="cpu", weights_only=True)["model_state"]
        teacher = cls()
        teacher.load_state_dict({k: v for k, v in state.items() if k.startswith(("lstm", "linear"))})
        return teacher.eval()

    @classmethod
    def starts(cls, samples: int) -> np.ndarray:
        """A last window with under three quarters of speech is left out; half a second is repeated to be one."""
        samples = max(samples, SHORTEST)
        frames = math.ceil((samples + 1) / FRAME)
        count = len(range(0, max(1, frames - WINDOW_FRAMES + HOP_FRAMES + 1), HOP_FRAMES))
        covered = (samples - (count - 1) * HOP) / WINDOW
        return HOP * np.arange(count - 1 if covered < 0.75 and count > 1 else count)

    def windows(self, wave: np.ndarray) -> Tensor:
        """Quiet recordings are raised to the level the encoder was trained at."""
        starts = self.starts(len(wave)) // FRAME
        x = wave.astype(np.float32) / 32767
        if len(x) < SHORTEST:
            x = np.resize(x, SHORTEST) if len(x) else np.zeros(SHORTEST, np.float32)
        gain = TARGET_LEVEL_DB - 20 * np.log10(np.sqrt(np.mean(x**2)) + 1e-9)
        if gain > 0:
            x = x * 10 ** (gain / 20)
        x = np.pad(x, (0, max(0, starts[-1] * FRAME + WINDOW - len(x))))
        spectrum = torch.stft(
            torch.from_numpy(x.astype(np.float32)), 400, FRAME, 400, self.hann, center=True,
            pad_mode="constant", return_complex=True,
        )  # fmt: skip
        mel = torch.view_as_real(spectrum).square().sum(-1).T @ self.mel
        return torch.stack([mel[start : start + WINDOW_FRAMES] for start in starts])

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])))
