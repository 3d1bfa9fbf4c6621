"""What every teacher is: a public encoder of windows, whose embeddings are targets for distillation.

Teachers are dependencies of training only: nothing of them is in a bundle.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from .published import Published


def unit(x: np.ndarray) -> np.ndarray:
    return x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9)


class Teacher(nn.Module, ABC):
    """Called with the windows of recordings, gives unit embeddings float32[W, dim]."""

    name: ClassVar[str]
    dim: ClassVar[int]
    window: ClassVar[int]
    """Samples a window covers, at 16 kHz."""
    batch: ClassVar[int]
    """Windows that are embedded at once."""
    weights: ClassVar[Published]

    @classmethod
    @abstractmethod
    def load(cls) -> "Teacher":
        """The published weights, in eval mode."""

    @classmethod
    @abstractmethod
    def starts(cls, samples: int) -> np.ndarray:
        """int64[W]: the sample at which each window of a recording begins."""

    @abstractmethod
    def windows(self, wave: np.ndarray) -> Tensor:
        """int16 samples -> float32[W, ...], what the encoder sees of each window."""
