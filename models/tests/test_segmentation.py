"""The segmentation network against the same written out with PyTorch's own layers; the published one's facts."""

import math

import pytest
import torch
import torch.nn.functional as F
from timbre_models.convert import convert
from timbre_models.families import VARIANTS
from timbre_models.segmentation import POWERSET, WINDOW_SAMPLES, SegmentationConfig, frames_of
from timbre_models.weights import checkpoint

VARIANT = VARIANTS["segmentation"]


def filters(low: torch.Tensor, band: torch.Tensor) -> torch.Tensor:
    """One tap after the other, by the formula of SincNet."""
    result = torch.zeros(2, len(low), 251, dtype=torch.float64)
    for pair in range(len(low)):
        f1 = 50 + abs(float(low[pair]))
        f2 = min(f1 + 50 + abs(float(band[pair])), 8000)
        for tap in range(251):
            t = (tap - 125) / 16000
            hamming = 0.54 - 0.46 * math.cos(2 * math.pi * tap / 250)
            if tap == 125:
                result[0, pair, tap] = 1
                continue
            even = math.sin(2 * math.pi * f2 * t) - math.sin(2 * math.pi * f1 * t)
            odd = math.cos(2 * math.pi * f1 * t) - math.cos(2 * math.pi * f2 * t)
            result[0, pair, tap] = even / (math.pi * t) / (2 * (f2 - f1)) * hamming
            result[1, pair, tap] = odd / (math.pi * t) / (2 * (f2 - f1)) * hamming
    return result.flatten(0, 1)[:, None].float()


def reference(tensors: dict[str, torch.Tensor], windows: torch.Tensor) -> torch.Tensor:
    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, deviation = x.mean(-1, keepdim=True), (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
        weight, bias = (tensors[f"sincnet.{name}.{part}"][:, None] for part in ("weight", "bias"))
        return (x - mean) / deviation * weight + bias

    edges = (tensors[f"sincnet.conv1d.0.filterbank.{name}_"][:, 0] for name in ("low_hz", "band_hz"))
    x = F.conv1d(norm(windows, "wav_norm1d"), filters(*edges), stride=10).abs()
    x = F.leaky_relu(norm(F.max_pool1d(x, 3), "norm1d.0"))
    for layer in (1, 2):
        weight, bias = (tensors[f"sincnet.conv1d.{layer}.{part}"] for part in ("weight", "bias"))
        x = F.leaky_relu(norm(F.max_pool1d(F.conv1d(x, weight, bias), 3), f"norm1d.{layer}"))
    of_lstm = {name.removeprefix("lstm."): tensor for name, tensor in tensors.items() if name.startswith("lstm.")}
    units = of_lstm["weight_hh_l0"].shape[1]
    lstm = torch.nn.LSTM(x.shape[1], units, num_layers=4, bidirectional=True, batch_first=True)
    lstm.load_state_dict(of_lstm)
    x, _ = lstm(x.transpose(1, 2))
    for layer in (0, 1):
        x = F.leaky_relu(F.linear(x, tensors[f"linear.{layer}.weight"], tensors[f"linear.{layer}.bias"]))
    return F.linear(x, tensors["classifier.weight"], tensors["classifier.bias"]).log_softmax(-1)


@pytest.mark.parametrize("scale", [1e-3, 1, 30])
def test_the_network_is_what_is_published(scale):
    network = SegmentationConfig(filter_pairs=4, conv_channels=6, lstm_units=8, linear_units=10)
    tensors = checkpoint(VARIANT, network)
    for name in ("low_hz_", "band_hz_"):
        tensors[f"sincnet.conv1d.0.filterbank.{name}"] = torch.tensor([[30.0], [-400.0], [2500.0], [7000.0]])
    _, module = convert(tensors, "segmentation")
    assert module.config == network
    windows = scale * torch.randn(2, 1, 20_000, generator=torch.Generator().manual_seed(1))
    windows[1, :, 12_000:] = 0
    with torch.inference_mode():
        found, expected = module(windows), reference(tensors, windows)
    assert found.shape == (2, frames_of(20_000), len(POWERSET))
    assert (found - expected).abs().max() < 1e-4


def test_a_window_of_ten_seconds_has_589_frames():
    assert frames_of(WINDOW_SAMPLES) == 589


def test_the_published_network_has_the_published_number_of_parameters():
    with torch.device("meta"):
        network = SegmentationConfig().build()
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_473_265


def test_what_the_filters_are_taken_with_may_stand_in_a_checkpoint():
    tensors = checkpoint(VARIANT, SegmentationConfig(4, 6, 8, 10))
    tensors["sincnet.conv1d.0.filterbank.window_"] = torch.zeros(125)
    tensors["sincnet.conv1d.0.filterbank.n_"] = torch.zeros(1, 125)
    assert convert(tensors, "segmentation")[0] is VARIANT
