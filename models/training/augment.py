"""Waveform augmentation of whole batches: rooms, microphones, bands, noise, voices, clipping, silence, level.

Codecs are real ones and stand in codecs.py.
"""

import math

import numpy as np
import torch
from torch import Tensor

SAMPLE_RATE = 16000
REVERB_SAMPLES = 9600

# Shares of crops that get each treatment; rooms, microphones and bands are shares of those that are filtered.
FILTERED = 0.65
REVERBERANT = 0.65
FAR = 0.35
"""Of the reverberant ones: more from the walls than from the mouth."""
EQUALISED = 0.5
TELEPHONE = 0.35
LOW_PASSED = 0.2
CLIPPED = 0.1
QUANTISED = 0.1
NONE, RECORDED, COLOURED, BABBLE = 0.35, 0.2, 0.2, 0.25
MOST_VOICES = 8
DIGITAL_SILENCE = 0.2
"""Share of the silences that are exact zeros."""
SILENCE_DBFS = (-80.0, -40.0)
LONGEST_SILENCE = 20 * SAMPLE_RATE
LEAST_SPEECH = SAMPLE_RATE // 2


def db(x: np.ndarray | float) -> np.ndarray:
    return 10 ** (np.asarray(x) / 20)


def fast_points(samples: int) -> int:
    """The next length that is a power of two, or one and a half times or one and a quarter times one."""
    power = 1 << math.ceil(math.log2(samples))
    return next(points for points in (power * 5 // 8, power * 3 // 4, power) if points >= samples)


def quiet_samples(samples: int, rng: np.random.Generator) -> int:
    """How much of a crop of so many samples is silence: up to LONGEST_SILENCE, at least LEAST_SPEECH left."""
    return int(rng.integers(0, max(0, min(LONGEST_SILENCE, samples - LEAST_SPEECH)) + 1))


def coloured_noise(count: int, samples: int, rng: np.random.Generator) -> Tensor:
    """float32[count, samples], the power of each falling by 0 to 6 dB an octave."""
    points = fast_points(samples)
    hz = torch.linspace(0, SAMPLE_RATE / 2, points // 2 + 1).clamp_min(30)
    slope = torch.from_numpy(rng.uniform(0, 2, (count, 1))).float()
    white = torch.fft.rfft(torch.from_numpy(rng.standard_normal((count, points), np.float32)))
    return torch.fft.irfft(white * (hz / 1000) ** (-slope / 2), points)[:, :samples]


def room_noise(samples: int, noises: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32[samples] of silence as microphones give it: zeros, hiss or a recorded room, at SILENCE_DBFS."""
    draw = rng.random()
    if draw < DIGITAL_SILENCE:
        return np.zeros(samples, np.float32)
    if draw < 0.5 + DIGITAL_SILENCE / 2 or len(noises) <= samples:
        noise = coloured_noise(1, samples, rng)[0].numpy()
    else:
        start = rng.integers(0, len(noises) - samples)
        noise = noises[start : start + samples]
    return (noise * db(rng.uniform(*SILENCE_DBFS)) / (noise.std() + 1e-9)).astype(np.float32)


def with_silence(speech: np.ndarray, quiet: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Speech with silence before it, behind it, on both sides, or between two parts of it; all of both is kept."""
    place = rng.integers(4)
    if place == 0:
        return np.concatenate([quiet, speech])
    if place == 1:
        return np.concatenate([speech, quiet])
    if place == 2:
        at = rng.integers(len(quiet) + 1)
        return np.concatenate([quiet[:at], speech, quiet[at:]])
    at = rng.integers(len(speech) + 1)
    return np.concatenate([speech[:at], quiet, speech[at:]])


def clip(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Peaks cut off 3 to 20 dB below the highest, on CLIPPED of the crops float32[B, N]."""
    chosen = np.flatnonzero(rng.random(len(x)) < CLIPPED)
    x = x.clone()
    for i in chosen:
        top = float(x[i].abs().max() * db(-rng.uniform(3, 20)))
        x[i].clamp_(-top, top)
    return x


def quantise(x: Tensor, rng: np.random.Generator) -> Tensor:
    """mu-law at 8 bits, as telephone networks code it, on QUANTISED of the crops float32[B, N]."""
    chosen = np.flatnonzero(rng.random(len(x)) < QUANTISED)
    if len(chosen) == 0:
        return x
    peak = x[chosen].abs().amax(1, keepdim=True) + 1e-6
    y = x[chosen] / peak
    code = torch.round(torch.sign(y) * torch.log1p(255 * y.abs()) / math.log(256) * 127) / 127
    x = x.clone()
    x[chosen] = torch.sign(code) * (torch.pow(256, code.abs()) - 1) / 255 * peak
    return x


def rooms(count: int, rng: np.random.Generator) -> Tensor:
    """Impulse responses float32[count, REVERB_SAMPLES]: the direct sound, then noise that decays by 60 dB in `decay`.

    Near: 0.1 to 0.7 s, the tail 3 dB above to 15 dB below the direct sound. Far, on FAR of them: 0.3 to 1.2 s, the
    tail 0 to 12 dB above, and it begins later.
    """
    far = rng.random((count, 1)) < FAR
    decay = torch.from_numpy(np.where(far, rng.uniform(0.3, 1.2, (count, 1)), rng.uniform(0.1, 0.7, (count, 1))))
    above = torch.from_numpy(db(np.where(far, rng.uniform(0, 12, (count, 1)), -rng.uniform(-3, 15, (count, 1)))))
    begins = torch.from_numpy(np.where(far, rng.integers(20, 200, (count, 1)), 20))
    t = torch.arange(REVERB_SAMPLES)
    noise = torch.from_numpy(rng.standard_normal((count, REVERB_SAMPLES), np.float32))
    tail = noise * torch.exp(-6.9 * t / SAMPLE_RATE / decay).float()
    tail[t.expand_as(tail) < begins] = 0
    response = tail / tail.norm(dim=1, keepdim=True) * above.float()
    response[:, 0] = 1
    return response


def filtered(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Room, microphone and band in one round trip through the spectrum, on FILTERED of the crops."""
    samples = x.size(1)
    chosen = np.flatnonzero(rng.random(len(x)) < FILTERED)
    if len(chosen) == 0:
        return x
    points = fast_points(samples + REVERB_SAMPLES)
    spectrum = torch.fft.rfft(x[chosen], points)
    hz = torch.linspace(0, SAMPLE_RATE / 2, points // 2 + 1)

    reverberant = np.flatnonzero(rng.random(len(chosen)) < REVERBERANT)
    if len(reverberant):
        spectrum[reverberant] *= torch.fft.rfft(rooms(len(reverberant), rng), points)

    equalised = (rng.random(len(chosen)) < EQUALISED)[:, None]
    tilt = torch.from_numpy(rng.normal(0, 4, (len(chosen), 1)) * equalised).float()
    peak = torch.from_numpy(rng.normal(0, 5, (len(chosen), 1)) * equalised).float()
    centre = torch.from_numpy(rng.uniform(200, 5000, (len(chosen), 1))).float()
    octaves = torch.log2(hz.clamp_min(50) / 1000)
    around = torch.log2(hz.clamp_min(50) / centre)
    gain = 10 ** ((tilt * octaves / 3 + peak * torch.exp(-(around**2))) / 20)

    draw = rng.random(len(chosen))
    phone = draw < TELEPHONE
    low_pass = ~phone & (draw < TELEPHONE + LOW_PASSED)
    low = torch.from_numpy(np.where(phone, rng.uniform(150, 350, len(chosen)), -1e4)).float()[:, None]
    top = np.where(phone, rng.uniform(3000, 3900, len(chosen)), 1e5)
    top = np.where(low_pass, rng.uniform(4000, 7500, len(chosen)), top)
    high = torch.from_numpy(top).float()[:, None]
    band = torch.sigmoid((hz - low) / 30) * torch.sigmoid((high - hz) / 60)

    x = x.clone()
    x[chosen] = torch.fft.irfft(spectrum * gain * band, points)[:, :samples]
    return x


def babble(samples: int, speech: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32[samples] of 1 to MOST_VOICES other voices, of unequal levels; each begins and ends where it will."""
    mixed = np.zeros(samples, np.float32)
    for _ in range(rng.integers(1, MOST_VOICES + 1)):
        begins, ends = np.sort(rng.integers(-samples // 2, samples + samples // 2, 2)).clip(0, samples)
        start = rng.integers(0, max(1, len(speech) - samples))
        voice = speech[start : start + ends - begins].astype(np.float32)
        if len(voice):
            mixed[begins : begins + len(voice)] += voice / (voice.std() + 30) * float(db(rng.uniform(-6, 0)))
    return mixed


class Augment:
    """Random treatments of float32[B, N]."""

    def __init__(self, noises: np.ndarray, speech: np.ndarray):
        """noises: unit-deviation samples end to end (may be empty); speech: int16 samples for babble."""
        self.noises, self.speech = noises, speech

    def __call__(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        x = self._add(filtered(x, rng), rng)
        x = quantise(clip(x, rng), rng)
        level = torch.from_numpy(db(rng.uniform(-40, 0, (len(x), 1)))).float()
        return x / (x.abs().amax(1, keepdim=True) + 1e-6) * level

    def _add(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Recorded or coloured noise, or other voices, under the speech."""
        samples = x.size(1)
        kind = rng.choice(4, len(x), p=[NONE, RECORDED, COLOURED, BABBLE])
        if len(self.noises) <= samples:
            kind[kind == 1] = 2
        added = torch.zeros_like(x)
        for i in np.flatnonzero(kind == 1):
            start = rng.integers(0, len(self.noises) - samples)
            added[i] = torch.from_numpy(self.noises[start : start + samples])
        coloured = np.flatnonzero(kind == 2)
        if len(coloured):
            added[coloured] = coloured_noise(len(coloured), samples, rng)
        for i in np.flatnonzero(kind == 3):
            added[i] = torch.from_numpy(babble(samples, self.speech, rng))
        snr = np.where(kind == 3, rng.uniform(6, 22, len(x)), rng.uniform(3, 25, len(x)))
        power = (x.square().mean(1) + 1e-9) / (added.square().mean(1) + 1e-9)
        amount = power.sqrt() * torch.from_numpy(db(-snr) * (kind > 0)).float()
        return x + added * amount[:, None]


def mask_features(features: Tensor, rng: np.random.Generator, share: float = 0.5) -> Tensor:
    """SpecAugment on `share` of them: a band of up to 10 filters, and a stretch of up to a twelfth of the frames."""
    _, frames, bins = features.shape
    for i in np.flatnonzero(rng.random(len(features)) < share):
        width = rng.integers(1, 11)
        at = rng.integers(0, bins - width)
        features[i, :, at : at + width] = 0
        width = rng.integers(1, max(2, frames // 12))
        at = rng.integers(0, frames - width)
        features[i, at : at + width] = 0
    return features
