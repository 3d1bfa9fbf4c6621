"""The published families: structure, front end and the name of every tensor, as data.

A *variant* is one structure of a family; its sizes (channels, attention, embedding, ...) come from the checkpoint.
`VARIANTS` holds them all; `Variant.describe` is the `family.json` that a skeleton carries to the native converter.
"""

import re
from dataclasses import asdict, dataclass, replace
from functools import cache

import torch

from .campplus import CampplusConfig
from .ecapa import EcapaConfig
from .names import camel_case
from .segmentation import SAMPLE_RATE, WINDOW_SAMPLES, SegmentationConfig


@dataclass(frozen=True)
class FrontEnd:
    """Parameters of the features a family is trained on; meanings in native/core/features/front_end.h."""

    type: str
    window: str
    fft_length: int
    low_hz: float
    high_hz: float
    log_floor: float
    frame_length: int = 400
    frame_shift: int = 160
    mel_bins: int = 80
    sample_scale: float = 1
    preemphasis: float = 0.97
    remove_dc: bool = False
    top_db: float = 0
    subtract_mean: bool = True


@dataclass(frozen=True)
class Source:
    """Where one tensor of ours comes from in a checkpoint.

    op: `copy`; `conv`, [out, in, taps] to [out, taps * in] tap-major, a 2-D weight as it is;
    `columns`, the columns from third[0]/3 to third[1]/3 of [out, in] or [out, in, 1].
    shape: the target's, a pair (factor, size name) for every dimension; one name is one size, CONSTANT is 1.
    """

    target: str
    source: str
    op: str
    shape: tuple[tuple[int, str], ...]
    taps: int = 1
    third: tuple[int, int] = (0, 3)

    def describe(self) -> dict:
        how = {"conv": {"taps": self.taps}, "columns": {"third": self.third}}.get(self.op, {})
        shape = [(factor, camel_case(size)) for factor, size in self.shape]
        return {"target": self.target, "source": self.source, "op": self.op, **how, "shape": shape}


# Name tables: a row is what | ours | theirs.
#   conv5, conv3, conv1  weight [out, in, taps] and bias
#   linear               weight [out, in] and bias
#   norm                 weight, bias, running mean and variance
#   context              weight [out, 3 in, 1] over [frame; mean; std], ours in two parts, and bias
# {b} counts blocks from 0, {b1} from 1, {b2} from 2; {c} counts the convolutions of a Res2Net layer.

SPEECHBRAIN_NAMES = """
conv5   | frame.linear                          | blocks.0.conv.conv
norm    | frame.norm                            | blocks.0.norm.norm
conv1   | blocks.{b}.enter.linear               | blocks.{b1}.tdnn1.conv.conv
norm    | blocks.{b}.enter.norm                 | blocks.{b1}.tdnn1.norm.norm
conv3   | blocks.{b}.res2net.chunks.{c}.linear  | blocks.{b1}.res2net_block.blocks.{c}.conv.conv
norm    | blocks.{b}.res2net.chunks.{c}.norm    | blocks.{b1}.res2net_block.blocks.{c}.norm.norm
conv1   | blocks.{b}.leave.linear               | blocks.{b1}.tdnn2.conv.conv
norm    | blocks.{b}.leave.norm                 | blocks.{b1}.tdnn2.norm.norm
conv1   | blocks.{b}.squeeze_excitation.reduce  | blocks.{b1}.se_block.conv1.conv
conv1   | blocks.{b}.squeeze_excitation.expand  | blocks.{b1}.se_block.conv2.conv
conv1   | aggregate                             | mfa.conv.conv
norm    | aggregate_norm                        | mfa.norm.norm
context | pooling                               | asp.tdnn.conv.conv
norm    | pooling.norm                          | asp.tdnn.norm.norm
conv1   | pooling.score                         | asp.conv.conv
norm    | pooled_norm                           | asp_bn.norm
conv1   | embed                                 | fc.conv
"""

WESPEAKER_NAMES = """
conv5   | frame.linear                          | layer1.conv
norm    | frame.norm                            | layer1.bn
conv1   | blocks.{b}.enter.linear               | layer{b2}.se_res2block.0.conv
norm    | blocks.{b}.enter.norm                 | layer{b2}.se_res2block.0.bn
conv3   | blocks.{b}.res2net.chunks.{c}.linear  | layer{b2}.se_res2block.1.convs.{c}
norm    | blocks.{b}.res2net.chunks.{c}.norm    | layer{b2}.se_res2block.1.bns.{c}
conv1   | blocks.{b}.leave.linear               | layer{b2}.se_res2block.2.conv
norm    | blocks.{b}.leave.norm                 | layer{b2}.se_res2block.2.bn
linear  | blocks.{b}.squeeze_excitation.reduce  | layer{b2}.se_res2block.3.linear1
linear  | blocks.{b}.squeeze_excitation.expand  | layer{b2}.se_res2block.3.linear2
conv1   | aggregate                             | conv
conv1   | pooling.from_frame                    | pool.linear1
conv1   | pooling.score                         | pool.linear2
norm    | pooled_norm                           | bn
linear  | embed                                 | linear
"""
WESPEAKER_CONTEXT_NAMES = WESPEAKER_NAMES.replace("conv1   | pooling.from_frame", "context | pooling           ")
WESPEAKER_EMBEDDING_NORM = """
norm    | embed_norm                            | bn2
"""

