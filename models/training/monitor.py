"""Equal error rates on the development list while training; `timbre evaluate` makes the numbers that are published."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .corpus import Split

GROUPS = ("common_voice", "speechocean762", "wuw2", "msc_malayalam", "arabic_speech_commands", "librispeech")


def equal_error_rate(labels: np.ndarray, scores: np.ndarray) -> float:
    """Where false rejections and false acceptances are equally frequent, in per cent, between steps interpolated."""
    order = np.argsort(-scores, kind="stable")
    hits, false = labels[order].cumsum(), (1 - labels[order]).cumsum()
    rejected = np.concatenate([[1], 1 - hits / hits[-1]])
    accepted = np.concatenate([[0], false / false[-1]])
    k = int(np.argmax(accepted >= rejected))
    before, after = rejected[k - 1] - accepted[k - 1], accepted[k] - rejected[k]
    share = before / (before + after) if before + after > 0 else 0.0
    return float(100 * (rejected[k - 1] + share * (rejected[k] - rejected[k - 1])))


@torch.inference_mode()
def embed_split(network: torch.nn.Module, log_mel: torch.nn.Module, split: Split, indices=None) -> np.ndarray:
    """Unit embeddings float32[U, D] of whole recordings, one at a time."""
    rows = []
    for i in range(len(split)) if indices is None else indices:
        features = log_mel(torch.from_numpy(np.array(split.waves[1.0][i])).float()[None] / 32768)
        rows.append(F.normalize(network(features, torch.tensor([features.size(1)])))[0].numpy())
    return np.stack(rows)


class Monitor:
    """Trials of a list among the utterances of a split."""

    def __init__(self, trials: Path, split: Split):
        self.split = split
        at = {path: i for i, path in enumerate(split.paths)}
        rows = [line.split() for line in trials.read_text().splitlines()]
        known = [(int(label), at[a], at[b]) for label, a, b in rows if a in at and b in at]
        self.labels, self.a, self.b = np.array(known).T
        groups = np.array([next((g for g in GROUPS if s.startswith(g)), s) for s in split.sources])
        self.group_a, self.group_b = groups[self.a], groups[self.b]

    def rates(self, embeddings: np.ndarray) -> dict[str, float]:
        scores = (embeddings[self.a] * embeddings[self.b]).sum(1)
        rates = {}
        for group in GROUPS:
            chosen = (self.group_a == group) & (self.group_b == group)
            if self.labels[chosen].any():
                rates[group] = equal_error_rate(self.labels[chosen], scores[chosen])
        return rates
