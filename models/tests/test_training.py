"""Training on speech made by espeak-ng: what it draws, that it learns, is cut and resumed, and leaves behind."""

import dataclasses
import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("soundfile", reason="pip install -r models/training/requirements.txt")
pytest.importorskip("soxr", reason="pip install -r models/training/requirements.txt")

from skeleton_bundle import filled
from timbre_models.convert import convert
from timbre_models.ecapa import Ecapa
from training.__main__ import end_group, lock
from training.baselines import embed, embedding, middle
from training.conditions import SILENCES, make, possible
from training.corpus import Corpus, NotPreparedError, decode
from training.enrolments import recordings_of, with_enrolments
from training.features import LogMel
from training.finish import (
    NORMALISATIONS,
    Embedded,
    choose_normalisation,
    finish,
    finish_bundle,
    fold,
    mean_embedding,
    source_normalisation,
)
from training.losses import AngularMarginSoftmax
from training.monitor import equal_error_rate
from training.piece import packed
from training.recipe import Crop, Recipe
from training.resemblyzer import Resemblyzer
from training.sampler import Sampler
from training.trainer import FRONT_END, Trainer, checkpoint_path, load_material, network_config, steps_made

SENTENCES = (
    "the birch canoe slid on the smooth planks",
    "glue the sheet to the dark blue background",
    "these days a chicken leg is a rare dish",
)
VOICES = ("en+m1", "en+m3", "en+f2", "en+f4", "en-us+m7", "en-us+f3", "de+m2", "de+f1", "en+croak", "fr+m4")

RECIPE = Recipe(
    channels=32, pooled_channels=96, steps=40, margin=0, crops=(Crop(1.0, 16, 1),), speeds=(1.0, 0.9),
    changed_speeds_from=0, warm_up_steps=3, distillation_weight=0, coded_share=0, checkpoint_every_minutes=0,
    evaluate_every_minutes=1e6,
)  # fmt: skip


