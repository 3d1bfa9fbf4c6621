"""Every number of a training run, in one place, and what follows from them at each step."""

import math
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Crop:
    """Crops of one length: `batch` of them per process, on `share` of the steps."""

    seconds: float
    batch: int
    share: float


@dataclass(frozen=True)
class Recipe:
    channels: int = 256
    pooled_channels: int = 768
    steps: int = 24_000
    """Length of the whole run, in however many pieces."""
    crops: tuple[Crop, ...] = (
        Crop(0.5, 160, 0.1), Crop(1.0, 128, 0.2), Crop(2.0, 72, 0.2),
        Crop(3.0, 48, 0.3), Crop(5.0, 28, 0.1), Crop(10.0, 14, 0.1),
    )  # fmt: skip
    """Half of the steps see crops of up to two seconds."""
    learning_rate: float = 2e-3
    warm_up_steps: int = 1000
    decay_share: float = 0.3
    """Share of the steps, the last ones, over which the learning rate falls to nothing."""
    weight_decay: float = 0.05
    margin: float = 0.2
    margin_steps: tuple[int, int] = (1000, 4000)
    """Between these steps the margin grows from nothing."""
    scale: float = 30.0
    distillation_weight: float = 90.0
    average_decay: float = 0.999
    speeds: tuple[float, ...] = (1.0, 0.9, 1.1)
    """Each speed of a speaker is a class of its own."""
    changed_speeds_from: int = 3000
    """Until this step speed 1 alone is drawn, so that a run can begin while targets of the others are computed."""
    single_share: float = 0.25
    """Share of crops from speakers with one recording."""
    silence_share: float = 0.25
    """Share of crops with silence or room noise before, behind or between what is said."""
    coded_share: float = 0.4
    """Share of the recordings that have a copy that went through a codec."""
    coded_crops: float = 0.6
    """Share of the crops of these recordings that are taken from the copy."""
    teacher_source_weights: dict[str, float] = field(
        default_factory=lambda: {"wuw2": 0.5, "dspspeech20": 0.5, "speech_commands": 0.5, "arabic": 0.5}
    )
    """Distillation weight of sources where the teachers themselves are weak; 1 elsewhere."""
    source_emphasis: dict[str, float] = field(default_factory=lambda: {"wuw2": 2.0})
    """Speakers of a source are drawn so many times as often; sources by the beginning of their name."""
    seed: int = 1
    evaluate_every_minutes: float = 30
    checkpoint_every_minutes: float = 5

    @property
    def decay_from(self) -> int:
        """The step at which the learning rate begins to fall; until then nothing depends on the run's length."""
        return round((1 - self.decay_share) * self.steps)

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, a plateau, and a half cosine to nothing."""
        warm = min(1.0, (step + 1) / max(1, self.warm_up_steps))
        if step < self.decay_from:
            return self.learning_rate * warm
        decayed = (step - self.decay_from) / max(1, self.steps - self.decay_from)
        return self.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * decayed))

    def margin_at(self, step: int) -> float:
        begins, whole = self.margin_steps
        return self.margin * min(1.0, max(0.0, (step - begins) / max(1, whole - begins)))

    def crop_at(self, step: int) -> Crop:
        """The same in every process."""
        shares = np.array([crop.share for crop in self.crops])
        return self.crops[np.random.default_rng([self.seed, step]).choice(len(shares), p=shares / shares.sum())]

    def speeds_at(self, step: int) -> tuple[float, ...]:
        return self.speeds if step >= self.changed_speeds_from else (1.0,)

    def to_dict(self) -> dict:
        return asdict(self)
