"""The reference conversion, bundle reader, weights and skeletons. GoogleTest compares the native converter with it."""

import json
import math
from dataclasses import replace

import pytest
import torch
from skeleton_bundle import filled
from timbre_models import bundle, skeletons
from timbre_models.campplus import CampplusConfig
from timbre_models.convert import CheckpointError, convert
from timbre_models.ecapa import Ecapa
from timbre_models.families import VARIANTS, Network
from timbre_models.segmentation import SegmentationConfig
from timbre_models.weights import checkpoint

FRAMES = torch.tensor([31, 9, 17])
EXPECTED = [-0.001001302, -0.04873595, -0.029935129, 0.028097242]  # first values of fc.conv.bias

EMBEDDING = {name: variant for name, variant in VARIANTS.items() if variant.front_end}


def small(name: str) -> Network:
    if isinstance(VARIANTS[name].network, CampplusConfig):
        return CampplusConfig(width=2, embedding_dim=10)
    if name == "segmentation":
        return SegmentationConfig(filter_pairs=2, conv_channels=4, lstm_units=6, linear_units=8)
    sizes = {"channels": 16, "pooled_channels": 20, "squeeze_channels": 4, "attention_channels": 6, "embedding_dim": 10}
    return replace(VARIANTS[name].network, **sizes)


def features(frames: int, seed: int) -> torch.Tensor:
    return 3 * torch.randn(frames, 80, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=VARIANTS.values(), ids=list(VARIANTS))
def variant(request):
    return request.param


def test_every_variant_is_converted_with_its_own_sizes(variant):
    found, network = convert(checkpoint(variant, small(variant.name)), variant.family)
    assert found.name == variant.name
    assert network.config == small(variant.name)


@pytest.mark.parametrize("variant", EMBEDDING.values(), ids=list(EMBEDDING))
def test_padding_changes_nothing(variant):
    _, network = convert(checkpoint(variant, small(variant.name)), variant.family)
    batch = torch.full((len(FRAMES), int(FRAMES.max()), 80), 1e3)
    for i, frames in enumerate(FRAMES.tolist()):
        batch[i, :frames] = features(frames, i)
    with torch.inference_mode():
        together = network(batch, FRAMES)
        for i, frames in enumerate(FRAMES.tolist()):
            alone = network(features(frames, i)[None], FRAMES[i : i + 1])[0]
            assert (together[i] - alone).norm() < 1e-5 * alone.norm()


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [("speechbrain", 1024, 20_767_552), ("wespeaker-glob", 512, 6_190_720), ("wespeaker-glob", 1024, 14_657_088)],
)
def test_published_sizes_have_the_published_number_of_parameters(name, channels, parameters):
    with torch.device("meta"):
        network = Ecapa(replace(VARIANTS[name].network, channels=channels))
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.fixture
def tensors():
    return checkpoint(VARIANTS["speechbrain"], small("speechbrain"))


def test_a_missing_tensor_is_named(tensors):
    del tensors["fc.conv.bias"]
    with pytest.raises(CheckpointError, match=r"missing tensor fc\.conv\.bias"):
        convert(tensors, "speechbrain")


def test_a_renamed_tensor_is_named_twice(tensors):
    tensors["fc.conv.offset"] = tensors.pop("fc.conv.bias")
    with pytest.raises(CheckpointError, match=r"missing tensor fc\.conv\.bias\nunexpected tensor fc\.conv\.offset"):
        convert(tensors, "speechbrain")


def test_a_transposed_tensor_is_named(tensors):
    tensors["mfa.conv.conv.weight"] = tensors["mfa.conv.conv.weight"].transpose(0, 1)
    with pytest.raises(CheckpointError, match=r"mfa\.conv\.conv\.weight of shape \[48, 20, 1\]: \w+ is \d+ elsewhere"):
        convert(tensors, "speechbrain")


def test_a_tensor_that_is_not_finite_is_named(tensors):
    tensors["asp_bn.norm.bias"][3] = math.nan
    with pytest.raises(CheckpointError, match=r"asp_bn\.norm\.bias of shape \[40\]: values that are not finite"):
        convert(tensors, "speechbrain")


def test_a_tensor_of_whole_numbers_is_named(tensors):
    tensors["fc.conv.bias"] = torch.zeros(10, dtype=torch.int64)
    with pytest.raises(CheckpointError, match=r"fc\.conv\.bias of shape \[10\]: torch\.int64"):
        convert(tensors, "speechbrain")


def test_another_family_is_refused(tensors):
    with pytest.raises(CheckpointError, match="not a wespeaker checkpoint"):
        convert(tensors, "wespeaker")
    with pytest.raises(CheckpointError, match="no family 'speechbrian'; there are speechbrain, 3dspeaker"):
        convert(tensors, "speechbrian")


def test_formula_weights_are_the_same_everywhere_and_depend_on_the_seed(tensors):
    assert tensors["fc.conv.bias"][:4].tolist() == pytest.approx(EXPECTED, abs=1e-7)
    other = checkpoint(VARIANTS["speechbrain"], small("speechbrain"), 1)
    assert not torch.allclose(tensors["fc.conv.bias"], other["fc.conv.bias"], atol=0.01)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-6), (torch.float16, 1e-2)])
@pytest.mark.parametrize("name", ["wespeaker-glob", "campplus"])
def test_a_bundle_comes_back_as_its_network(tmp_path, name, dtype, bound):
    variant = VARIANTS[name]
    _, network = convert(checkpoint(variant, small(variant.name)), variant.family)
    utterance = features(20, 1)[None], torch.tensor([20])
    with torch.inference_mode():
        expected = network(*utterance)
    manifest = json.dumps({"id": "x", "family": variant.family, "network": network.config.to_manifest()})
    torch.jit.save(filled(variant.name, network.to(dtype)), tmp_path / "x.pt", _extra_files={"manifest.json": manifest})
    found, read = bundle.load(tmp_path / "x.pt")
    assert found == json.loads(manifest)
    with torch.inference_mode():
        assert (read(*utterance) - expected).norm() < bound * expected.norm()


def test_other_files_are_no_bundles(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(b"no archive")
    with pytest.raises(bundle.BundleError, match="is no bundle"):
        bundle.load(path)
    path.write_bytes((bundle.SKELETONS / "timbre.pt").read_bytes())
    with pytest.raises(bundle.BundleError, match="without a manifest"):
        bundle.load(path)


def test_code_of_a_bundle_is_compared_before_it_is_loaded(tmp_path):
    class Other(torch.nn.Module):
        def forward(self, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return features[:, 0]

    path = tmp_path / "other.pt"
    torch.jit.save(torch.jit.script(Other()), str(path), _extra_files={"manifest.json": "{}"})
    with pytest.raises(bundle.UntrustedCodeError, match="brings other code"):
        bundle.load(path)
    path.write_bytes(b"PK\x03\x04PTMF" + path.read_bytes()[8:])
    with pytest.raises(bundle.UntrustedCodeError):
        bundle.load(path)


def test_skeletons_are_what_their_sources_give():
    exported = skeletons.export_all()
    assert exported.keys() == VARIANTS.keys()
    for name, contents in exported.items():
        assert skeletons.differences(skeletons.FOLDER / f"{name}.pt", contents) == [], name