TAORUIJIE_NAMES = """
conv5   | frame.linear                          | conv1
norm    | frame.norm                            | bn1
conv1   | blocks.{b}.enter.linear               | layer{b1}.conv1
norm    | blocks.{b}.enter.norm                 | layer{b1}.bn1
conv3   | blocks.{b}.res2net.chunks.{c}.linear  | layer{b1}.convs.{c}
norm    | blocks.{b}.res2net.chunks.{c}.norm    | layer{b1}.bns.{c}
conv1   | blocks.{b}.leave.linear               | layer{b1}.conv3
norm    | blocks.{b}.leave.norm                 | layer{b1}.bn3
conv1   | blocks.{b}.squeeze_excitation.reduce  | layer{b1}.se.se.1
conv1   | blocks.{b}.squeeze_excitation.expand  | layer{b1}.se.se.3
conv1   | aggregate                             | layer4
context | pooling                               | attention.0
norm    | pooling.norm                          | attention.2
conv1   | pooling.score                         | attention.4
norm    | pooled_norm                           | bn5
linear  | embed                                 | fc6
norm    | embed_norm                            | bn6
"""

TAPS = {"conv5": 5, "conv3": 3, "conv1": 1}
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
COUNTERS = r"^.*\.num_batches_tracked$"

Network = EcapaConfig | CampplusConfig | SegmentationConfig
CONSTANT = ""
"""Name of the size of a dimension that is the same in every checkpoint: its factor is the dimension."""


