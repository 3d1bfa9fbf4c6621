"""pyannote's segmentation-3.0 (Bredin, 2023; Plaquet and Bredin, 2023): who of at most three local speakers talks when.

SincNet (Ravanelli and Bengio, 2018), an LSTM in both directions, two linear layers and a classifier over the powerset
of the local speakers: nobody, one of the three, two of the three. A window is normalised over all of its time, zeros
behind a recording included, so that a frame depends on the whole window. Modules are named as the published tensors.

Shapes: B windows, N samples at 16 kHz, C channels, T frames. Everything before the LSTM sees [B, C, T], everything
behind it [B, T, C].
"""

from dataclasses import asdict, dataclass, fields, replace
from itertools import combinations
from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .campplus import initial
from .names import camel_case

SAMPLE_RATE = 16000
WINDOW_SAMPLES = 160_000
"""Samples of the windows that the published network was trained on."""
TAPS = 251
STRIDE = 10
KERNEL = 5
POOL = 3
LOWEST_HZ = 50.0
NARROWEST_HZ = 50.0
LOCAL_SPEAKERS = 3
POWERSET = tuple(chosen for size in range(3) for chosen in combinations(range(LOCAL_SPEAKERS), size))
"""The local speakers of each class: (), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)."""


@dataclass(frozen=True)
class SegmentationConfig:
    """Sizes of a network."""

    filter_pairs: int = 40
    conv_channels: int = 60
    lstm_units: int = 128
    linear_units: int = 128

    SIZES: ClassVar[dict[str, int]] = {
        "filter_pairs": 103,
        "conv_channels": 107,
        "lstm_units": 109,
        "linear_units": 113,
    }
    """The sizes that a checkpoint decides, each with a prime that shows it in the shapes of a network."""

    def derived(self) -> dict[str, tuple[int, str]]:
        """Fields that follow from a size, as (factor, size)."""
        return {name: (1, name) for name in self.SIZES}

    def sized(self, sizes: dict[str, int]) -> "SegmentationConfig":
        """The same network with every size of SIZES."""
        return replace(self, **sizes)

    def build(self) -> "Segmentation":
        return Segmentation(self)

    def to_manifest(self) -> dict:
        return {camel_case(name): value for name, value in asdict(self).items()}

    @classmethod
    def from_manifest(cls, network: dict) -> "SegmentationConfig":
        return cls(**{field.name: network[camel_case(field.name)] for field in fields(cls)})


def frames_of(samples: int) -> int:
    """Frames that a window of so many samples gives: 589 of 160,000."""
    frames = ((samples - TAPS) // STRIDE + 1) // POOL
    for _ in range(2):
        frames = (frames - KERNEL + 1) // POOL
    return frames


class Norm(nn.Module):
    """Instance norm: every channel of every window over its time, with the variance of the time there is."""

    eps: Final[float]

    def __init__(self, channels: int):
        super().__init__()
        self.eps = 1e-5
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)


class FilterBank(nn.Module):
    """Band-pass filters by their edges: [2 * pairs, 1, TAPS], the even (cosine) phases first, then the odd ones.

    f1 = 50 + |low_hz_|, f2 = min(f1 + 50 + |band_hz_|, 8000) Hz; under a Hamming window, scaled so that the middle of
    an even filter is 1. Computed in double precision.
    """

    taps: Final[int]
    rate: Final[float]
    lowest: Final[float]
    narrowest: Final[float]

    def __init__(self, pairs: int):
        super().__init__()
        self.taps, self.rate, self.lowest, self.narrowest = TAPS, float(SAMPLE_RATE), LOWEST_HZ, NARROWEST_HZ
        edges = torch.linspace(0, SAMPLE_RATE / 2 - LOWEST_HZ - NARROWEST_HZ, pairs + 1)
        self.low_hz_ = nn.Parameter(edges[:-1, None].clone())
        self.band_hz_ = nn.Parameter(edges.diff()[:, None].clone())

    def forward(self) -> Tensor:
        first = self.lowest + self.low_hz_.double().abs()
        second = (first + self.narrowest + self.band_hz_.double().abs()).clamp(self.lowest, self.rate / 2)
        half = self.taps // 2
        angle = 2 * torch.pi * torch.arange(-half, 0, device=first.device).double() / self.rate
        window = torch.hamming_window(self.taps, False, device=first.device, dtype=torch.float64)[:half]
        scale = window / (angle / 2) / (2 * (second - first))
        even = ((second * angle).sin() - (first * angle).sin()) * scale
        odd = ((first * angle).cos() - (second * angle).cos()) * scale
        middle = torch.ones_like(first)
        filters = torch.cat(
            [
                torch.cat([even, middle, even.flip(1)], 1),
                torch.cat([odd, torch.zeros_like(middle), -odd.flip(1)], 1),
            ]
        )
        return filters[:, None].float()


