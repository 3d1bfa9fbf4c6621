"""CAM++ (Wang, Zheng, Chen, Cheng, Chen, 2023), the network of 3D-Speaker's published checkpoints.

A residual network over time and frequency, then a densely connected TDNN whose layers are gated by the context of their
input: its mean over the utterance and over stretches of SEGMENT_FRAMES. Modules are named as the published tensors.
Every published network has a width of 32; the embedding has 192 dimensions (Chinese and English) or 512 (VoxCeleb).

The network takes no padding: utterances of a batch that have the same length are computed together, and no others.

Shapes: B utterances, F filter banks, T frames, C channels, D dimensions. Two-dimensional convolutions see [B, C, F, T],
one-dimensional ones [B, C, T].
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass, fields, replace
from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .names import camel_case

SEGMENT_FRAMES = 100
"""Frames (after the stride of two) that share a context, about two seconds."""
STRIDE = 2
SHORTEST_FRAMES = 3
"""Fewest frames that leave two after the stride, as the standard deviation over time needs."""
DEPTHS = (12, 24, 16)
DILATIONS = (1, 2, 2)


@dataclass(frozen=True)
class CampplusConfig:
    """Sizes of a network. Every number of channels is a multiple of `width`."""

    feature_dim: int = 80
    width: int = 32
    embedding_dim: int = 192

    SIZES: ClassVar[dict[str, int]] = {"width": 103, "embedding_dim": 127}
    """The sizes that a checkpoint decides, each with a prime that shows it in the shapes of a network."""

    def derived(self) -> dict[str, tuple[int, str]]:
        """Fields that follow from a size, as (factor, size)."""
        return {name: (1, name) for name in self.SIZES}

    @property
    def shortest_frames(self) -> int:
        return SHORTEST_FRAMES

    def sized(self, sizes: dict[str, int]) -> "CampplusConfig":
        """The same network with every size of SIZES."""
        return replace(self, **sizes)

    def build(self) -> "Campplus":
        return Campplus(self)

    def to_manifest(self) -> dict:
        return {camel_case(name): value for name, value in asdict(self).items()}

    @classmethod
    def from_manifest(cls, network: dict) -> "CampplusConfig":
        return cls(**{field.name: network[camel_case(field.name)] for field in fields(cls)})


class Norm(nn.Module):
    """Batch norm over the channels of [B, C, ...], for inference; without weights of its own where not `affine`.

    Not nn.BatchNorm1d, whose scripted code names its sizes, as that of nn.Conv1d does.
    """

    eps: Final[float]

    def __init__(self, channels: int, affine: bool = True):
        super().__init__()
        self.eps = 1e-5
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


def initial(outputs: int, inputs: int, *kernel: int) -> nn.Parameter:
    """A weight [outputs, inputs, *kernel], uniform within 1 / sqrt(inputs of one output)."""
    weight = torch.empty(outputs, inputs, *kernel)
    reach = weight[0].numel() ** -0.5
    return nn.Parameter(weight.uniform_(-reach, reach))


class Conv(nn.Module):
    """A convolution over time, [B, C, T] -> [B, C', T / stride]; zeros keep the length."""

    stride: Final[int]
    dilation: Final[int]
    padding: Final[int]

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, dilation: int = 1,
                 bias: bool = False):  # fmt: skip
        super().__init__()
        self.stride, self.dilation, self.padding = stride, dilation, kernel // 2 * dilation
        self.weight = initial(outputs, inputs, kernel)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


class PlaneConv(nn.Module):
    """A convolution over frequency and time, [B, C, F, T] -> [B, C', F / stride, T]; zeros keep the length."""

    stride: Final[int]
    padding: Final[int]

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__()
        self.stride, self.padding = stride, kernel // 2
        self.weight = initial(outputs, inputs, kernel, kernel)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, None, [self.stride, 1], [self.padding, self.padding])


def norm_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=Norm(channels), relu=nn.ReLU()))


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm and the input added; `stride` is over frequency alone."""

    def __init__(self, channels: int, stride: int):
        super().__init__()
        self.conv1 = PlaneConv(channels, channels, 3, stride)
        self.bn1 = Norm(channels)
        self.conv2 = PlaneConv(channels, channels, 3)
        self.bn2 = Norm(channels)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(PlaneConv(channels, channels, 1, stride))
            self.shortcut.append(Norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class Head(nn.Module):
    """Filter banks [B, F, T] -> [B, C * F / 8, T], convolved over time and frequency, frequency halved three times."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = PlaneConv(1, channels, 3)
        self.bn1 = Norm(channels)
        self.layer1 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
        self.layer2 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
        self.conv2 = PlaneConv(channels, channels, 3, 2)
        self.bn2 = Norm(channels)

    def forward(self, features: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(features.unsqueeze(1))))
        x = self.layer2(self.layer1(x))
        return F.relu(self.bn2(self.conv2(x))).flatten(1, 2)