@dataclass(frozen=True)
class Variant:
    """One structure of a family: everything about it but its sizes.

    A checkpoint's tensor is called `prefix` and the table's name; `ignored` are patterns over its whole name. Without
    a table the names are our own. Without a front end the network takes samples and embeds nothing: it tells who of a
    few local speakers talks when.
    """

    name: str
    family: str
    network: Network
    front_end: FrontEnd | None
    names: str = ""
    prefix: str = ""
    ignored: tuple[str, ...] = (COUNTERS,)
    counts: bool = True
    """Batch norms count the batches that they saw, in tensors of their own."""

    @cache  # noqa: B019 (variants live as long as the module)
    def shapes(self) -> dict[str, tuple[tuple[int, str], ...]]:
        """Every tensor of the network, each dimension as (factor, size name)."""
        sizes = self.network.SIZES

        def factor(dimension: int) -> tuple[int, str]:
            shown = ((dimension // prime, name) for name, prime in sizes.items() if dimension % prime == 0)
            return next(shown, (dimension, CONSTANT))

        with torch.device("meta"):
            network = self.network.sized(sizes).build()
        return {name: tuple(map(factor, tensor.shape)) for name, tensor in network.state_dict().items()}

    @cache  # noqa: B019 (variants live as long as the module)
    def sources(self) -> tuple[Source, ...]:
        """The complete map, in the network's order."""
        if not self.names:
            return tuple(Source(name, name, "copy", shape) for name, shape in self.shapes().items())
        rows = {row.target: row for line in self.names.split("\n") if line for row in self.expand(line)}
        return tuple(rows[name] for name in self.shapes())

    def expand(self, line: str) -> list[Source]:
        """One line of a table, for every block and chunk it stands for."""
        what, ours, theirs = (part.strip() for part in line.split("|"))
        blocks = range(len(self.network.dilations)) if "{b}" in ours else [0]
        chunks = range(self.network.scale - 1) if "{c}" in ours else [0]
        places = [{"b": b, "b1": b + 1, "b2": b + 2, "c": c} for b in blocks for c in chunks]
        return [row for at in places for row in self.layer(what, ours.format(**at), theirs.format(**at))]

    def layer(self, what: str, ours: str, theirs: str) -> list[Source]:
        def row(target: str, part: str, op: str = "copy", **how) -> Source:
            return Source(target, f"{theirs}.{part}", op, self.shapes()[target], **how)

        match what:
            case "norm":
                return [row(f"{ours}.{part}", part) for part in NORM_PARTS]
            case "linear":
                return [row(f"{ours}.weight", "weight"), row(f"{ours}.bias", "bias")]
            case "context":
                return [
                    row(f"{ours}.from_frame.weight", "weight", "columns", third=(0, 1)),
                    row(f"{ours}.from_frame.bias", "bias"),
                    row(f"{ours}.from_context.weight", "weight", "columns", third=(1, 3)),
                ]
        return [row(f"{ours}.weight", "weight", "conv", taps=TAPS[what]), row(f"{ours}.bias", "bias")]

    def ignores(self, name: str) -> bool:
        return any(re.match(pattern, name) for pattern in self.ignored)

    def describe(self, network: Network) -> dict:
        """`family.json`: how to fill a skeleton of this variant from a checkpoint, and what goes into the manifest."""
        if self.front_end is None:
            takes = {
                "kind": "segmentation",
                "input": {"sampleRate": SAMPLE_RATE, "windowSamples": WINDOW_SAMPLES},
            }
        else:
            takes = {
                "frontEnd": {camel_case(key): value for key, value in asdict(self.front_end).items()},
                "input": {"sampleRate": 16000, "shortestFrames": network.shortest_frames, "longestSeconds": 0},
            }
        return {
            "format": 1,
            "family": self.family,
            "variant": self.name,
            **takes,
            "network": network.to_manifest(),
            "sizes": {camel_case(field): (n, camel_case(size)) for field, (n, size) in network.derived().items()},
            "prefix": self.prefix,
            "ignored": self.ignored,
            "tensors": [source.describe() for source in self.sources()],
        }


FLT_EPSILON = 1.1920928955078125e-07
KALDI = FrontEnd(
    type="kaldi",
    window="hamming",
    fft_length=512,
    low_hz=20,
    high_hz=8000,
    sample_scale=32768,
    remove_dc=True,
    log_floor=FLT_EPSILON,
)

SPEECHBRAIN = Variant(
    name="speechbrain",
    family="speechbrain",
    names=SPEECHBRAIN_NAMES,
    network=EcapaConfig(),
    front_end=FrontEnd(
        type="speechbrain",
        window="hamming_periodic",
        fft_length=400,
        low_hz=0,
        high_hz=8000,
        preemphasis=0,
        log_floor=1e-10,
        top_db=80,
    ),
)

THREE_D_SPEAKER = replace(
    SPEECHBRAIN,
    name="3dspeaker",
    family="3dspeaker",
    front_end=replace(KALDI, window="povey", sample_scale=1),
)

WESPEAKER = Variant(
    name="wespeaker",
    family="wespeaker",
    names=WESPEAKER_NAMES,
    ignored=(COUNTERS, r"^projection\..*$"),
    network=EcapaConfig(
        channels=512,
        pooled_channels=1536,
        padding="zero",
        res2net_passes="last",
        aggregation_norm=False,
        attention_relu_norm=False,
        global_context=False,
        pooled_floor=1e-7,
    ),
    front_end=KALDI,
)
WESPEAKER_GLOB = replace(
    WESPEAKER,
    name="wespeaker-glob",
    names=WESPEAKER_CONTEXT_NAMES,
    network=replace(
        WESPEAKER.network,
        global_context=True,
        context_unbiased=True,
        context_floor=1e-7,
        context_floor_added=True,
    ),
)


def with_embedding_norm(variant: Variant) -> Variant:
    return replace(
        variant,
        name=f"{variant.name}-embbn",
        names=variant.names + WESPEAKER_EMBEDDING_NORM,
        network=replace(variant.network, embedding_norm=True),
    )


TAORUIJIE = Variant(
    name="taoruijie",
    family="taoruijie",
    names=TAORUIJIE_NAMES,
    prefix="speaker_encoder.",
    ignored=(COUNTERS, r"^speaker_encoder\.torchfbank\..*$", r"^speaker_loss\..*$"),
    network=EcapaConfig(
        pooled_channels=1536,
        attention_channels=256,
        padding="zero",
        res2net_passes="last",
        block_input="sum",
        aggregation_norm=False,
        context_unbiased=True,
        context_floor=1e-4,
        pooled_floor=1e-4,
        embedding_norm=True,
    ),
    front_end=FrontEnd(
        type="taoruijie",
        window="hamming_periodic",
        fft_length=512,
        low_hz=20,
        high_hz=7600,
        log_floor=1e-6,
    ),
)

CAMPPLUS = Variant(
    name="campplus",
    family="campplus",
    network=CampplusConfig(),
    front_end=THREE_D_SPEAKER.front_end,
)

TIMBRE = Variant(
    name="timbre",
    family="timbre",
    counts=False,
    network=EcapaConfig(
        channels=256,
        pooled_channels=768,
        stride=2,
        embedding_norm=True,
        embedding_centre=True,
    ),
    front_end=replace(KALDI, high_hz=7600, sample_scale=1),
)

SEGMENTATION = Variant(
    name="segmentation",
    family="segmentation",
    network=SegmentationConfig(),
    front_end=None,
    # What the filters' edges are taken with, which is the same in every checkpoint.
    ignored=(r"^sincnet\.conv1d\.0\.filterbank\.(window_|n_)$",),
    counts=False,
)

VARIANTS = {
    variant.name: variant
    for variant in (
        SPEECHBRAIN,
        THREE_D_SPEAKER,
        WESPEAKER,
        WESPEAKER_GLOB,
        with_embedding_norm(WESPEAKER),
        with_embedding_norm(WESPEAKER_GLOB),
        TAORUIJIE,
        CAMPPLUS,
        TIMBRE,
        SEGMENTATION,
    )
}
