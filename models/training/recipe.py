"""Every number of a training run, in one place."""

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Phase:
    """Crops of one length until `until` (a fraction of the run); `batch` is per process."""

    until: float
    seconds: float
    batch: int


@dataclass(frozen=True)
class Recipe:
    channels: int = 256
    pooled_channels: int = 768
    minutes: float = 75
    """Length of the run; the schedules follow the share of it that has passed."""
    steps: int = 0
    """Where above 0, the run has so many steps and the schedules follow them, not the clock."""
    phases: tuple[Phase, ...] = (Phase(0.5, 1.5, 96), Phase(0.85, 2.0, 72), Phase(1.0, 3.0, 48))
    learning_rate: float = 2e-3
    warm_up: float = 0.06
    weight_decay: float = 0.05
    margin: float = 0.2
    margin_from: float = 0.3
    margin_to: float = 0.65
    scale: float = 30.0
    distillation_weight: float = 45.0
    average_decay: float = 0.998
    speeds: tuple[float, ...] = (1.0, 0.9, 1.1)
    """Each speed of a speaker is a class of its own."""
    single_share: float = 0.25
    """Share of crops from speakers with one recording."""
    teacher_source_weights: dict[str, float] = field(
        default_factory=lambda: {"wuw2": 0.2, "dspspeech20": 0.2, "speech_commands": 0.5, "arabic": 0.5}
    )
    """Distillation weight of sources where the teacher itself is weak; 1 elsewhere."""
    source_emphasis: dict[str, float] = field(default_factory=dict)
    """Speakers of a source are drawn so many times as often; sources by the beginning of their name."""
    seed: int = 1
    evaluate_every_minutes: float = 12
    checkpoint_every_minutes: float = 2

    def to_dict(self) -> dict:
        return asdict(self)
