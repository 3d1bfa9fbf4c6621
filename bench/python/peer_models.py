"""What the peers of bench/js/peers.mjs load: one network of formula weights, as each of them wants it.

  PYTHONPATH=models .venv/bin/python bench/python/peer_models.py BUNDLE OUT [--channels 1024]

BUNDLE is the formula checkpoint of that size (timbre_models.weights, family speechbrain), converted. Written to OUT:

  exported.onnx   our module, as `timbre models export` writes it: features, lengths -> embedding
  original.onnx   the network as it is published (original_graph.py): features -> embedding
  single.onnx     our module with the one input that sherpa-onnx knows: features -> embedding
  int8.onnx       exported.onnx after ONNX Runtime's own dynamic quantisation

original.onnx and single.onnx carry the metadata by which sherpa-onnx tells a speaker model: 3D-Speaker's, whose network
this is.
"""

import argparse
import logging
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from original_graph import networks
from timbre_models.bundle import load
from timbre_models.onnx import export
from torch import Tensor, nn

OPSET = 17
METADATA = {
    "framework": "3d-speaker",
    "language": "none",
    "url": "",
    "comment": "weights by formula",
    "sample_rate": "16000",
    "output_dim": "192",
    "normalize_samples": "1",
    "feature_normalize_type": "global-mean",
}


class Original(nn.Module):
    """Every utterance of a batch has all frames."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        return self.network(features, torch.ones(features.size(0)))


class Single(nn.Module):
    """The same, of our module."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        return self.network(features, torch.ones_like(features[:, 0, 0], dtype=torch.int64) * features.size(1))


def export_alone(network: nn.Module, path: Path, dynamo: bool) -> None:
    """A file with features float32[B, T, 80] as its one input, by either of PyTorch's exporters."""
    shapes = {"dynamic_shapes": ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time", min=5)},)}
    axes = {"dynamic_axes": {"features": {0: "batch", 1: "time"}, "embedding": {0: "batch"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.randn(2, 302, 80),),
            str(path),
            input_names=["features"],
            output_names=["embedding"],
            dynamo=dynamo,
            external_data=False,
            opset_version=20 if dynamo else OPSET,
            **(shapes if dynamo else axes),
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, METADATA)
    onnx.save(model, path)


def quantise(path: Path, out: Path) -> None:
    """The matrix products in int8 with a scale for each output, as ONNX Runtime does it for any network."""
    logging.getLogger().setLevel(logging.ERROR)
    model = onnx.load(path)
    # The exporter's shapes of what lies between are those from before its optimiser transposed the weights.
    del model.graph.value_info[:]
    quantize_dynamic(model, out, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--channels", type=int, default=1024)
    arguments = parser.parse_args()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    manifest, ours = load(arguments.bundle)
    original, _ = networks(arguments.channels)
    export(ours, manifest, arguments.out / "exported.onnx")
    quantise(arguments.out / "exported.onnx", arguments.out / "int8.onnx")
    export_alone(Original(original), arguments.out / "original.onnx", dynamo=False)
    export_alone(Single(ours), arguments.out / "single.onnx", dynamo=True)


if __name__ == "__main__":
    main()
