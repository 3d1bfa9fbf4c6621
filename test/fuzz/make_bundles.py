"""Seeds of bundle_fuzz: small files of torch.save, of safetensors and of TorchScript, and manifests. Argument: folder."""

import json
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import torch

MANIFEST = {
    "format": 1,
    "id": "small",
    "version": "1",
    "family": "timbre",
    "variant": "timbre",
    "trained": True,
    "precision": "fp32",
    "embedding": {"dim": 4},
    "input": {"sampleRate": 16000, "shortestFrames": 9, "longestSeconds": 0},
    "frontEnd": {
        "type": "kaldi",
        "window": "hamming",
        "fftLength": 512,
        "lowHz": 20,
        "highHz": 7600,
        "logFloor": 1.1920928955078125e-07,
        "frameLength": 400,
        "frameShift": 160,
        "melBins": 80,
        "sampleScale": 1,
        "preemphasis": 0.97,
        "removeDc": True,
        "topDb": 0,
        "subtractMean": True,
    },
    "weightsDigest": {"algorithm": "xxh3-128", "value": "0" * 32},
}

FRONT_ENDS = {
    "speechbrain": {"type": "speechbrain", "window": "hamming_periodic", "fftLength": 400, "highHz": 8000, "topDb": 80},
    "taoruijie": {"type": "taoruijie", "window": "hamming_periodic"},
    "povey": {"window": "povey", "sampleScale": 32768},
}


class Tiny(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


def without_checksums(path: Path) -> None:
    """Clears the CRC fields, which readers take for "none": else nearly every change of a member is refused at once."""
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        start = data.find(magic)
        while start >= 0:
            data[start + at : start + at + 4] = bytes(4)
            start = data.find(magic, start + 4)
    path.write_bytes(data)


def safetensors(path: Path, header: dict, tensors: bytes) -> None:
    text = json.dumps(header, separators=(",", ":")).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


def main(folder: Path) -> None:
    torch.manual_seed(0)
    tensors = OrderedDict(
        [
            ("conv.weight", torch.randn(2, 1, 2)),
            ("conv.bias", torch.randn(2)),
            ("left.weight", torch.randn(1, 3, 1)),
            ("norm.num_batches_tracked", torch.tensor(5)),
        ]
    )
    checkpoints = {
        "plain": tensors,
        "nested": {"state_dict": tensors, "epoch": 3, "optimizer": {"lr": 0.1, "betas": (0.9, 0.99)}, "names": ["a"]},
        "two-levels": {"model": {"encoder": {"weight": torch.ones(2)}}},
        "views": {"rows": torch.arange(6.0).view(2, 3), "columns": torch.arange(6.0).view(2, 3).t()},
        "types": {
            "half": torch.ones(2).half(),
            "brain": torch.ones(2).bfloat16(),
            "double": torch.ones(2).double(),
            "int": torch.ones(2).int(),
            "bool": torch.ones(2).bool(),
            "nan": torch.tensor([float("nan")]),
        },
        "parameter": {"weight": torch.nn.Parameter(torch.ones(2, 2))},
        "list": [torch.ones(1)],
        "empty": {},
    }
    for name, value in checkpoints.items():
        torch.save(value, folder / f"{name}.ckpt")
        torch.save(value, folder / f"{name}-unsigned.ckpt")
        without_checksums(folder / f"{name}-unsigned.ckpt")
    torch.save(tensors, folder / "legacy.ckpt", _use_new_zipfile_serialization=False)

    script = torch.jit.script(Tiny())
    script.save(str(folder / "script.pt"), _extra_files={"manifest.json": json.dumps(MANIFEST)})
    script.save(str(folder / "no-manifest.pt"))
    (folder / "script-unsigned.pt").write_bytes((folder / "script.pt").read_bytes())
    without_checksums(folder / "script-unsigned.pt")

    f32 = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    safetensors(folder / "one.safetensors", {"conv.bias": f32}, struct.pack("<4f", 1, 2, 3, 4))
    safetensors(
        folder / "many.safetensors",
        {
            "__metadata__": {"format": "pt"},
            "conv.weight": {"dtype": "F32", "shape": [2, 1, 2], "data_offsets": [0, 16]},
            "conv.bias": {"dtype": "F16", "shape": [2], "data_offsets": [16, 20]},
            "count": {"dtype": "I64", "shape": [], "data_offsets": [20, 28]},
        },
        bytes(28),
    )
    vast = {"dtype": "F32", "shape": [1 << 62, 0, 2], "data_offsets": [0, 0]}
    safetensors(folder / "vast-and-empty.safetensors", {"conv.weight": vast, "conv.bias": {**f32, "shape": [4]}}, bytes(16))
    safetensors(folder / "outside.safetensors", {"a": {**f32, "data_offsets": [0, 1 << 60]}}, b"")

    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    for name, parameters in FRONT_ENDS.items():
        manifest = {**MANIFEST, "frontEnd": {**MANIFEST["frontEnd"], **parameters}}
        (folder / f"manifest-{name}.json").write_text(json.dumps(manifest))
    (folder / "lfs.ckpt").write_text("version https://git-lfs.github.com/spec/v1\n")
    (folder / "page.ckpt").write_text("<html>")


main(Path(sys.argv[1]))