def speaker(number: int) -> tuple[str, int]:
    """Split and number of recordings of a voice."""
    return ("train", 3) if number < 5 else ("single", 1) if number < 7 else ("dev", 3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("speech")
    rows, dev = ["path\tsplit\tspeaker\tsource\tlang\tgender\tlicence\tseconds"], []
    for number, voice in enumerate(VOICES):
        split, count = speaker(number)
        for take in range(count):
            path = f"{split}/v{number}/{take}.wav"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            command = ["espeak-ng", "-v", voice, "-p", str(25 + 7 * number), "-w", folder / path, SENTENCES[take]]
            subprocess.run(command, check=True)
            source = "espeak_odd" if number % 2 else "espeak_even"
            rows.append(f"{path}\t{split}\tv{number}\t{source}\ten\t\tCC0\t2")
            if split == "dev":
                dev.append((f"v{number}", path))
    (folder / "files.tsv").write_text("\n".join(rows) + "\n")
    trials = [f"{int(a == b)} {p} {q}" for i, (a, p) in enumerate(dev) for b, q in dev[i + 1 :]]
    (folder / "trials_dev.txt").write_text("\n".join(trials) + "\n")
    return folder


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(1)


def trainer(data: Path, out: Path, recipe: Recipe = RECIPE) -> Trainer:
    out.mkdir(exist_ok=True)
    return Trainer(Corpus(data, data / "cache", workers=1), out, recipe, "cpu", compiled=False)


def small_network() -> Ecapa:
    torch.manual_seed(3)
    network = Ecapa(network_config(RECIPE)).eval()
    nn.init.normal_(network.embed_norm.running_mean)
    nn.init.uniform_(network.embed_norm.running_var, 0.5, 2)
    return network


def bundle_of(path: Path) -> tuple[Path, dict[str, torch.Tensor]]:
    """A bundle of random weights as a run of 20 steps after one of 10 leaves it, and its tensors."""
    weights = {**small_network().state_dict(), "embedding_mean": torch.ones(192)}
    network = Ecapa(dataclasses.replace(network_config(RECIPE), embedding_centre=True)).eval()
    network.load_state_dict(weights)
    earlier = {"steps": 10, "minutes": 2, "seed": 5, "startedFrom": None}
    training = {"steps": 20, "minutes": 3, "seed": 7, "startedFrom": earlier}
    manifest = json.dumps({"id": "x", "network": network.config.to_manifest(), "training": training})
    torch.jit.save(filled("timbre", network), path, _extra_files={"manifest.json": manifest})
    return path, weights


def test_learns_is_cut_and_goes_on_where_it_was(data: Path, tmp_path: Path, alone: None) -> None:
    cut = trainer(data, tmp_path / "run")
    reports = np.stack([cut._train_step() for _ in range(25)])
    assert reports[-5:, 0].mean() < 0.8 * reports[:5, 0].mean()
    cut._save()

    resumed = trainer(data, tmp_path / "run")
    resumed._resume()
    assert resumed.step == 25
    for name, tensor in cut.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name
    assert resumed.optimizer.state_dict()["state"].keys() == cut.optimizer.state_dict()["state"].keys()
    last = trainer(data, tmp_path / "run")
    last.run()
    assert last.step == RECIPE.steps


def test_refuses_to_resume_another_recipe(data: Path, tmp_path: Path, alone: None) -> None:
    trainer(data, tmp_path / "run")._save()
    other = trainer(data, tmp_path / "run", dataclasses.replace(RECIPE, seed=2))
    with pytest.raises(SystemExit, match="another recipe"):
        other._resume()


def test_starts_from_the_weights_of_a_finished_run(data: Path, tmp_path: Path, alone: None) -> None:
    first = trainer(data, tmp_path / "run")
    for _ in range(10):
        first._train_step()
    weights = {**first.network.state_dict(), "embedding_mean": torch.ones(192)}
    torch.save(weights, tmp_path / "starter.ckpt")
    second = trainer(data, tmp_path / "fine", dataclasses.replace(RECIPE, seed=5))
    second.start_from(tmp_path / "starter.ckpt")
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name
        assert torch.equal(second.average.network.state_dict()[name], tensor), name
    # Its classes are known before the first step, though the file has none.
    labels = np.arange(second.sampler.classes).repeat(10)
    waves, _ = second.sampler.clean(labels, 24000, np.random.default_rng(1))
    features = second.log_mel(waves)
    with torch.no_grad():
        embeddings = second.network(features, torch.full((len(features),), features.size(1)))
        _, accuracy = second.softmax(embeddings, torch.from_numpy(labels), 0)
    assert accuracy > 3 / second.sampler.classes


def test_starts_from_a_bundle_and_says_what_made_it(data: Path, tmp_path: Path, alone: None) -> None:
    path, weights = bundle_of(tmp_path / "earlier.pt")
    run = trainer(data, tmp_path / "run")
    run.start_from(path)
    for name, tensor in run.average.network.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], msg=name)
    assert run.started_from["steps"] == 20
    assert run.started_from["recipe"]["seed"] == 7
    assert run.started_from["started_from"]["steps"] == 10


def test_a_run_in_pieces_is_the_run_in_one(data: Path, tmp_path: Path, alone: None) -> None:
    recipe = dataclasses.replace(RECIPE, steps=8, silence_share=0.5)
    whole = trainer(data, tmp_path / "whole", recipe)
    whole.run()
    for steps in (3, 4, 8):
        piece = trainer(data, tmp_path / "pieces", recipe)
        piece._resume()
        while piece.step < steps:
            piece._train_step()
        piece._save()
    for name, tensor in whole.modules.state_dict().items():
        assert torch.equal(piece.modules.state_dict()[name], tensor), name
    for name, tensor in whole.average.network.state_dict().items():
        assert torch.equal(piece.average.network.state_dict()[name], tensor), name


def test_a_piece_ends_by_the_clock_or_when_it_is_told_to_and_is_saved(data: Path, tmp_path: Path, alone: None) -> None:
    run = trainer(data, tmp_path / "run")
    run.run(minutes=1 / 60)
    assert 0 < run.step < RECIPE.steps
    assert steps_made(run.out) == run.step
    again = trainer(data, tmp_path / "run")
    again.stopping = True
    again.run()
    assert again.step == run.step


