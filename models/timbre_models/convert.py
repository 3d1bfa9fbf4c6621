"""A checkpoint's tensors into our network, by the maps of families.py: the reference for the native converter."""

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from .campplus import Campplus
from .ecapa import Ecapa
from .families import CONSTANT, VARIANTS, Source, Variant
from .segmentation import Segmentation


class CheckpointError(ValueError):
    """A checkpoint that is not of its family; the message names every tensor at fault."""


def convert(checkpoint: Mapping[str, Tensor], family: str) -> tuple[Variant, Ecapa | Campplus | Segmentation]:
    """The family's variant that the checkpoint is of, and the network with its weights, in eval mode.

    Raises CheckpointError with the faults against the nearest variant.
    """
    attempts = [(variant, *read(checkpoint, variant)) for variant in VARIANTS.values() if variant.family == family]
    if not attempts:
        families = dict.fromkeys(variant.family for variant in VARIANTS.values())
        raise CheckpointError(f"no family {family!r}; there are {', '.join(families)}")
    variant, tensors, sizes, faults = min(attempts, key=lambda attempt: len(attempt[-1]))
    if faults:
        raise CheckpointError("\n".join([f"not a {variant.name} checkpoint:", *faults]))
    network = variant.network.sized(sizes).build()
    network.load_state_dict(tensors)
    return variant, network.eval()


def read(checkpoint: Mapping[str, Tensor], variant: Variant) -> tuple[dict[str, Tensor], dict[str, int], list[str]]:
    """Our tensors, the sizes they show, and what is wrong with them."""
    known = {variant.prefix + source.source for source in variant.sources()}
    given = {name for name in checkpoint if not variant.ignores(name)}
    faults = [f"missing tensor {name}" for name in sorted(known - given)]
    faults += [f"unexpected tensor {name}" for name in sorted(given - known)]
    tensors: dict[str, Tensor] = {}
    shown: list[tuple[str, str, float]] = []
    for source in variant.sources():
        name = variant.prefix + source.source
        if name not in given:
            continue
        try:
            tensors[source.target] = arrange(checkpoint[name], source)
        except CheckpointError as error:
            faults.append(f"tensor {name} of shape {list(checkpoint[name].shape)}: {error}")
            continue
        for (factor, size), dimension in zip(source.shape, tensors[source.target].shape, strict=True):
            if size != CONSTANT:
                shown.append((name, size, dimension / factor))
            elif dimension != factor:
                faults.append(
                    f"tensor {name} of shape {list(checkpoint[name].shape)}: {dimension} where {factor} belongs"
                )
    # What most tensors show is the size; the others are at fault.
    votes = Counter((size, value) for _, size, value in shown)
    sizes = {size: int(value) for (size, value), _ in reversed(votes.most_common())}
    for name, size, value in shown:
        if value != sizes[size]:
            faults.append(f"tensor {name} of shape {list(checkpoint[name].shape)}: {size} is {sizes[size]} elsewhere")
    return tensors, sizes, list(dict.fromkeys(faults))


def arrange(tensor: Tensor, source: Source) -> Tensor:
    """One tensor of a checkpoint in our layout."""
    if not tensor.is_floating_point():
        raise CheckpointError(f"{tensor.dtype} where numbers with a fraction belong")
    if source.op == "conv" and tensor.dim() == 3:
        if tensor.size(2) != source.taps:
            raise CheckpointError(f"a kernel of {tensor.size(2)} where one of {source.taps} belongs")
        tensor = tensor.permute(0, 2, 1).flatten(1)
    if source.op == "columns":
        if tensor.dim() not in (2, 3) or tensor.flatten(1).size(1) % 3:
            raise CheckpointError("no three equal parts of columns")
        first, last = source.third
        part = tensor.flatten(1).size(1) // 3
        tensor = tensor.flatten(1)[:, first * part : last * part]
    if tensor.dim() != len(source.shape):
        raise CheckpointError(f"{tensor.dim()} dimensions where {len(source.shape)} belong")
    if not torch.isfinite(tensor).all():
        raise CheckpointError("values that are not finite")
    return tensor.to(torch.float32).contiguous()