class Tdnn(nn.Module):
    """A convolution of five frames that steps by STRIDE, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.linear = Conv(inputs, outputs, 5, STRIDE)
        self.nonlinear = norm_relu(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x))


class ContextMasking(nn.Module):
    """A convolution of three frames, each output channel gated by the context of the frame."""

    segment: Final[int]

    def __init__(self, inputs: int, outputs: int, dilation: int):
        super().__init__()
        self.segment = SEGMENT_FRAMES
        self.linear_local = Conv(inputs, outputs, 3, dilation=dilation)
        self.linear1 = Conv(inputs, inputs // 2, bias=True)
        self.linear2 = Conv(inputs // 2, outputs, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        # Frames of one segment have one context: the gate is computed per segment and then repeated.
        segments = F.avg_pool1d(x, self.segment, self.segment, ceil_mode=True)
        context = x.mean(2, keepdim=True) + segments
        gate = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        return self.linear_local(x) * gate.repeat_interleave(self.segment, 2)[:, :, : x.size(2)]


class DenseLayer(nn.Module):
    """Batch norm, ReLU, 1x1 convolution to the bottleneck, batch norm, ReLU, context-masked convolution."""

    def __init__(self, inputs: int, bottleneck: int, outputs: int, dilation: int):
        super().__init__()
        self.nonlinear1 = norm_relu(inputs)
        self.linear1 = Conv(inputs, bottleneck)
        self.nonlinear2 = norm_relu(bottleneck)
        self.cam_layer = ContextMasking(bottleneck, outputs, dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class DenseBlock(nn.Sequential):
    """Layers that each read what all before them gave: [B, C, T] -> [B, C + depth * width, T]."""

    def __init__(self, inputs: int, width: int, depth: int, dilation: int):
        super().__init__(
            OrderedDict(
                (f"tdnnd{layer + 1}", DenseLayer(inputs + layer * width, 4 * width, width, dilation))
                for layer in range(depth)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([x, layer(x)], 1)
        return x


class Transition(nn.Module):
    """Batch norm, ReLU, and a 1x1 convolution to half the channels."""

    def __init__(self, channels: int):
        super().__init__()
        self.nonlinear = norm_relu(channels)
        self.linear = Conv(channels, channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.nonlinear(x))


class Statistics(nn.Module):
    """Mean and standard deviation (over T - 1) of each channel over time, [B, C, T] -> [B, 2 C]."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean(2), x.std(2, unbiased=True)], 1)


class Embedding(nn.Module):
    """A linear layer and batch norm without weights of its own; no ReLU behind it. [B, C] -> [B, D]"""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.linear = Conv(inputs, outputs)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=Norm(outputs, affine=False)))

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x.unsqueeze(2)).squeeze(2))


class Campplus(nn.Module):
    """CAM++ for inference: features float32[B, T, F], mean over time subtracted, and lengths int64[B] in frames, each
    SHORTEST_FRAMES or more -> embeddings float32[B, D], of no fixed length."""

    def __init__(self, config: CampplusConfig):
        super().__init__()
        self.config = config
        self.head = Head(config.width)
        channels = 4 * config.width
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        parts["tdnn"] = Tdnn(config.width * config.feature_dim // 8, channels)
        for number, (depth, dilation) in enumerate(zip(DEPTHS, DILATIONS, strict=True), 1):
            parts[f"block{number}"] = DenseBlock(channels, config.width, depth, dilation)
            channels += depth * config.width
            parts[f"transit{number}"] = Transition(channels)
            channels //= 2
        parts["out_nonlinear"] = norm_relu(channels)
        parts["stats"] = Statistics()
        parts["dense"] = Embedding(2 * channels, config.embedding_dim)
        self.xvector = nn.Sequential(parts)

    def whole(self, features: Tensor) -> Tensor:
        """Utterances without padding."""
        return self.xvector(self.head(features.transpose(1, 2)))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        order: list[Tensor] = []
        embeddings: list[Tensor] = []
        for length in torch.unique(lengths):
            same = torch.nonzero(lengths == length).flatten()
            order.append(same)
            embeddings.append(self.whole(features[same, : int(length)]))
        return torch.cat(embeddings)[torch.argsort(torch.cat(order))]