def test_the_schedule_is_of_the_whole_run_and_its_length_may_change_until_the_rate_falls(
    data: Path, tmp_path: Path, alone: None
) -> None:
    recipe = Recipe(steps=1000, warm_up_steps=100, decay_share=0.4, margin_steps=(100, 300))
    assert recipe.learning_rate_at(49) == recipe.learning_rate / 2
    assert recipe.learning_rate_at(100) == recipe.learning_rate_at(599) == recipe.learning_rate
    assert recipe.learning_rate_at(800) == pytest.approx(recipe.learning_rate / 2)
    assert recipe.learning_rate_at(999) < recipe.learning_rate / 1000
    assert [recipe.margin_at(step) for step in (100, 200, 300, 999)] == [0, recipe.margin / 2, *[recipe.margin] * 2]
    longer = dataclasses.replace(recipe, steps=2000)
    assert all(longer.learning_rate_at(step) == recipe.learning_rate_at(step) for step in range(600))

    cut = trainer(data, tmp_path / "run")
    cut._train_step()
    cut._save()
    trainer(data, tmp_path / "run", dataclasses.replace(RECIPE, steps=400))._resume()
    cut.step = RECIPE.decay_from + 1
    cut._save()
    with pytest.raises(SystemExit, match="--steps can no longer change"):
        trainer(data, tmp_path / "run", dataclasses.replace(RECIPE, steps=400))._resume()


def test_every_process_takes_crops_of_one_length_by_the_shares() -> None:
    recipe = Recipe()
    drawn = [recipe.crop_at(step).seconds for step in range(3000)]
    assert drawn == [dataclasses.replace(recipe).crop_at(step).seconds for step in range(3000)]
    for one in recipe.crops:
        assert drawn.count(one.seconds) / 3000 == pytest.approx(one.share, abs=0.03)
    assert sum(one.share for one in recipe.crops if one.seconds <= 2) == pytest.approx(0.5)


def test_other_speeds_are_drawn_from_their_step_on(data: Path, tmp_path: Path, alone: None) -> None:
    recipe = dataclasses.replace(RECIPE, steps=4, changed_speeds_from=2)
    run = trainer(data, tmp_path / "run", recipe)
    assert run.speeds == (1.0,)
    assert run.sampler.classes == 14
    assert run.sampler.batch(0, 50, 8000).labels.max() < 7
    with pytest.raises(KeyError):
        run.sampler.batch(2, 50, 8000)
    run.run()
    assert run.step == 4
    assert run.sampler.batch(2, 50, 8000).labels.max() >= 7
    assert trainer(data, tmp_path / "run", recipe).speeds == (1.0, 0.9)


