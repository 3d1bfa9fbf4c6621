"""Waveform augmentation of whole batches: rooms, microphones, telephone and codec bands, noise, babble, level."""

import math

import numpy as np
import torch
from torch import Tensor

SAMPLE_RATE = 16000
REVERB_SAMPLES = 6400

# Shares of crops that get each treatment.
FILTERED = 0.65
REVERBERANT = 0.65
EQUALISED = 0.5
TELEPHONE = 0.5
LOW_PASSED = 0.2
QUANTISED = 0.15
NONE, RECORDED, COLOURED, BABBLE = 0.3, 0.25, 0.25, 0.2


def db(x: np.ndarray) -> np.ndarray:
    return 10 ** (x / 20)


class Augment:
    """Random treatments of float32[B, N]; every draw comes from one generator."""

    def __init__(self, rng: np.random.Generator, noises: np.ndarray, speech: np.ndarray):
        """noises: unit-deviation samples end to end (may be empty); speech: int16 samples for babble."""
        self.rng, self.noises, self.speech = rng, noises, speech

    def __call__(self, x: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(int(self.rng.integers(1 << 62)))
        x = self._filter(x, generator)
        x = self._add(x, generator)
        x = self._quantise(x)
        level = torch.from_numpy(db(self.rng.uniform(-30, -1, (len(x), 1)))).float()
        return x / (x.abs().amax(1, keepdim=True) + 1e-6) * level

    def _filter(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Room, microphone and band in one round trip through the spectrum, on FILTERED of the crops."""
        rng, samples = self.rng, x.size(1)
        chosen = np.flatnonzero(rng.random(len(x)) < FILTERED)
        if len(chosen) == 0:
            return x
        points = 1 << math.ceil(math.log2(samples + REVERB_SAMPLES))
        spectrum = torch.fft.rfft(x[chosen], points)
        hz = torch.linspace(0, SAMPLE_RATE / 2, points // 2 + 1)

        rooms = np.flatnonzero(rng.random(len(chosen)) < REVERBERANT)
        if len(rooms):
            spectrum[rooms] *= torch.fft.rfft(self._rooms(len(rooms), generator), points)

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

    def _rooms(self, count: int, generator: torch.Generator) -> Tensor:
        """Impulse responses: the direct sound, then noise that decays by 60 dB in 0.1 to 0.7 s."""
        decay = torch.from_numpy(self.rng.uniform(0.1, 0.7, (count, 1))).float()
        t = torch.arange(REVERB_SAMPLES) / SAMPLE_RATE
        tail = torch.randn(count, REVERB_SAMPLES, generator=generator) * torch.exp(-6.9 * t / decay)
        tail[:, :20] = 0
        direct_to_tail = torch.from_numpy(db(-self.rng.uniform(-3, 15, (count, 1)))).float()
        response = tail / tail.norm(dim=1, keepdim=True) * direct_to_tail
        response[:, 0] = 1
        return response

    def _add(self, x: Tensor, generator: torch.Generator) -> Tensor:
        rng, samples = self.rng, x.size(1)
        kind = rng.choice(4, len(x), p=[NONE, RECORDED, COLOURED, BABBLE])
        if len(self.noises) <= samples:
            kind[kind == 1] = 2
        added = torch.zeros_like(x)
        for i in np.flatnonzero(kind == 1):
            start = rng.integers(0, len(self.noises) - samples)
            added[i] = torch.from_numpy(self.noises[start : start + samples])
        coloured = np.flatnonzero(kind == 2)
        if len(coloured):
            points = 1 << math.ceil(math.log2(samples))
            hz = torch.linspace(0, SAMPLE_RATE / 2, points // 2 + 1).clamp_min(30)
            slope = torch.from_numpy(rng.uniform(0, 2, (len(coloured), 1))).float()
            white = torch.fft.rfft(torch.randn(len(coloured), points, generator=generator))
            added[coloured] = torch.fft.irfft(white * (hz / 1000) ** (-slope / 2), points)[:, :samples]
        for i in np.flatnonzero(kind == 3):
            for _ in range(rng.integers(3, 6)):
                start = rng.integers(0, max(1, len(self.speech) - samples))
                voice = self.speech[start : start + samples].astype(np.float32)
                added[i, : len(voice)] += torch.from_numpy(voice / (voice.std() + 30))
        snr = np.where(kind == 3, rng.uniform(10, 22, len(x)), rng.uniform(3, 22, len(x)))
        power = (x.square().mean(1) + 1e-9) / (added.square().mean(1) + 1e-9)
        amount = power.sqrt() * torch.from_numpy(db(-snr) * (kind > 0)).float()
        return x + added * amount[:, None]

    def _quantise(self, x: Tensor) -> Tensor:
        """mu-law at 8 bits, as telephone networks code it, on QUANTISED of the crops."""
        chosen = np.flatnonzero(self.rng.random(len(x)) < QUANTISED)
        if len(chosen) == 0:
            return x
        peak = x[chosen].abs().amax(1, keepdim=True) + 1e-6
        y = x[chosen] / peak
        code = torch.round(torch.sign(y) * torch.log1p(255 * y.abs()) / math.log(256) * 127) / 127
        x = x.clone()
        x[chosen] = torch.sign(code) * (torch.pow(256, code.abs()) - 1) / 255 * peak
        return x


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