class SincConv(nn.Module):
    """[B, 1, N] -> [B, 2 * pairs, T], magnitudes of what the filters give."""

    stride: Final[int]

    def __init__(self, pairs: int):
        super().__init__()
        self.stride = STRIDE
        self.filterbank = FilterBank(pairs)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.filterbank(), None, self.stride).abs()


class Conv(nn.Module):
    """A convolution over time without padding, [B, C, T] -> [B, C', T - kernel + 1]."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = initial(outputs, inputs, KERNEL)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias)


class SincNet(nn.Module):
    """[B, 1, N] -> [B, conv channels, T]."""

    pool: Final[int]

    def __init__(self, config: SegmentationConfig):
        super().__init__()
        self.pool = POOL
        channels = config.conv_channels
        self.wav_norm1d = Norm(1)
        self.conv1d = nn.ModuleList(
            [SincConv(config.filter_pairs), Conv(2 * config.filter_pairs, channels), Conv(channels, channels)]
        )
        self.norm1d = nn.ModuleList([Norm(2 * config.filter_pairs), Norm(channels), Norm(channels)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.wav_norm1d(x)
        for conv, norm in zip(self.conv1d, self.norm1d):  # noqa: B905 (TorchScript's zip has no `strict`)
            x = F.leaky_relu(norm(F.max_pool1d(conv(x), self.pool)))
        return x


class Lstm(nn.Module):
    """Four layers in both directions, [B, T, C] -> [B, T, 2 * units].

    Not nn.LSTM, whose scripted code names its sizes.
    """

    units: int
    layers: Final[int]

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.layers = 4
        for layer in range(self.layers):
            width = inputs if layer == 0 else 2 * units
            for direction in ("", "_reverse"):
                at = f"l{layer}{direction}"
                self.register_parameter(f"weight_ih_{at}", initial(4 * units, width))
                self.register_parameter(f"weight_hh_{at}", initial(4 * units, units))
                self.register_parameter(f"bias_ih_{at}", nn.Parameter(torch.zeros(4 * units)))
                self.register_parameter(f"bias_hh_{at}", nn.Parameter(torch.zeros(4 * units)))

    def forward(self, x: Tensor) -> Tensor:
        weights = [
            self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0,
            self.weight_ih_l0_reverse, self.weight_hh_l0_reverse, self.bias_ih_l0_reverse, self.bias_hh_l0_reverse,
            self.weight_ih_l1, self.weight_hh_l1, self.bias_ih_l1, self.bias_hh_l1,
            self.weight_ih_l1_reverse, self.weight_hh_l1_reverse, self.bias_ih_l1_reverse, self.bias_hh_l1_reverse,
            self.weight_ih_l2, self.weight_hh_l2, self.bias_ih_l2, self.bias_hh_l2,
            self.weight_ih_l2_reverse, self.weight_hh_l2_reverse, self.bias_ih_l2_reverse, self.bias_hh_l2_reverse,
            self.weight_ih_l3, self.weight_hh_l3, self.bias_ih_l3, self.bias_hh_l3,
            self.weight_ih_l3_reverse, self.weight_hh_l3_reverse, self.bias_ih_l3_reverse, self.bias_hh_l3_reverse,
        ]  # fmt: skip
        zeros = torch.zeros(2 * self.layers, x.size(0), self.weight_hh_l0.size(1), device=x.device, dtype=x.dtype)
        return torch.lstm(x, [zeros, zeros], weights, True, self.layers, 0.0, False, True, True)[0]


class Linear(nn.Module):
    """[..., inputs] -> [..., outputs]"""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = initial(outputs, inputs)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Segmentation(nn.Module):
    """Windows float32[B, 1, N] of any level -> logarithms of the classes' probabilities [B, T, 7].

    Frames of 991 samples every 270, frame 0 centred on sample 495.
    """

    def __init__(self, config: SegmentationConfig):
        super().__init__()
        self.config = config
        self.sincnet = SincNet(config)
        self.lstm = Lstm(config.conv_channels, config.lstm_units)
        self.linear = nn.ModuleList(
            [Linear(2 * config.lstm_units, config.linear_units), Linear(config.linear_units, config.linear_units)]
        )
        self.classifier = Linear(config.linear_units, len(POWERSET))

    def forward(self, windows: Tensor) -> Tensor:
        x = self.lstm(self.sincnet(windows).transpose(1, 2))
        for linear in self.linear:
            x = F.leaky_relu(linear(x))
        return self.classifier(x).log_softmax(-1)
