"""Augmentation, each treatment alone, and real codecs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("soundfile", reason="pip install -r models/training/requirements.txt")
pytest.importorskip("soxr", reason="pip install -r models/training/requirements.txt")

from training import augment, codecs
from training.augment import (
    LEAST_SPEECH,
    Augment,
    babble,
    clip,
    coloured_noise,
    fast_points,
    filtered,
    quantise,
    quiet_samples,
    room_noise,
    rooms,
    with_silence,
)
from training.codecs import Coded, available, coded, lag
from training.corpus import SAMPLE_RATE, NotPreparedError, Waves


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def tones(samples: int, count: int = 1) -> torch.Tensor:
    t = torch.arange(samples) / SAMPLE_RATE
    return torch.stack([0.3 * torch.sin(2 * torch.pi * (200 + 50 * i) * t) for i in range(count)])


def test_silence_lies_before_behind_on_both_sides_and_between(rng: np.random.Generator) -> None:
    speech, places = np.arange(1, 9, dtype=np.float32), set()
    for _ in range(200):
        crop = with_silence(speech, np.zeros(5, np.float32), rng)
        assert crop[crop > 0].tolist() == speech.tolist()
        assert len(crop) == 13
        edges = crop[0] == 0, crop[-1] == 0
        places.add(edges)
    assert places == {(True, False), (False, True), (True, True), (False, False)}


def test_a_crop_keeps_half_a_second_of_speech_beside_its_silence(rng: np.random.Generator) -> None:
    assert quiet_samples(LEAST_SPEECH - 100, rng) == 0
    drawn = [quiet_samples(3 * SAMPLE_RATE, rng) for _ in range(500)]
    assert 0 <= min(drawn) < SAMPLE_RATE / 10
    assert 2.4 * SAMPLE_RATE < max(drawn) <= 3 * SAMPLE_RATE - LEAST_SPEECH
    assert max(quiet_samples(60 * SAMPLE_RATE, rng) for _ in range(200)) <= 20 * SAMPLE_RATE


@pytest.mark.parametrize("recorded", [0, 50000])
def test_silence_is_zeros_or_noise_at_its_level(rng: np.random.Generator, recorded: int) -> None:
    noises = rng.standard_normal(recorded).astype(np.float32)
    levels = [float(np.std(room_noise(16000, noises, rng))) for _ in range(200)]
    zeros = [level for level in levels if level == 0]
    assert len(zeros) / 200 == pytest.approx(augment.DIGITAL_SILENCE, abs=0.08)
    decibels = 20 * np.log10([level for level in levels if level > 0])
    assert decibels.min() >= -80.1
    assert decibels.max() <= -39.9


def test_coloured_noise_falls_with_frequency_or_is_white(rng: np.random.Generator) -> None:
    noise = coloured_noise(40, 32000, rng)
    power = torch.fft.rfft(noise).abs().square()
    slopes = 10 * torch.log10(power[:, 1000:4000].mean(1) / power[:, 8000:16000].mean(1))
    assert noise.shape == (40, 32000)
    assert slopes.min() > -1
    assert 5 < slopes.max() < 20


@pytest.mark.parametrize("samples", [1, 2, 5, 1000, 1024, 1025, 33600, 170000])
def test_transforms_are_no_shorter_than_asked_and_little_longer(samples: int) -> None:
    assert samples <= fast_points(samples) <= max(2, 1.34 * samples)


def test_far_rooms_have_more_tail_than_direct_sound(rng: np.random.Generator) -> None:
    responses = rooms(400, rng)
    assert (responses[:, 0] == 1).all()
    assert (responses[:, 1:20] == 0).all()
    tail = 20 * torch.log10(responses[:, 1:].norm(dim=1))
    late = responses[:, 20:40].abs().amax(1) == 0
    assert (tail[late] > -0.1).all()
    assert late.float().mean() == pytest.approx(augment.FAR * 160 / 180, abs=0.08)
    assert -15.1 <= tail.min() < -10
    assert 10 < tail.max() <= 12.1


def test_filters_keep_shape_and_change_some_crops(rng: np.random.Generator) -> None:
    x = tones(8000, 60)
    y = filtered(x, rng)
    same = (x == y).all(1).float().mean()
    assert y.shape == x.shape
    assert same == pytest.approx(1 - augment.FILTERED, abs=0.2)


def test_clipping_cuts_peaks_of_some_crops(rng: np.random.Generator) -> None:
    x = tones(4000).repeat(300, 1)
    y = clip(x, rng)
    highest = y.abs().amax(1)
    assert (highest < 0.25).float().mean() == pytest.approx(augment.CLIPPED, abs=0.06)
    assert (highest > 0.3 * 10 ** (-20.1 / 20)).all()
    assert torch.equal(x, tones(4000).repeat(300, 1))


def test_eight_bits_leave_at_most_255_values(rng: np.random.Generator) -> None:
    y = quantise(torch.randn(100, 4000), rng)
    values = [len(row.unique()) for row in y]
    assert sum(count <= 255 for count in values) / 100 == pytest.approx(augment.QUANTISED, abs=0.08)


def test_babble_is_of_voices_that_begin_and_end_within(rng: np.random.Generator) -> None:
    speech = (3000 * rng.standard_normal(100000)).astype(np.int16)
    mixed = np.stack([babble(16000, speech, rng) for _ in range(50)])
    silent = (mixed == 0).mean(1)
    assert mixed.shape == (50, 16000)
    assert np.isfinite(mixed).all()
    assert (silent > 0.2).any()
    assert (silent == 0).any()


def test_augmented_crops_are_finite_at_some_level_and_follow_from_the_generator() -> None:
    rng = np.random.default_rng(2)
    treat = Augment(rng.standard_normal(60000).astype(np.float32), (3000 * rng.standard_normal(90000)).astype(np.int16))
    for samples in (8000, 16080, 48000):
        x = torch.cat([tones(samples, 20), torch.zeros(4, samples)])
        y = treat(x, np.random.default_rng(3))
        assert torch.isfinite(y).all()
        assert y.shape == x.shape
        assert y.abs().max() <= 1
        assert torch.equal(y, treat(x, np.random.default_rng(3)))
        assert not torch.equal(y, treat(x, np.random.default_rng(4)))


def test_a_lag_is_found_in_both_directions(rng: np.random.Generator) -> None:
    wave = rng.standard_normal(20000)
    for late in (0, 7, 1500, -640):
        assert lag(wave, np.roll(wave, late)) == late


def voiced(rng: np.random.Generator, samples: int) -> np.ndarray:
    """int16 pulses through a resonance, louder and softer: what speech codecs are made for."""
    x = np.zeros(samples + 400)
    x[::130] = 1
    x = np.convolve(x, np.exp(-np.arange(400) / 60) * np.sin(np.arange(400) / 4))[:samples]
    x = x * (1.2 + np.sin(np.arange(samples) / 2500)) + 0.01 * rng.standard_normal(samples)
    return (6000 * x / np.abs(x).max()).astype(np.int16)


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@needs_ffmpeg
def test_every_codec_gives_recordings_back_where_they_were(rng: np.random.Generator) -> None:
    waves = [voiced(rng, samples) for samples in (20000, 31000, 9000)]
    for codec in available():
        copies = coded(waves, codec)
        assert [len(copy) for copy in copies] == [len(wave) for wave in waves], codec.name
        for wave, copy in zip(waves, copies, strict=True):
            assert np.corrcoef(wave, copy)[0, 1] > 0.5, codec.name
            assert not np.array_equal(wave, copy), codec.name


@needs_ffmpeg
def test_a_share_of_the_recordings_has_copies_and_they_are_made_once(
    rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = Waves.write(tmp_path / "train", [voiced(rng, 8000 + 10 * i) for i in range(20)])
    with pytest.raises(NotPreparedError):
        Coded.of(waves, 0.4, seed=1, workers=0)
    made = Coded.of(waves, 0.4, seed=1, workers=1)
    copies = [made[i] for i in range(20)]
    assert sum(copy is not None for copy in copies) == 8
    assert all(copy is None or len(copy) == 8000 + 10 * i for i, copy in enumerate(copies))
    monkeypatch.setattr(codecs, "available", lambda: pytest.fail("made again"))
    again = Coded.of(waves, 0.4, seed=1, workers=0)
    assert (again.at == made.at).all()


def test_without_ffmpeg_it_is_said_how_to_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="--coded-share 0"):
        available()
