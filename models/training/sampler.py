"""Balanced crops with class labels and targets of distillation."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .augment import Augment, quiet_samples, room_noise, with_silence
from .codecs import Coded
from .corpus import Split
from .recipe import Recipe
from .targets import Targets
from .teacher import unit


def by_source(values: dict[str, float], source: str) -> float:
    """The value of the first prefix that fits, else 1."""
    return next((value for prefix, value in values.items() if source.startswith(prefix)), 1.0)


@dataclass(frozen=True)
class Material:
    """A split as training sees it; coded copies and targets by speed, for the speeds that are drawn."""

    split: Split
    coded: dict[float, Coded]
    targets: dict[float, Targets]


@dataclass(frozen=True)
class Batch:
    waves: Tensor  # float32[B, N], augmented
    labels: Tensor  # int64[B]
    targets: Tensor  # float32[B, DIM], unit; of the speech in the crop as it was recorded
    target_weights: Tensor  # float32[B]


class Sampler:
    """Draws speakers by how much they have said, each speed of a speaker being a class of its own.

    What a step draws follows from the seed, the process and the step alone, so that a run that was cut draws the same.
    """

    def __init__(self, material: list[Material], noises: np.ndarray, recipe: Recipe, rank: int = 0):
        self.material, self.noises, self.recipe, self.rank = material, noises, recipe, rank
        self.utterances: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for s, part in enumerate(material):
            for u, speaker in enumerate(part.split.speakers):
                self.utterances[speaker].append((s, u))
        self.speakers = sorted(self.utterances)
        self.classes = len(self.speakers) * len(recipe.speeds)
        self.probability = self._probabilities()
        self.source_weights = [
            np.array([by_source(recipe.teacher_source_weights, source) for source in part.split.sources], np.float32)
            for part in material
        ]
        self.augment = Augment(noises, material[0].split.waves[1.0].samples)

    def _probabilities(self) -> np.ndarray:
        recipe, splits = self.recipe, [part.split for part in self.material]
        waves = [split.waves[1.0] for split in splits]
        seconds = np.array([sum(waves[s].lengths[u] for s, u in self.utterances[k]) / 16000 for k in self.speakers])
        sources = [splits[s].sources[u] for s, u in (self.utterances[k][0] for k in self.speakers)]
        emphasis = np.array([by_source(recipe.source_emphasis, source) for source in sources])
        weight = np.clip(seconds, 3, 60) ** 0.35 * emphasis
        single = np.array([len(self.utterances[k]) == 1 for k in self.speakers])
        if single.any() and not single.all():
            weight[single] *= recipe.single_share / weight[single].sum()
            weight[~single] *= (1 - recipe.single_share) / weight[~single].sum()
        return weight / weight.sum()

    def rng(self, step: int, use: int = 0) -> np.random.Generator:
        """All that is drawn at a step in this process; 1 for what is masked of the features."""
        return np.random.default_rng([self.recipe.seed, self.rank, step, use])

    def batch(self, step: int, size: int, samples: int) -> Batch:
        rng = self.rng(step)
        # Stratified: one draw in each of `size` equal slices of the distribution, in random order.
        at = (rng.permutation(size) + rng.random(size)) / size
        speakers = np.searchsorted(np.cumsum(self.probability), at).clip(0, len(self.speakers) - 1)
        labels = rng.integers(0, len(self.recipe.speeds_at(step)), size) * len(self.speakers) + speakers
        crops = [self._with_silence(label, samples, rng) for label in labels]
        waves = torch.from_numpy(np.stack([crop[0] for crop in crops]))
        targets = torch.from_numpy(np.stack([crop[1] for crop in crops]))
        weights = torch.tensor([crop[2] for crop in crops])
        return Batch(self.augment(waves, rng), torch.from_numpy(labels), targets, weights)

    def clean(self, labels: np.ndarray, samples: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A crop of each class as it was recorded: samples float32[B, N] and targets float32[B, DIM]."""
        crops = [self._crop(label, samples, 0.0, rng) for label in labels]
        return tuple(torch.from_numpy(np.stack([crop[i] for crop in crops])) for i in (0, 1))

    def _with_silence(self, label: int, samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
        """A crop, a part of it silence on silence_share of them; its target is that of the speech that is left."""
        quiet = quiet_samples(samples, rng) if rng.random() < self.recipe.silence_share else 0
        wave, target, weight = self._crop(label, samples - quiet, self.recipe.coded_crops, rng)
        if quiet:
            wave = with_silence(wave, room_noise(quiet, self.noises, rng), rng)
        return wave, target, weight

    def _crop(
        self, label: int, samples: int, coded: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """float32[samples], the target, and its weight. `coded`: share taken from the coded copy where there is one.

        The target is half that of the crop, half that of the recording.
        """
        speed_at, speaker = divmod(int(label), len(self.speakers))
        speed, choices = self.recipe.speeds[speed_at], self.utterances[self.speakers[speaker]]
        s, u = choices[rng.integers(len(choices))]
        weight = float(self.source_weights[s][u])
        targets = self.material[s].targets[speed]
        wave = self._recording(s, u, speed, coded, rng)
        if len(wave) >= samples:
            start = rng.integers(0, len(wave) - samples + 1)
            target = targets.crop(u, start, samples) + targets.utterances[u]
            return scaled(wave[start : start + samples]), unit(target).astype(np.float32), weight
        # A short recording: others of the speaker, or itself again, are joined to it.
        pieces, views, total = [], [], 0
        while total < samples:
            if len(wave) == 0:
                raise ValueError(f"{self.material[s].split.paths[u]} is empty")
            pieces.append(wave)
            views.append(self.material[s].targets[speed].utterances[u])
            total += len(wave)
            s, u = choices[rng.integers(len(choices))]
            wave = self._recording(s, u, speed, coded, rng)
        joined = np.concatenate(pieces)
        start = rng.integers(0, len(joined) - samples + 1)
        return scaled(joined[start : start + samples]), unit(np.sum(views, 0)).astype(np.float32), weight

    def _recording(self, s: int, u: int, speed: float, coded: float, rng: np.random.Generator) -> np.ndarray:
        """int16 samples of the recording, or of its coded copy."""
        part = self.material[s]
        copy = part.coded[speed][u] if speed in part.coded and rng.random() < coded else None
        return part.split.waves[speed][u] if copy is None else copy


def scaled(wave: np.ndarray) -> np.ndarray:
    return wave.astype(np.float32) / 32768