def test_waits_for_other_speeds_and_still_ends_by_the_clock(
    data: Path, tmp_path: Path, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.trainer.WAITING_SECONDS", 0.1)
    recipe = dataclasses.replace(RECIPE, changed_speeds_from=2)
    load_material(Corpus(data, tmp_path / "cache", workers=1), recipe, (1.0,))
    (tmp_path / "run").mkdir()
    corpus = Corpus(data, tmp_path / "cache", workers=1)
    corpus.split("dev", trim=False)
    corpus.workers = 0
    run = Trainer(corpus, tmp_path / "run", recipe, "cpu", compiled=False)
    run.run(minutes=2 / 60)
    assert run.step == steps_made(run.out) == 2
    load_material(Corpus(data, tmp_path / "cache", workers=1), recipe, recipe.speeds)
    run.run()
    assert run.step == recipe.steps


def test_two_pieces_of_a_run_are_not_trained_at_once(data: Path, tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(SystemExit, match="is being trained"):
        lock(tmp_path)
    lock(tmp_path).close()


def test_what_prepares_is_ended_with_all_that_it_has_started() -> None:
    process = subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo started; wait"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout.readline() == b"started\n"
    end_group(process)
    assert process.wait() != 0
    # The one that is left without a parent is reaped in its own time.
    until = time.monotonic() + 60
    while is_group(process.pid):
        assert time.monotonic() < until
    end_group(process)


def is_group(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_not_prepared_is_not_made_by_a_process_of_training(data: Path, tmp_path: Path) -> None:
    corpus = Corpus(data, tmp_path / "cache", workers=0)
    with pytest.raises(NotPreparedError, match="--prepare"):
        load_material(corpus, RECIPE, RECIPE.speeds)


def test_speakers_of_report_are_never_drawn(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.corpus.REPORT_SPEAKERS", tmp_path / "report.txt")
    (tmp_path / "report.txt").write_text("v1\nv3\n")
    material = load_material(Corpus(data, tmp_path / "cache", workers=1), RECIPE, RECIPE.speeds)
    sampler = Sampler(material, np.zeros(0, np.float32), RECIPE)
    assert sampler.speakers == ["v0", "v2", "v4", "v5", "v6"]
    with pytest.raises(ValueError, match="recordings of train"):
        load_material(Corpus(data, data / "cache", workers=1), RECIPE, RECIPE.speeds)


def test_carries_on_with_a_runs_classes_and_says_so(data: Path, tmp_path: Path, alone: None) -> None:
    first = trainer(data, tmp_path / "run")
    first._train_step()
    first._save()
    second = trainer(data, tmp_path / "more", dataclasses.replace(RECIPE, seed=5))
    second.start_from(checkpoint_path(first.out))
    assert torch.equal(second.softmax.weight, first.softmax.weight)
    for name, tensor in first.average.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor), name
    second._save()
    resumed = trainer(data, tmp_path / "more", dataclasses.replace(RECIPE, seed=5))
    resumed._resume()
    assert resumed.started_from["steps"] == 1
    assert resumed.started_from["recipe"]["seed"] == RECIPE.seed


def test_a_piece_that_is_kept_starts_the_next_run_with_classes_and_map(data: Path, tmp_path: Path, alone: None) -> None:
    first = trainer(data, tmp_path / "run")
    first._train_step()
    first._save()
    state = torch.load(checkpoint_path(first.out), weights_only=True)
    torch.save(packed(state), tmp_path / "piece.pt")
    assert (tmp_path / "piece.pt").stat().st_size < checkpoint_path(first.out).stat().st_size / 4
    second = trainer(data, tmp_path / "more", dataclasses.replace(RECIPE, seed=5))
    second.start_from(tmp_path / "piece.pt")
    for kept, own in [
        (second.softmax, first.softmax),
        (second.distillation, first.distillation),
        (second.network, first.average.network),
        (second.average.network, first.average.network),
    ]:
        for name, tensor in own.state_dict().items():
            assert torch.allclose(kept.state_dict()[name], tensor, rtol=1e-3, atol=1e-5), name
            assert kept.state_dict()[name].dtype == tensor.dtype, name
    assert second.started_from["steps"] == 1
    assert second.started_from["recipe"]["seed"] == RECIPE.seed
    state["average"]["embedding.bias"] = torch.full_like(next(iter(state["average"].values())), 1e6)
    with pytest.raises(ValueError, match="float16"):
        packed(state)


def test_draws_an_emphasised_source_more_often(data: Path, tmp_path: Path, alone: None) -> None:
    def odds(emphasis: dict[str, float]) -> float:
        """Of voices 1 and 3 against 0, 2 and 4, those with several recordings."""
        sampler = trainer(data, tmp_path, dataclasses.replace(RECIPE, source_emphasis=emphasis)).sampler
        drawn = dict(zip(sampler.speakers, sampler.probability, strict=True))
        return (drawn["v1"] + drawn["v3"]) / (drawn["v0"] + drawn["v2"] + drawn["v4"])

    assert odds({"espeak_odd": 3.0}) == pytest.approx(3 * odds({}))
    assert odds({"espeak": 3.0}) == pytest.approx(odds({}))


def test_the_command_trains_in_two_processes_and_finishes(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pip install -r models/training/requirements.txt")
    out = tmp_path / "run"
    words = [
        "--data", data, "--out", out, "--steps", "6", "--crop", "1.5:4:1", "--channels", "32", "--processes", "2",
        "--distillation-weight", "0", "--coded-share", "0", "--changed-speeds-from", "4", "--device", "cpu",
    ]  # fmt: skip
    command = [sys.executable, "-m", "training", *map(str, words)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    facts = json.loads((out / "training.json").read_text())
    assert facts["steps"] == 6
    assert facts["speakers"] == 7
    assert set(facts["dev_eer"]) == {"plain", "normalised"}
    assert len(facts["normalisation"]["tried"]) == len(NORMALISATIONS)
    assert (out / "curve.svg").read_text().count("<svg") == 1
    cohort = np.load(out / "cohort.npy").astype(np.float32)
    assert cohort.shape == (7, 192)
    np.testing.assert_allclose(np.linalg.norm(cohort, axis=1), 1, atol=2e-3)
    variant, network = convert(torch.load(out / "starter.ckpt", weights_only=True), "timbre")
    assert variant.name == "timbre"
    assert network(torch.randn(1, 60, 80), torch.tensor([60])).shape == (1, 192)


def test_the_mean_embedding_is_subtracted_inside_the_module(data: Path, tmp_path: Path, alone: None) -> None:
    pytest.importorskip("matplotlib", reason="pip install -r models/training/requirements.txt")
    run = trainer(data, tmp_path / "run")
    run._save()
    finish(data, tmp_path / "run", RECIPE)
    weights = torch.load(tmp_path / "run" / "starter.ckpt", weights_only=True)
    plain = Ecapa(network_config(RECIPE)).eval()
    plain.load_state_dict({name: tensor for name, tensor in weights.items() if name != "embedding_mean"})
    centred = Ecapa(dataclasses.replace(network_config(RECIPE), embedding_centre=True)).eval()
    centred.load_state_dict(weights)
    features, lengths = torch.randn(2, 80, 80), torch.tensor([80, 80])
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(plain(features, lengths)) - weights["embedding_mean"]
        torch.testing.assert_close(centred(features, lengths), expected)


def test_the_mean_is_of_speakers_equally_and_of_recordings_that_are_long_enough() -> None:
    rows = np.array([[1.0, 0], [3, 0], [0, 8], [100, 100]])
    speakers = np.array(["a", "a", "b", "b"])
    np.testing.assert_allclose(mean_embedding(rows, speakers, np.array([3.0, 4, 5, 1])), [1, 4])
    np.testing.assert_allclose(mean_embedding(rows, speakers, np.array([1.0, 2, 2, 1])), [26, 27])


def test_sources_are_normalised_without_touching_what_tells_speakers_apart() -> None:
    rng = np.random.default_rng(1)
    source = np.repeat(np.arange(4), 50)
    apart = np.eye(8)[:4] * 2
    rows = apart[source] + np.concatenate([np.zeros((200, 4)), rng.normal(size=(200, 4))], 1)
    names = np.array([f"v{i}" for i in range(200)])
    matrix = source_normalisation(rows, names, source.astype(str), strength=3)
    np.testing.assert_allclose(matrix, matrix.T)
    shrunk = np.linalg.norm(matrix @ (apart[0] - apart[1])) / np.linalg.norm(apart[0] - apart[1])
    assert shrunk < 0.4
    assert np.linalg.norm(matrix[4:, 4:] - np.eye(4)) < 0.4
    # Too few speakers say nothing of a source.
    few = source_normalisation(rows[::5], names[::5], source[::5].astype(str), strength=3)
    np.testing.assert_array_equal(few, np.eye(8))
    none = source_normalisation(rows, names, source.astype(str), strength=0)
    np.testing.assert_allclose(none, np.eye(8), atol=1e-12)


def test_a_normalisation_is_judged_on_a_source_that_it_was_not_estimated_from() -> None:
    """Sources lie apart along one axis, but in the one that is measured this axis tells its speakers apart."""
    rng = np.random.default_rng(1)

    def unit_rows(rows: np.ndarray) -> np.ndarray:
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def source(name: str, along: float, spread: float, speakers: int) -> Embedded:
        means = rng.normal(size=(speakers, 6)) * 0.1
        means[:, 0] = along + spread * rng.normal(size=speakers)
        means[:, 1] += 1
        rows = unit_rows(np.repeat(means, 2, axis=0) + 0.05 * rng.normal(size=(2 * speakers, 6)))
        names = np.repeat([f"{name}{i}" for i in range(speakers)], 2)
        return Embedded(rows, names, np.full(2 * speakers, name), np.full(2 * speakers, 4.0))

    parts = [source("a", -1, 0.05, 20), source("b", 1, 0.05, 20), source("c", 0, 1, 20)]
    rows = Embedded(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in dataclasses.fields(Embedded)))
    own = source("c", 0, 1, 12)
    a, b = np.triu_indices(len(own.speakers), 1)
    split = SimpleNamespace(speakers=list(own.speakers), sources=list(own.sources))
    monitor = SimpleNamespace(split=split, labels=(own.speakers[a] == own.speakers[b]).astype(int), a=a, b=b)
    chosen, tried = choose_normalisation(rows, monitor, own.embeddings)
    by = {(row["strength"], row["centred"]): row["mean_eer"] for row in tried}
    assert by[chosen.strength, chosen.centred] == min(by.values())
    assert set(tried[0]["eer_left_out"]) == {"c"}
    # Shrinking the axis costs here, whatever it would win in sources that the map is made of.
    assert chosen.strength == 0
    assert by[3.0, False] > by[0.0, False]
    # What is measured is no part of the estimate.
    changed = dataclasses.replace(rows, embeddings=np.where((rows.sources == "c")[:, None], -1, rows.embeddings))
    assert choose_normalisation(changed, monitor, own.embeddings)[1] == tried


def test_a_matrix_is_folded_into_the_last_layer() -> None:
    plain, folded = small_network(), small_network()
    matrix = np.random.default_rng(1).normal(size=(192, 192))
    fold(folded, matrix)
    features, lengths = torch.randn(2, 80, 80), torch.tensor([80, 80])
    with torch.inference_mode():
        expected = plain(features, lengths) @ torch.from_numpy(matrix).float().T
        torch.testing.assert_close(folded(features, lengths), expected, rtol=1e-3, atol=1e-3)


def test_a_bundle_is_finished_anew(data: Path, tmp_path: Path, alone: None) -> None:
    path, weights = bundle_of(tmp_path / "earlier.pt")
    out = tmp_path / "again"
    out.mkdir()
    finish_bundle(data, out, path)
    found = torch.load(out / "starter.ckpt", weights_only=True)
    for name, tensor in weights.items():
        if not name.startswith("embed"):
            torch.testing.assert_close(found[name], tensor, msg=name)
    assert 0 < found["embedding_mean"].norm() < 1
    facts = json.loads((out / "training.json").read_text())
    assert (facts["steps"], facts["seconds"], facts["recipe"]["seed"], facts["speakers"]) == (20, 180, 7, 7)


def test_copies_for_measuring_have_the_recording_in_them(data: Path, tmp_path: Path) -> None:
    path = "dev/v7/0.wav"
    original = decode(data / path, trim=False).astype(float)
    for condition in ("silence-10", "opus-8", "g711-mu"):
        make(condition, data, [path], tmp_path)
        copy = decode(tmp_path / condition / path, trim=False).astype(float)
        side = 16000 * SILENCES.get(condition, 0)
        assert len(copy) == len(original) + 2 * side
        inner = copy[side : side + len(original)]
        assert np.corrcoef(inner, original)[0, 1] > 0.5
        if side:
            np.testing.assert_allclose(inner, original, atol=1)
            assert 20 * np.log10(copy[:side].std() / 32768) == pytest.approx(-70, abs=1)
    with pytest.raises(SystemExit, match="silence-10"):
        make("no-such-codec", data, [path], tmp_path)
    assert "g711-mu" in possible()


def test_crops_are_stratified_over_speakers_and_labelled_by_speed(data: Path, tmp_path: Path) -> None:
    material = load_material(Corpus(data, tmp_path, workers=1), RECIPE, RECIPE.speeds)
    sampler = Sampler(material, np.zeros(0, np.float32), RECIPE)
    assert sampler.classes == 7 * 2
    batch = sampler.batch(0, 400, 8000)
    assert batch.waves.shape == (400, 8000)
    assert torch.isfinite(batch.waves).all()
    speakers = np.bincount(batch.labels.numpy() % 7, minlength=7)
    single = [sampler.speakers.index(f"v{number}") for number in (5, 6)]
    assert speakers[single].sum() == pytest.approx(400 * RECIPE.single_share, abs=2)
    # Another process, and another step, draw other crops; the same step draws the same.
    for rank, step, same in ((0, 0, True), (0, 1, False), (1, 0, False)):
        other = Sampler(material, np.zeros(0, np.float32), RECIPE, rank).batch(step, 400, 8000)
        assert torch.equal(other.waves, batch.waves) == same


def test_a_speaker_in_two_splits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "files.tsv").write_text("path\tsplit\tspeaker\na\ttrain\tanna\nb\tdev\tanna\n")
    with pytest.raises(ValueError, match="anna is in both train and dev"):
        Corpus(tmp_path, tmp_path / "cache")


def test_enrolments_hold_only_the_speaker_and_never_the_other_side() -> None:
    speaker_of = {f"{s}{i}": s for s in "abc" for i in range(4 if s != "c" else 2)}
    trials = [(str(int(p[0] == q[0])), p, q) for p in speaker_of for q in speaker_of if p != q]
    enrolled, members = with_enrolments(trials, speaker_of, recordings=3, seed=1)
    assert enrolled
    for label, name, test in enrolled:
        joined = members[name]
        assert len(set(joined)) == 3
        assert test not in joined
        assert {speaker_of[path] for path in joined} == {joined[0][0]}
        assert label == str(int(speaker_of[test] == joined[0][0]))
    assert all(first[0] != "c" for _, first, _ in enrolled)


def test_recordings_of_lists_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1 x/1 x/2\n0 x/1 y/1\n")
    (tmp_path / "b").write_text("0 y/1 z/1\n\n")
    assert recordings_of([tmp_path / "a", tmp_path / "b"]) == ["x/1", "x/2", "y/1", "z/1"]


def test_recordings_are_embedded_by_the_mean_of_their_windows_and_once(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    teacher, out = Resemblyzer().eval(), tmp_path / "vectors.jsonl"
    paths = ["dev/v7/0.wav", "dev/v7/1.wav", "dev/v8/0.wav"]
    embed(paths, data, teacher, None, out)
    rows = {row["path"]: row["embedding"] for row in map(json.loads, out.read_text().splitlines())}
    assert list(rows) == paths
    wave = decode(data / paths[0], trim=False)
    with torch.inference_mode():
        mean = teacher(teacher.windows(wave)).mean(0)
    np.testing.assert_allclose(rows[paths[0]], mean / mean.norm(), atol=1e-5)
    assert np.linalg.norm(embedding(middle(wave, 0.5), teacher)) == pytest.approx(1, abs=1e-5)
    # A run that was cut within a line goes on behind the last whole one.
    whole = out.read_bytes()
    out.write_bytes(whole[:-20])
    embed(paths, data, teacher, None, out)
    assert out.read_bytes() == whole


def test_the_middle_is_what_a_cut_keeps() -> None:
    wave = np.arange(48000)
    assert middle(wave, 1).tolist() == list(range(16000, 32000))
    assert middle(wave, None) is not None
    assert len(middle(wave, 10)) == 48000


def test_log_mel_of_a_tone_peaks_at_its_filter() -> None:
    log_mel = LogMel(FRONT_END)
    t = torch.arange(16000) / 16000
    for hz in (300.0, 1000.0, 3000.0):
        spectrum = log_mel.log_spectrum(torch.sin(2 * math.pi * hz * t)[None])[0]
        mels = torch.linspace(*(1127 * math.log1p(edge / 700) for edge in (FRONT_END.low_hz, FRONT_END.high_hz)), 82)
        nearest = int((mels[1:-1] - 1127 * math.log1p(hz / 700)).abs().argmin())
        assert abs(int(spectrum.mean(0).argmax()) - nearest) <= 1
        assert torch.allclose(log_mel(torch.sin(2 * math.pi * hz * t)[None]).mean(1), torch.zeros(80), atol=1e-4)


def test_margin_softmax_without_margin_is_cross_entropy_of_cosines() -> None:
    torch.manual_seed(1)
    softmax = AngularMarginSoftmax(8, 5, scale=10)
    x, labels = torch.randn(6, 8), torch.tensor([0, 1, 2, 3, 4, 0])
    cosine = torch.nn.functional.normalize(x) @ torch.nn.functional.normalize(softmax.weight).T
    loss, _ = softmax(x, labels, margin=0.0)
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(10 * cosine, labels))
    angle = cosine.gather(1, labels[:, None]).arccos()
    shifted = cosine.scatter(1, labels[:, None], torch.where(angle < math.pi - 0.2, (angle + 0.2).cos(), -1))
    loss, _ = softmax(x, labels, margin=0.2)
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(10 * shifted, labels), rtol=1e-4, atol=1e-4)


def test_equal_error_rate_of_closed_form_cases() -> None:
    assert equal_error_rate(np.array([1, 1, 0, 0]), np.array([4.0, 3, 2, 1])) == 0
    assert equal_error_rate(np.array([1, 0, 1, 0]), np.array([4.0, 3, 2, 1])) == 50
    assert equal_error_rate(np.array([0, 0, 1, 1]), np.array([4.0, 3, 2, 1])) == 100
