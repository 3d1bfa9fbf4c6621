"""Kaldi log-mel filter banks for batches of equally long crops: what the native front end computes, in torch."""

import math

import torch
from timbre_models.families import FrontEnd
from torch import Tensor, nn


class LogMel(nn.Module):
    """float32[B, N] in [-1, 1] at 16 kHz -> float32[B, T, bins], mean subtracted; snip edges, no dither."""

    def __init__(self, front_end: FrontEnd):
        super().__init__()
        if front_end.type != "kaldi":
            raise ValueError(f"training computes kaldi features, not {front_end['type']}")
        self.front_end = front_end
        length = front_end.frame_length
        n = torch.arange(length, dtype=torch.float64)
        hamming = 0.54 - 0.46 * torch.cos(2 * math.pi * n / (length - 1))
        hann = 0.5 - 0.5 * torch.cos(2 * math.pi * n / (length - 1))
        windows = {"hamming": hamming, "povey": hann.pow(0.85)}
        self.register_buffer("window", windows[front_end.window].float())
        self.register_buffer("mel", self._filters().float())

    def _filters(self) -> Tensor:
        def mel(hz: float | Tensor) -> Tensor:
            return 1127 * torch.log1p(torch.as_tensor(hz, dtype=torch.float64) / 700)

        bins, points = self.front_end.mel_bins, self.front_end.fft_length
        edges = torch.linspace(
            float(mel(self.front_end.low_hz)), float(mel(self.front_end.high_hz)), bins + 2, dtype=torch.float64
        )
        at = mel(torch.arange(points // 2 + 1, dtype=torch.float64) * 16000 / points)[:, None]
        left, centre, right = edges[:-2], edges[1:-1], edges[2:]
        return torch.minimum((at - left) / (centre - left), (right - at) / (right - centre)).clamp_min(0)

    def forward(self, x: Tensor) -> Tensor:
        log = self.log_spectrum(x)
        return log - log.mean(1, keepdim=True)

    def log_spectrum(self, x: Tensor) -> Tensor:
        """As forward, the mean left in."""
        f = self.front_end
        frames = (x * f.sample_scale).unfold(1, f.frame_length, f.frame_shift)
        if f.remove_dc:
            frames = frames - frames.mean(2, keepdim=True)
        a = f.preemphasis
        frames = torch.cat([frames[:, :, :1] * (1 - a), frames[:, :, 1:] - a * frames[:, :, :-1]], 2) * self.window
        power = torch.view_as_real(torch.fft.rfft(frames, f.fft_length)).square().sum(-1)
        return (power @ self.mel).clamp_min(f.log_floor).log()
