"""The networks of bench/js/conversations.mjs as the peers load them, written from Timbre's own bundles.

  PYTHONPATH=models .venv/bin/python bench/python/conversation_models.py SEGMENTATION.pt EMBEDDING.pt OUT

SEGMENTATION is a bundle of the family segmentation, EMBEDDING one of the family campplus. Written to OUT:

  segmentation.onnx  windows float32[B, 1, N] -> logarithms of the powerset's probabilities float32[B, T, 7]
  embedding.onnx     filter banks float32[B, T, 80] -> embeddings float32[B, D]

Both carry the metadata by which sherpa-onnx tells what they are. Each is compared with its bundle; a relative error of
TOLERANCE or more ends the program.
"""

import argparse
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnxruntime
import torch
from timbre_models.bundle import load
from timbre_models.campplus import Campplus
from timbre_models.segmentation import LOCAL_SPEAKERS, SAMPLE_RATE, STRIDE, WINDOW_SAMPLES, Segmentation
from torch import Tensor, nn
from torch.nn import functional as F

OPSET = 17
TOLERANCE = 1e-3
FRAME_SAMPLES, FRAME_SHIFT = 991, 270
"""Of the segmentation: samples that a frame sees, and from frame to frame."""
MOST_AT_ONCE = 2
"""Local speakers of a class of the powerset."""


class FixedFilters(nn.Module):
    """A SincConv whose filters are computed already: [B, 1, N] -> [B, 2 * pairs, T]."""

    def __init__(self, filters: Tensor):
        super().__init__()
        self.register_buffer("filters", filters)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.filters, None, STRIDE).abs()


class Whole(nn.Module):
    """CAM++ of utterances without padding: features -> embeddings."""

    def __init__(self, network: Campplus):
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        return self.network.whole(features)


def export(network: nn.Module, path: Path, examples: Sequence[Tensor], axes: dict, about: dict[str, object]) -> None:
    """Writes `network` with input x and output y, and compares it on all `examples`. Raises SystemExit."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (examples[0],), str(path), input_names=["x"], output_names=["y"], dynamic_axes=axes, dynamo=False,
            opset_version=OPSET,
        )  # fmt: skip
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {name: str(value) for name, value in about.items()})
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for example in examples:
        with torch.no_grad():
            wanted = network(example)
        found = torch.from_numpy(session.run(None, {"x": example.numpy()})[0])
        error = float((found - wanted).norm() / wanted.norm())
        if not error < TOLERANCE:
            raise SystemExit(f"{path.name} has a relative error of {error:.1e} for an input of {tuple(example.shape)}")


def export_segmentation(network: Segmentation, path: Path) -> None:
    sinc = network.sincnet.conv1d[0]
    with torch.no_grad():
        network.sincnet.conv1d[0] = FixedFilters(sinc.filterbank())
    export(
        network,
        path,
        [torch.randn(1, 1, WINDOW_SAMPLES), torch.randn(3, 1, WINDOW_SAMPLES)],
        {"x": {0: "batch", 2: "samples"}, "y": {0: "batch", 1: "frames"}},
        {
            "model_type": "pyannote-segmentation-3.0",
            "version": 1,
            "model_author": "pyannote",
            "num_speakers": LOCAL_SPEAKERS,
            "powerset_max_classes": MOST_AT_ONCE,
            "num_classes": network.classifier.weight.shape[0],
            "sample_rate": SAMPLE_RATE,
            "window_size": WINDOW_SAMPLES,
            "receptive_field_size": FRAME_SAMPLES,
            "receptive_field_shift": FRAME_SHIFT,
        },
    )


def export_embedding(network: Campplus, path: Path) -> None:
    banks = network.config.feature_dim
    export(
        Whole(network).eval(),
        path,
        [torch.randn(1, frames, banks) for frames in (345, 98, 148, 1203)],
        {"x": {0: "batch", 1: "frames"}, "y": {0: "batch"}},
        {
            "framework": "3d-speaker",
            "language": "Chinese-English",
            "url": "",
            "comment": "",
            "sample_rate": SAMPLE_RATE,
            "output_dim": network.config.embedding_dim,
            "normalize_samples": 1,
            "feature_normalize_type": "global-mean",
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("segmentation", type=Path)
    parser.add_argument("embedding", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    _, segmentation = load(arguments.segmentation)
    manifest, embedding = load(arguments.embedding)
    if not isinstance(embedding, Campplus):
        raise SystemExit(f"{arguments.embedding} is of the family {manifest['family']}, not campplus")
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    export_segmentation(segmentation, arguments.out / "segmentation.onnx")
    export_embedding(embedding, arguments.out / "embedding.onnx")


if __name__ == "__main__":
    main()
