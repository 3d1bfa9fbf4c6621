"""Bundles as the native converter writes them, read back into the network they were made of."""

import json
from pathlib import Path

import torch

from .campplus import Campplus, CampplusConfig
from .ecapa import Ecapa, EcapaConfig
from .segmentation import Segmentation, SegmentationConfig

CONFIGS = {"campplus": CampplusConfig, "segmentation": SegmentationConfig}
"""Of the families that are no ECAPA-TDNN."""
SKELETONS = Path(__file__).parent.parent / "skeletons"


class BundleError(ValueError):
    """A file that is no bundle, or whose tensors are not what its manifest says."""


class UntrustedCodeError(BundleError):
    """A bundle that brings code that no network of this version has."""


def is_data(record: str) -> bool:
    """Whether PyTorch takes no program from a record; the same list as native/core/bundle/code_trust.cpp has."""
    return (
        record in ("data.pkl", "version", "byteorder")
        or record.startswith(("data/", "extra/", ".data/"))
        or record.endswith(".debug_pkl")
    )


def code_of(path: Path) -> dict[str, bytes] | None:
    """Every record that is not data, by name; None where one is there twice. Raises RuntimeError."""
    reader = torch._C.PyTorchFileReader(str(path))
    names = [name for name in reader.get_all_records() if not is_data(name)]
    return {name: reader.get_record(name) for name in names} if len(set(names)) == len(names) else None


def is_trusted(path: Path) -> bool:
    """Whether a file's code is a skeleton's, so that loading it runs nothing else. Raises OSError, RuntimeError."""
    with open(path, "rb") as file:
        if file.read(8)[4:] == b"PTMF":  # PyTorch takes it for another format, whatever else it is
            return False
    code = code_of(path)
    return code is not None and any(code == code_of(skeleton) for skeleton in sorted(SKELETONS.glob("*.pt")))


def load(path: str | Path) -> tuple[dict, Ecapa | Campplus | Segmentation]:
    """The manifest, and the network in float32 and eval mode. Raises BundleError, UntrustedCodeError."""
    extra = {"manifest.json": ""}
    try:
        if not is_trusted(Path(path)):
            raise UntrustedCodeError(f"{path} is no bundle of this version: it brings other code, which is not run")
        module = torch.jit.load(str(path), map_location="cpu", _extra_files=extra)
    except (OSError, RuntimeError) as error:
        raise BundleError(f"{path} is no bundle: {str(error).splitlines()[0]}") from error
    if not extra["manifest.json"]:
        raise BundleError(f"{path} is TorchScript without a manifest, not made by Timbre")
    manifest = json.loads(extra["manifest.json"])
    config = CONFIGS.get(manifest.get("family"), EcapaConfig)
    network = config.from_manifest(manifest["network"]).build()
    try:
        network.load_state_dict({name: widened(tensor) for name, tensor in module.state_dict().items()})
    except RuntimeError as error:
        raise BundleError(f"{path} does not hold the network of its manifest: {error}") from error
    return manifest, network.eval()


def widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.dequantize() if tensor.is_quantized else tensor.float()
