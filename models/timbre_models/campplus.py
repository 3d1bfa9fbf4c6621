"""CAM++ (Wang, Zheng, Chen, Cheng, Chen, 2023), the network of 3D-Speaker's published checkpoints.

A residual network over time and frequency, then a densely connected TDNN whose layers are gated by the context of their
input: its mean over the utterance and over stretches of SEGMENT_FRAMES. Modules are named as the published tensors, so
a checkpoint loads as it is. What the shapes decide (the embedding's size: 192 for the Chinese and English models, 512
for VoxCeleb's) is read from them; depths, kernels and dilations are the same in all.

Shapes: B utterances of equal length, F filter banks, T frames, C channels, D dimensions. Two-dimensional convolutions
see [B, C, F, T], one-dimensional ones [B, C, T].
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SEGMENT_FRAMES = 100
"""Frames (after the stride of two) that share a context, about two seconds."""
STRIDE = 2
SHORTEST_FRAMES = 3
"""Fewest frames that leave two after the stride, as the standard deviation over time needs."""
DEPTHS = (12, 24, 16)
DILATIONS = (1, 2, 2)


@dataclass(frozen=True)
class CampplusConfig:
    """Sizes, each the one of the published checkpoints unless their shapes say otherwise."""

    feature_dim: int = 80
    residual_channels: int = 32
    channels: int = 128
    growth: int = 32
    bottleneck: int = 128
    embedding_dim: int = 192

    @classmethod
    def of(cls, state: dict[str, Tensor]) -> "CampplusConfig":
        """The sizes that the tensors of a checkpoint have. Raises ValueError where it is no CAM++."""
        names = {
            "residual_channels": ("head.conv1.weight", 0),
            "channels": ("xvector.tdnn.linear.weight", 0),
            "growth": ("xvector.block1.tdnnd1.cam_layer.linear_local.weight", 0),
            "bottleneck": ("xvector.block1.tdnnd1.linear1.weight", 0),
            "embedding_dim": ("xvector.dense.linear.weight", 0),
        }
        missing = [name for name, _ in names.values() if name not in state]
        if missing:
            raise ValueError(f"not a checkpoint of CAM++: it has no tensor {missing[0]}")
        sizes = {size: state[name].size(dimension) for size, (name, dimension) in names.items()}
        bands = state["xvector.tdnn.linear.weight"].size(1) // sizes["residual_channels"]
        return cls(feature_dim=8 * bands, **sizes)


def norm_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm and the input added; `stride` is over frequency alone."""

    def __init__(self, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(nn.Conv2d(channels, channels, 1, (stride, 1), bias=False))
            self.shortcut.append(nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class Head(nn.Module):
    """Filter banks [B, F, T] -> [B, C * F / 8, T], convolved over time and frequency, frequency halved three times."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
        self.layer2 = nn.Sequential(Residual(channels, 2), Residual(channels, 1))
        self.conv2 = nn.Conv2d(channels, channels, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(features.unsqueeze(1))))
        x = self.layer2(self.layer1(x))
        return F.relu(self.bn2(self.conv2(x))).flatten(1, 2)


class Tdnn(nn.Module):
    """A convolution of five frames that steps by STRIDE, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 5, STRIDE, 2, bias=False)
        self.nonlinear = norm_relu(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x))


class ContextMasking(nn.Module):
    """A convolution of three frames, each output channel gated by the context of the frame."""

    segment: Final[int]

    def __init__(self, inputs: int, outputs: int, dilation: int):
        super().__init__()
        self.segment = SEGMENT_FRAMES
        self.linear_local = nn.Conv1d(inputs, outputs, 3, 1, dilation, dilation, bias=False)
        self.linear1 = nn.Conv1d(inputs, inputs // 2, 1)
        self.linear2 = nn.Conv1d(inputs // 2, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        # Frames of one segment have one context: the gate is computed per segment and then repeated.
        segments = F.avg_pool1d(x, self.segment, self.segment, ceil_mode=True)
        context = x.mean(2, keepdim=True) + segments
        gate = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        return self.linear_local(x) * gate.repeat_interleave(self.segment, 2)[:, :, : x.size(2)]


class DenseLayer(nn.Module):
    """Batch norm, ReLU, 1x1 convolution to the bottleneck, batch norm, ReLU, context-masked convolution."""

    def __init__(self, inputs: int, bottleneck: int, growth: int, dilation: int):
        super().__init__()
        self.nonlinear1 = norm_relu(inputs)
        self.linear1 = nn.Conv1d(inputs, bottleneck, 1, bias=False)
        self.nonlinear2 = norm_relu(bottleneck)
        self.cam_layer = ContextMasking(bottleneck, growth, dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))


class DenseBlock(nn.Sequential):
    """Layers that each read what all before them gave: [B, C, T] -> [B, C + depth * growth, T]."""

    def __init__(self, inputs: int, config: CampplusConfig, depth: int, dilation: int):
        widths = [inputs + layer * config.growth for layer in range(depth)]
        super().__init__(
            OrderedDict(
                (f"tdnnd{number}", DenseLayer(width, config.bottleneck, config.growth, dilation))
                for number, width in enumerate(widths, 1)
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
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

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
        self.linear = nn.Conv1d(inputs, outputs, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(outputs, affine=False)))

    def forward(self, x: Tensor) -> Tensor:
        return self.nonlinear(self.linear(x.unsqueeze(2)).squeeze(2))


class Campplus(nn.Module):
    """CAM++: features float32[B, T, F], mean over time subtracted -> embeddings float32[B, D], of no fixed length.

    All utterances of a batch have the same number of frames, SHORTEST_FRAMES or more.
    """

    def __init__(self, config: CampplusConfig):
        super().__init__()
        self.config = config
        self.head = Head(config.residual_channels)
        channels = config.channels
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        parts["tdnn"] = Tdnn(config.residual_channels * config.feature_dim // 8, channels)
        for number, (depth, dilation) in enumerate(zip(DEPTHS, DILATIONS, strict=True), 1):
            parts[f"block{number}"] = DenseBlock(channels, config, depth, dilation)
            channels += depth * config.growth
            parts[f"transit{number}"] = Transition(channels)
            channels //= 2
        parts["out_nonlinear"] = norm_relu(channels)
        parts["stats"] = Statistics()
        parts["dense"] = Embedding(2 * channels, config.embedding_dim)
        self.xvector = nn.Sequential(parts)

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> "Campplus":
        """The network of a checkpoint, in eval mode. Raises ValueError where its tensors are not those of CAM++."""
        network = cls(CampplusConfig.of(state))
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"not a checkpoint of CAM++: {error}") from error
        return network.eval()

    def forward(self, features: Tensor) -> Tensor:
        return self.xvector(self.head(features.transpose(1, 2)))
