"""Skeletons: every variant as TorchScript of tiny size, for the native converter to fill with a checkpoint's tensors.

Their code does not depend on sizes. `family.json` among the extra files says which tensor goes where.

  python -m timbre_models.skeletons          writes models/skeletons/<variant>.pt
  python -m timbre_models.skeletons --check  fails when they are not what these sources give
"""

import argparse
import json
import multiprocessing
import os
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import torch

from .convert import convert
from .families import VARIANTS
from .weights import checkpoint

FOLDER = Path(__file__).parent.parent / "skeletons"
TINY = {
    "feature_dim": 80,
    "width": 2,
    "pooled_channels": 12,
    "squeeze_channels": 4,
    "attention_channels": 6,
    "embedding_dim": 10,
    "filter_pairs": 2,
    "conv_channels": 4,
    "lstm_units": 4,
    "linear_units": 4,
}


def export(name: str) -> dict[str, bytes]:
    """The records of a variant's TorchScript archive, without those that hold this machine's source paths."""
    variant = VARIANTS[name]
    network = variant.network.sized({size: TINY[size] for size in variant.network.SIZES})
    _, module = convert(checkpoint(variant, network), variant.family)
    description = json.dumps(variant.describe(network), separators=(",", ":"))
    saved = BytesIO()
    torch.jit.save(torch.jit.script(module), saved, _extra_files={"family.json": description})
    return records(saved)


def export_all() -> dict[str, dict[str, bytes]]:
    """Every variant, in a process of its own: TorchScript numbers class names by what was compiled before, and orders
    constants by their hashes."""
    os.environ["PYTHONHASHSEED"] = "0"
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([f"{__package__}.weights"])
    with processes.Pool(1, maxtasksperchild=1) as pool:
        return dict(zip(VARIANTS, pool.imap(export, VARIANTS), strict=True))


def records(archive: BytesIO | Path) -> dict[str, bytes]:
    """Contents by name; the archive's own name, which leads every path in it, is left out."""
    with ZipFile(archive) as files:
        found = {path.partition("/")[2]: files.read(path) for path in files.namelist()}
    return {name: data for name, data in found.items() if not name.endswith(".debug_pkl")}


def write(path: Path, contents: dict[str, bytes]) -> None:
    with ZipFile(path, "w") as files:
        for name, data in contents.items():
            files.writestr(ZipInfo(f"{path.stem}/{name}"), data, ZIP_DEFLATED)


def differences(path: Path, expected: dict[str, bytes]) -> list[str]:
    """Records that differ; tensors excepted, whose last bit is the processor's."""
    if not path.exists():
        return ["the file is missing"]
    found = records(path)
    differing = [name for name in found.keys() | expected if found.get(name) != expected.get(name)]
    return sorted(name for name in differing if not name.startswith(("data/", ".data/")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    stale = False
    FOLDER.mkdir(exist_ok=True)
    for name, contents in export_all().items():
        path = FOLDER / f"{name}.pt"
        if not check:
            write(path, contents)
        elif found := differences(path, contents):
            stale = True
            print(f"{path} is not what its sources give ({', '.join(found)}): run timbre_models.skeletons")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
