"""A bundle's network as ONNX, compared with the bundle.

  python -m timbre_models.onnx bundle.pt --out model.onnx

features float32[B, T, F] and lengths int64[B] -> embedding float32[B, D], exact under padding. Features are the front
end's, which is not part of the file: its parameters stand in the file's metadata, with the rest of the manifest.

The last line of stdout is JSON: {"opset", "checked", "maxRelativeError", "onnxruntime"} or {"error", "code"}. Without
onnxruntime the file is written and `checked` is false. An error has a code of scripts/errors.json.
"""

import argparse
import contextlib
import json
import logging
import os
import sys
import warnings
from pathlib import Path

import torch

from .bundle import BundleError, UntrustedCodeError, load
from .ecapa import Ecapa

OPSET = 20
TOLERANCE = 1e-4
"""Largest relative error of an embedding: what the parity of the bundle itself is held to."""
NEEDED = "models/requirements-onnx.txt"


class ExportError(RuntimeError):
    """An export that cannot be made, or whose numbers are not the bundle's."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def export(network: Ecapa, manifest: dict, path: Path) -> None:
    """Writes the file. Raises ExportError where a package is missing."""
    try:
        import onnx
        import onnxscript  # noqa: F401 - what torch.onnx writes through
    except ImportError as error:
        raise ExportError(
            "INVALID_ARGUMENT", f"{error.name} is not installed: {sys.executable} -m pip install -r {NEEDED}"
        ) from error
    frames = 4 * network.config.shortest_frames + 10
    features = torch.zeros(2, frames, network.config.feature_dim)
    lengths = torch.tensor([frames, frames - 3])
    batch, time = torch.export.Dim("batch"), torch.export.Dim("time", min=network.config.shortest_frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (features, lengths),
            input_names=["features", "lengths"],
            output_names=["embedding"],
            dynamic_shapes=({0: batch, 1: time}, {0: batch}),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    texts = {name: value for name, value in manifest.items() if name not in ("verification", "cohort")}
    onnx.helper.set_model_props(
        model, {name: value if isinstance(value, str) else json.dumps(value) for name, value in texts.items()}
    )
    onnx.checker.check_model(model)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        onnx.save(model, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def compare(network: Ecapa, path: Path) -> float | None:
    """Largest relative error of the file's embeddings, alone and in mixed batches; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shortest = network.config.shortest_frames
    generator = torch.Generator().manual_seed(1)
    worst = 0.0
    for lengths in ([shortest], [300], [shortest, 301, 77], [150, 150], [997]):
        features = 3 * torch.randn(len(lengths), max(lengths), network.config.feature_dim, generator=generator)
        with torch.inference_mode():
            ours = network(features, torch.tensor(lengths))
        (theirs,) = session.run(None, {"features": features.numpy(), "lengths": torch.tensor(lengths).numpy()})
        error = (torch.from_numpy(theirs) - ours).norm(dim=1) / ours.norm(dim=1)
        worst = max(worst, float(error.max()))
    return worst


def run(bundle: Path, out: Path) -> dict:
    manifest, network = load(bundle)
    if not isinstance(network, Ecapa):
        raise ExportError("INVALID_ARGUMENT", f"only ECAPA-TDNN is exported; {bundle} is of {manifest['family']}")
    export(network, manifest, out)
    worst = compare(network, out)
    if worst is None:
        return {"opset": OPSET, "checked": False}
    if not worst <= TOLERANCE:
        out.unlink()
        raise ExportError("INTERNAL", f"the ONNX file's embeddings differ from the bundle's by {worst:.1e} (relative)")
    import onnxruntime

    return {"opset": OPSET, "checked": True, "maxRelativeError": worst, "onnxruntime": onnxruntime.__version__}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        # The exporter talks on stdout.
        with contextlib.redirect_stdout(sys.stderr):
            answer = run(arguments.bundle, arguments.out)
    except BundleError as error:
        code = "MODEL_UNTRUSTED" if isinstance(error, UntrustedCodeError) else "MODEL_INVALID"
        answer = {"error": str(error), "code": code}
    except OSError as error:
        answer = {"error": f"cannot write {arguments.out}: {error.strerror}", "code": "WRITE_FAILED"}
    except ExportError as error:
        answer = {"error": str(error), "code": error.code}
    print(json.dumps(answer))
    return int("error" in answer)


if __name__ == "__main__":
    sys.exit(main())
