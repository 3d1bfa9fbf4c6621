"""ECAPA-TDNN (Desplanques, Thienpondt, Demuynck, 2020), one module for every published family.

Activations are frames x channels, so every convolution is a matrix product: a 1x1 convolution is a linear layer, a
wider one a linear layer over gathered frames. The gather knows each utterance's own length, which makes a padded
batch exact: a frame reads the same neighbours alone and in any batch.

Shapes: B utterances, T frames of the longest, C channels, N = B * T rows.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .names import camel_case

POOLING_SLAB = 512
"""Channels that the pooling takes at once."""


@dataclass(frozen=True)
class EcapaConfig:
    """Sizes of a network and the points in which the published families differ."""

    feature_dim: int = 80
    channels: int = 1024
    scale: int = 8
    pooled_channels: int = 3072
    squeeze_channels: int = 128
    attention_channels: int = 128
    embedding_dim: int = 192
    kernel: int = 5
    block_kernel: int = 3
    dilations: tuple[int, int, int] = (2, 3, 4)
    stride: int = 1
    """Frames the first layer steps by; 1 in every published model."""
    padding: str = "reflect"
    """`reflect` or `zero`, at each utterance's own ends."""
    res2net_passes: str = "first"
    """The chunk that passes through a Res2Net layer unchanged: `first` or `last`."""
    block_input: str = "chain"
    """`chain`: a block reads the block before it; `sum`: the sum of everything before it."""
    aggregation_norm: bool = True
    """Batch norm after the layer that joins the three blocks."""
    attention_relu_norm: bool = True
    """ReLU and batch norm before the attention's tanh."""
    global_context: bool = True
    """The attention sees the utterance's mean and standard deviation beside each frame."""
    context_unbiased: bool = False
    """The context's variance divides by T - 1 instead of T."""
    context_floor_added: bool = False
    """The context's variance floor is added, not a lower bound."""
    context_floor: float = 1e-12
    pooled_floor: float = 1e-12
    """Lower bound of the attention-weighted variance."""
    embedding_norm: bool = False
    """Batch norm on the embedding."""
    embedding_centre: bool = False
    """The embedding is brought to length one and the training set's mean subtracted: a plain cosine of two results is
    then the cosine about that mean."""

    SIZES: ClassVar[dict[str, int]] = {
        "feature_dim": 101,
        "width": 103,
        "pooled_channels": 107,
        "squeeze_channels": 109,
        "attention_channels": 113,
        "embedding_dim": 127,
    }
    """The sizes that a checkpoint decides: fields, and the width of a Res2Net chunk, channels / scale. Built with a
    prime for each, a network shows which size every dimension of its tensors is, and how many times."""

    def derived(self) -> dict[str, tuple[int, str]]:
        """Fields that follow from a size, as (factor, size)."""
        return {"channels": (self.scale, "width")} | {name: (1, name) for name in self.SIZES if name != "width"}

    def sized(self, sizes: dict[str, int]) -> "EcapaConfig":
        """The same network with every size of SIZES."""
        fields = {name: size for name, size in sizes.items() if name != "width"}
        return replace(self, channels=self.scale * sizes["width"], **fields)

    def build(self) -> "Ecapa":
        return Ecapa(self)

    @property
    def shortest_frames(self) -> int:
        """Fewest frames the network is defined for: reflection needs more frames than it mirrors."""
        if self.padding == "zero":
            return 2 if self.context_unbiased else 1
        reach = max(self.kernel // 2, *(self.block_kernel // 2 * d for d in self.dilations))
        return reach * self.stride + 1

    def to_manifest(self) -> dict:
        return {camel_case(name): value for name, value in asdict(self).items()}

    @classmethod
    def from_manifest(cls, network: dict) -> "EcapaConfig":
        names = {camel_case(field.name): field.name for field in fields(cls)}
        values = {names[key]: tuple(value) if isinstance(value, list) else value for key, value in network.items()}
        return cls(**values)


class Norm(nn.Module):
    """Batch norm over rows, [N, C] -> [N, C]; at inference one multiply-add that freezing folds to two constants."""

    eps: Final[float]

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, True, self.momentum, self.eps
            )
        scale = self.weight * torch.rsqrt(self.running_var + self.eps)
        return torch.addcmul(self.bias - self.running_mean * scale, x, scale)


