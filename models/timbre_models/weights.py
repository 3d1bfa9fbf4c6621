"""Untrained checkpoints of any family and size, filled by a formula: the same numbers on every machine.

A tensor depends on its name, its shape and the seed. Its generator is SplitMix64 (Steele, Lea, Flood, 2014) started at
FNV-1a-64(name) + seed: draw k is mix(start + (k + 1) * 0x9E3779B97F4A7C15), a uniform number the upper 53 bits of a
draw / 2^53, a normal one sqrt(-2 ln(1 - u[2k])) cos(2 pi u[2k + 1]) (Box and Muller).

  python -m timbre_models.weights --family speechbrain --channels 64 --out file.ckpt
"""

import argparse
from collections import OrderedDict
from dataclasses import replace
from math import prod

import numpy as np
import torch

from .ecapa import EcapaConfig
from .families import VARIANTS, Network, Source, Variant

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def fnv1a(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def uniform(name: str, count: int, seed: int) -> np.ndarray:
    """float64[count] in [0, 1)."""
    state = np.arange(1, count + 1, dtype=np.uint64) * GAMMA + np.uint64((fnv1a(name) + seed) % 2**64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((state ^ (state >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def normal(name: str, count: int, seed: int) -> np.ndarray:
    """float64[count], mean 0, variance 1."""
    pairs = uniform(name, 2 * count, seed)
    return np.sqrt(-2 * np.log1p(-pairs[::2])) * np.cos(2 * np.pi * pairs[1::2])


def fill(name: str, shape: tuple[int, ...], seed: int, of_norm: bool) -> torch.Tensor:
    """One tensor: layers are He-scaled, batch norms near the identity, so that activations stay of one size."""
    part, count = name.rpartition(".")[2], prod(shape)
    if part == "running_var" or (of_norm and part == "weight"):
        values = 0.5 + uniform(name, count, seed)
    elif part == "weight":
        values = np.sqrt(2 / prod(shape[1:])) * normal(name, count, seed)
    else:
        values = (0.1 if of_norm else 0.05) * normal(name, count, seed)
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def shape_in_checkpoint(source: Source, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape a family gives to the tensor that becomes ours of `shape`."""
    if source.op == "conv":
        return shape[0], shape[1] // source.taps, source.taps
    if source.op == "columns":
        return shape[0], shape[1] * 3 // (source.third[1] - source.third[0]), 1
    return shape


def checkpoint(variant: Variant, network: Network, seed: int = 0) -> "OrderedDict[str, torch.Tensor]":
    """A state dict as the family saves it, with the network's sizes."""
    with torch.device("meta"):
        ours = network.build().state_dict()
    shapes = {
        variant.prefix + source.source: shape_in_checkpoint(source, tuple(ours[source.target].shape))
        for source in variant.sources()
    }
    tensors: OrderedDict[str, torch.Tensor] = OrderedDict()
    for name, shape in shapes.items():
        layer = name.rpartition(".")[0]
        tensors[name] = fill(name, shape, seed, f"{layer}.running_var" in shapes)
        if name.endswith(".running_var") and variant.counts:
            tensors[f"{layer}.num_batches_tracked"] = torch.tensor(1)
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="speechbrain", choices=VARIANTS, help="family or variant")
    parser.add_argument("--channels", type=int, help="default: the published size")
    parser.add_argument("--pooled", type=int, help="default: in proportion to the channels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    variant = VARIANTS[arguments.family]
    published = variant.network
    if not isinstance(published, EcapaConfig):
        if arguments.channels or arguments.pooled:
            parser.error(f"--channels and --pooled are sizes of ECAPA-TDNN, which {variant.name} is not")
        torch.save(checkpoint(variant, published, arguments.seed), arguments.out)
        return
    channels = arguments.channels or published.channels
    pooled = arguments.pooled or published.pooled_channels * channels // published.channels
    network = replace(published, channels=channels, pooled_channels=pooled)
    torch.save(checkpoint(variant, network, arguments.seed), arguments.out)


if __name__ == "__main__":
    main()
