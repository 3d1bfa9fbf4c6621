"""Keeps what the next piece of a training needs of a run, small enough to be committed; `--start-from` reads it.

python -m training.piece ../runs/bundled training/piece.pt

Averaged weights, classes and map to the teachers in float16, the recipe, and the runs before. The optimizer's moments
and the log are left out: what goes on is a new run, which warms up.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from .trainer import checkpoint_path

KEPT = ("recipe", "started_from", "step", "elapsed")
NETWORK = "0."
"""How names of the network's tensors begin among those of all modules."""


def packed(state: dict) -> dict:
    """What is kept of a run's checkpoint. Raises ValueError where a number is too large for float16."""
    average = {name: _half(name, tensor) for name, tensor in state["average"].items()}
    heads = {name: _half(name, tensor) for name, tensor in state["modules"].items() if not name.startswith(NETWORK)}
    # The network's own weights are the averaged ones: the file has them once.
    modules = {NETWORK + name: tensor for name, tensor in average.items()} | heads
    return {**{name: state[name] for name in KEPT}, "average": average, "modules": modules}


def _half(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not half.isfinite().all():
        raise ValueError(f"{name} has numbers that float16 does not hold")
    return half


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    torch.save(packed(torch.load(checkpoint_path(arguments.run), map_location="cpu", weights_only=True)), arguments.out)


if __name__ == "__main__":
    main()