class Linear(nn.Module):
    """A 1x1 convolution over rows, or a wider one over gathered rows ([out, taps * in], tap-major).

    Not nn.Linear, whose scripted code names its sizes.
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True):
        super().__init__()
        reach = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-reach, reach))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-reach, reach)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def rows(self, x: Tensor, start: int, count: int) -> Tensor:
        """The outputs from `start` on."""
        bias = self.bias
        return F.linear(x, self.weight.narrow(0, start, count), None if bias is None else bias.narrow(0, start, count))


class Tdnn(nn.Module):
    """Convolution, ReLU, batch norm, in the order of every published ECAPA-TDNN."""

    def __init__(self, inputs: int, outputs: int, taps: int = 1):
        super().__init__()
        self.linear = Linear(taps * inputs, outputs)
        self.norm = Norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(F.relu(self.linear(x), inplace=True))


class Neighbours(nn.Module):
    """The rows under a convolution's kernel at every output frame, from the utterances' own lengths."""

    taps: Final[int]
    dilation: Final[int]
    stride: Final[int]
    reflect: Final[bool]

    def __init__(self, taps: int, dilation: int, stride: int, padding: str):
        super().__init__()
        self.taps, self.dilation, self.stride = taps, dilation, stride
        self.reflect = padding == "reflect"

    def forward(self, lengths: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """lengths int64[B] -> rows int64[B * T' * taps] of x[B * T, C], and float32[B * T', taps, 1], 0 outside."""
        batch = lengths.size(0)
        steps = (frames + self.stride - 1) // self.stride
        offset = (torch.arange(self.taps, device=lengths.device) - self.taps // 2) * self.dilation
        at = (torch.arange(steps, device=lengths.device) * self.stride)[:, None] + offset[None, :]
        last = (lengths - 1).view(batch, 1, 1)
        at = at.unsqueeze(0).expand(batch, steps, self.taps)
        inside = ((at >= 0) & (at <= last)).to(torch.float32)
        if self.reflect:
            at = at.abs()
            at = torch.where(at > last, 2 * last - at, at)
        # Rows past an utterance's end gather anything that exists: nothing valid ever reads them.
        at = at.clamp(0, frames - 1) + frames * torch.arange(batch, device=lengths.device).view(batch, 1, 1)
        return at.flatten(), inside.view(batch * steps, self.taps, 1)


class Gather(nn.Module):
    """[N, C] -> [N', taps * C], the input of a convolution written as a linear layer."""

    reflect: Final[bool]

    def __init__(self, padding: str):
        super().__init__()
        self.reflect = padding == "reflect"

    def forward(self, x: Tensor, rows: Tensor, inside: Tensor) -> Tensor:
        taken = x.index_select(0, rows).view(inside.size(0), inside.size(1), x.size(1))
        if not self.reflect:
            taken = taken * inside
        return taken.flatten(1)


class Res2Net(nn.Module):
    """Hierarchical convolutions over `scale` chunks of the channels; each adds the result before it to its input."""

    scale: Final[int]
    passes_first: Final[bool]

    def __init__(self, config: EcapaConfig):
        super().__init__()
        self.scale, width = config.scale, config.channels // config.scale
        self.passes_first = config.res2net_passes == "first"
        self.gather = Gather(config.padding)
        self.chunks = nn.ModuleList(Tdnn(width, width, config.block_kernel) for _ in range(config.scale - 1))

    def forward(self, x: Tensor, rows: Tensor, inside: Tensor) -> Tensor:
        width = x.size(1) // self.scale
        first = 1 if self.passes_first else 0
        done = [x[:, :width]] if self.passes_first else []
        y = torch.zeros(0)
        for i, chunk in enumerate(self.chunks):
            taken = x.narrow(1, (first + i) * width, width)
            if i > 0:
                taken = taken + y
            y = chunk(self.gather(taken, rows, inside))
            done.append(y)
        if not self.passes_first:
            done.append(x[:, -width:])
        return torch.cat(done, 1)


class SqueezeExcitation(nn.Module):
    """A gain per channel and utterance from the mean over its own frames."""

    def __init__(self, config: EcapaConfig):
        super().__init__()
        self.reduce = Linear(config.channels, config.squeeze_channels)
        self.expand = Linear(config.squeeze_channels, config.channels)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """x [B, T, C], valid [B, T, 1] -> gains [B, 1, C]."""
        mean = masked_mean(x, valid)
        return torch.sigmoid(self.expand(F.relu(self.reduce(mean))))


class Block(nn.Module):
    """SE-Res2Block: 1x1, Res2Net, 1x1, squeeze-excitation, and the block's input added."""

    def __init__(self, config: EcapaConfig, dilation: int):
        super().__init__()
        self.neighbours = Neighbours(config.block_kernel, dilation, 1, config.padding)
        self.enter = Tdnn(config.channels, config.channels)
        self.res2net = Res2Net(config)
        self.leave = Tdnn(config.channels, config.channels)
        self.squeeze_excitation = SqueezeExcitation(config)

    def forward(self, x: Tensor, valid: Tensor, lengths: Tensor) -> Tensor:
        rows, inside = self.neighbours(lengths, valid.size(1))
        y = self.leave(self.res2net(self.enter(x), rows, inside))
        y = y.view(valid.size(0), valid.size(1), -1)
        gain = self.squeeze_excitation(y, valid)
        return torch.addcmul(x.view_as(y), y, gain).flatten(0, 1)


def masked_mean(x: Tensor, valid: Tensor) -> Tensor:
    """Mean over an utterance's own frames: x [B, T, C], valid [B, T, 1] -> [B, 1, C]."""
    if x.size(0) == 1:
        return x.mean(1, keepdim=True)
    return (x * valid).sum(1, keepdim=True) / valid.sum(1, keepdim=True)


class AttentivePooling(nn.Module):
    """Attentive statistics pooling: weighted mean and standard deviation of every channel, [B, T, C] -> [B, 2 C].

    With global context the attention reads [x; mean; std]. Mean and std are constant over time, so their share of the
    layer is computed once per utterance and added: the same sum, a third of the work.

    Nothing here mixes channels, so they are taken a slab at a time: what lies between x and the result stays in the
    cache, and a long utterance needs no copies of x.
    """

    slab: Final[int]
    relu_norm: Final[bool]
    context: Final[bool]
    unbiased: Final[bool]
    floor_added: Final[bool]
    context_floor: Final[float]
    pooled_floor: Final[float]

    def __init__(self, config: EcapaConfig):
        super().__init__()
        channels, attention = config.pooled_channels, config.attention_channels
        self.slab = POOLING_SLAB
        self.relu_norm, self.context = config.attention_relu_norm, config.global_context
        self.unbiased, self.floor_added = config.context_unbiased, config.context_floor_added
        self.context_floor, self.pooled_floor = config.context_floor, config.pooled_floor
        self.from_frame = Linear(channels, attention)
        self.from_context = Linear(2 * channels, attention, bias=False) if self.context else nn.Identity()
        self.norm = Norm(attention) if self.relu_norm else nn.Identity()
        self.score = Linear(attention, channels)

    def context_statistics(self, x: Tensor, valid: Tensor) -> Tensor:
        """Mean and standard deviation over an utterance's own frames, [B, T, C] -> [B, 1, 2 C]."""
        count = valid.sum(1, keepdim=True)
        means: list[Tensor] = []
        deviations: list[Tensor] = []
        for start in range(0, x.size(2), self.slab):
            part = x.narrow(2, start, min(self.slab, x.size(2) - start))
            mean = masked_mean(part, valid)
            squares = masked_mean((part - mean).square_(), valid) * count
            variance = squares / (count - 1) if self.unbiased else squares / count
            if self.floor_added:  # noqa: SIM108
                variance = variance + self.context_floor
            else:
                variance = variance.clamp(min=self.context_floor)
            means.append(mean)
            deviations.append(variance.sqrt())
        return torch.cat(means + deviations, 2)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        hidden = self.from_frame(x)
        if self.context:
            hidden = hidden + self.from_context(self.context_statistics(x, valid))
        if self.relu_norm:
            hidden = self.norm(F.relu(hidden).flatten(0, 1)).view_as(hidden)
        hidden = torch.tanh(hidden)
        means: list[Tensor] = []
        deviations: list[Tensor] = []
        for start in range(0, x.size(2), self.slab):
            width = min(self.slab, x.size(2) - start)
            part = x.narrow(2, start, width)
            score = self.score.rows(hidden, start, width)
            if x.size(0) > 1:
                score = score.masked_fill(valid == 0, float("-inf"))
            weight = torch.softmax(score, 1)
            mean = (weight * part).sum(1, keepdim=True)
            variance = (weight * (part - mean).square()).sum(1, keepdim=True)
            means.append(mean)
            deviations.append(variance.clamp(min=self.pooled_floor).sqrt())
        return torch.cat(means + deviations, 2).squeeze(1)


class Ecapa(nn.Module):
    """ECAPA-TDNN: features float32[B, T, F] and lengths int64[B] -> embeddings float32[B, D].

    Exact under padding: the result for an utterance is the same alone and in any batch, up to rounding.
    """

    stride: Final[int]
    sums: Final[bool]
    aggregation_norm: Final[bool]
    embedding_norm: Final[bool]
    embedding_centre: Final[bool]

    def __init__(self, config: EcapaConfig):
        super().__init__()
        self.config = config
        self.stride, self.sums = config.stride, config.block_input == "sum"
        self.aggregation_norm, self.embedding_norm = config.aggregation_norm, config.embedding_norm
        self.embedding_centre = config.embedding_centre
        self.neighbours = Neighbours(config.kernel, 1, config.stride, config.padding)
        self.gather = Gather(config.padding)
        self.frame = Tdnn(config.feature_dim, config.channels, config.kernel)
        self.blocks = nn.ModuleList(Block(config, dilation) for dilation in config.dilations)
        self.aggregate = Linear(len(config.dilations) * config.channels, config.pooled_channels)
        self.aggregate_norm = Norm(config.pooled_channels) if config.aggregation_norm else nn.Identity()
        self.pooling = AttentivePooling(config)
        self.pooled_norm = Norm(2 * config.pooled_channels)
        self.embed = Linear(2 * config.pooled_channels, config.embedding_dim)
        self.embed_norm = Norm(config.embedding_dim) if config.embedding_norm else nn.Identity()
        if config.embedding_centre:
            self.register_buffer("embedding_mean", torch.zeros(config.embedding_dim))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        batch, frames, _ = features.size()
        rows, inside = self.neighbours(lengths, frames)
        x = self.frame(self.gather(features.flatten(0, 1), rows, inside))
        lengths = (lengths + self.stride - 1) // self.stride
        frames = (frames + self.stride - 1) // self.stride
        valid = (torch.arange(frames, device=lengths.device)[None, :] < lengths[:, None]).to(x.dtype).unsqueeze(2)
        joined: list[Tensor] = []
        for block in self.blocks:
            y = block(x, valid, lengths)
            joined.append(y)
            x = x + y if self.sums else y
        x = F.relu(self.aggregate(torch.cat(joined, 1)))
        if self.aggregation_norm:
            x = self.aggregate_norm(x)
        pooled = self.pooling(x.view(batch, frames, -1), valid)
        embedding = self.embed(self.pooled_norm(pooled))
        if self.embedding_norm:
            embedding = self.embed_norm(embedding)
        if self.embedding_centre:
            embedding = F.normalize(embedding, dim=1) - self.embedding_mean
        return embedding
