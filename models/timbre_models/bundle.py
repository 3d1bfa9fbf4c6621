"""Bundles as the native converter writes them, read back into the network they were made of."""

import json
from pathlib import Path

import torch

from .ecapa import Ecapa, EcapaConfig


class BundleError(ValueError):
    """A file that is no bundle, or whose tensors are not what its manifest says."""


def load(path: str | Path) -> tuple[dict, Ecapa]:
    """The manifest, and the network in float32 and eval mode. Raises BundleError."""
    extra = {"manifest.json": ""}
    try:
        module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
    except (RuntimeError, ValueError) as error:
        raise BundleError(f"{path} is no bundle: {str(error).splitlines()[0]}") from error
    if not extra["manifest.json"]:
        raise BundleError(f"{path} is TorchScript without a manifest, not made by Timbre")
    manifest = json.loads(extra["manifest.json"])
    network = Ecapa(EcapaConfig.from_manifest(manifest["network"]))
    try:
        network.load_state_dict({name: widened(tensor) for name, tensor in module.state_dict().items()})
    except RuntimeError as error:
        raise BundleError(f"{path} does not hold the network of its manifest: {error}") from error
    return manifest, network.eval()


def widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.dequantize() if tensor.is_quantized else tensor.float()
