"""Balanced crops with class labels and teacher targets."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .augment import Augment
from .corpus import Split
from .recipe import Recipe
from .targets import Targets
from .teacher import unit


def by_source(values: dict[str, float], source: str) -> float:
    """The value of the first prefix that fits, else 1."""
    return next((value for prefix, value in values.items() if source.startswith(prefix)), 1.0)


@dataclass(frozen=True)
class Batch:
    waves: Tensor  # float32[B, N], augmented
    labels: Tensor  # int64[B]
    targets: Tensor  # float32[B, 256], unit, centred; of the clean crop
    target_weights: Tensor  # float32[B]


class Sampler:
    """Draws speakers by how much they have said, each speed of a speaker being a class of its own."""

    def __init__(
        self, splits: list[Split], targets: list[dict[float, Targets]], noises: np.ndarray, recipe: Recipe, seed: int
    ):
        self.rng = np.random.default_rng(seed)
        self.splits, self.targets, self.speeds = splits, targets, recipe.speeds
        self.utterances: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for s, split in enumerate(splits):
            for u, speaker in enumerate(split.speakers):
                self.utterances[speaker].append((s, u))
        self.speakers = sorted(self.utterances)
        self.classes = len(self.speakers) * len(self.speeds)
        self.probability = self._probabilities(recipe)
        every = [t.utterances for by_speed in targets for t in by_speed.values()]
        self.target_mean = np.concatenate(every).mean(0)
        self.source_weights = [
            np.array([by_source(recipe.teacher_source_weights, source) for source in split.sources], np.float32)
            for split in splits
        ]
        self.augment = Augment(self.rng, noises, splits[0].waves[1.0].samples)

    def _probabilities(self, recipe: Recipe) -> np.ndarray:
        waves = [split.waves[1.0] for split in self.splits]
        seconds = np.array([sum(waves[s].lengths[u] for s, u in self.utterances[k]) / 16000 for k in self.speakers])
        sources = [self.splits[s].sources[u] for s, u in (self.utterances[k][0] for k in self.speakers)]
        emphasis = np.array([by_source(recipe.source_emphasis, source) for source in sources])
        weight = np.clip(seconds, 3, 60) ** 0.35 * emphasis
        single = np.array([len(self.utterances[k]) == 1 for k in self.speakers])
        if single.any() and not single.all():
            weight[single] *= recipe.single_share / weight[single].sum()
            weight[~single] *= (1 - recipe.single_share) / weight[~single].sum()
        return weight / weight.sum()

    def batch(self, size: int, samples: int) -> Batch:
        # Stratified: one draw in each of `size` equal slices of the distribution, in random order.
        at = (self.rng.permutation(size) + self.rng.random(size)) / size
        speakers = np.searchsorted(np.cumsum(self.probability), at).clip(0, len(self.speakers) - 1)
        labels = self.rng.integers(0, len(self.speeds), size) * len(self.speakers) + speakers
        waves, targets, weights = self.crops(labels, samples)
        return Batch(self.augment(waves), torch.from_numpy(labels), targets, weights)

    def crops(self, labels: np.ndarray, samples: int) -> tuple[Tensor, Tensor, Tensor]:
        """A clean crop of each class: samples float32[B, N], the teacher's unit targets, and their weights."""
        speeds, speakers = np.divmod(labels, len(self.speakers))
        crops = [self._crop(self.speakers[k], self.speeds[v], samples) for k, v in zip(speakers, speeds, strict=True)]
        waves = torch.from_numpy(np.stack([c[0] for c in crops])).float() / 32768
        targets = unit(np.stack([c[1] for c in crops]) - self.target_mean).astype(np.float32)
        return waves, torch.from_numpy(targets), torch.from_numpy(np.array([c[2] for c in crops], np.float32))

    def _crop(self, speaker: str, speed: float, samples: int) -> tuple[np.ndarray, np.ndarray, float]:
        """int16[samples], the teacher's view of it, and how far the teacher is to be trusted."""
        choices = self.utterances[speaker]
        s, u = choices[self.rng.integers(len(choices))]
        wave, target = self.splits[s].waves[speed][u], self.targets[s][speed]
        weight = float(self.source_weights[s][u])
        if len(wave) >= samples:
            start = self.rng.integers(0, len(wave) - samples + 1)
            view = 0.5 * target.crop(u, start, samples) + 0.5 * target.utterances[u]
            return wave[start : start + samples], view, weight
        # A short recording: others of the speaker, or itself again, are joined to it.
        pieces, views, total = [], [], 0
        while total < samples:
            pieces.append(wave)
            views.append(self.targets[s][speed].utterances[u])
            total += len(wave)
            s, u = choices[self.rng.integers(len(choices))]
            wave = self.splits[s].waves[speed][u]
            if len(wave) == 0:
                raise ValueError(f"a recording of {speaker} is empty")
        joined = np.concatenate(pieces)
        start = self.rng.integers(0, len(joined) - samples + 1)
        return joined[start : start + samples], np.mean(views, 0), weight
