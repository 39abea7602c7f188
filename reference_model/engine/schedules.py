"""Learning rates as functions of the step."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosine:
    """Linear warm-up, then half a cosine from `base` to `final`."""

    base: float
    final: float
    steps: int
    """Of the whole training."""
    warmup: int = 0
    """Steps of the warm-up."""
    start: float = 0.0
    """Rate of the first warm-up step."""

    def __call__(self, step: int) -> float:
        """The rate of a step, from 0."""
        if step < self.warmup:
            return self.start + (self.base - self.start) * step / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.final + 0.5 * (self.base - self.final) * (1 + math.cos(math.pi * progress))


def momentum_share(step: int, steps: int, *, first: float = 0.99) -> float:
    """How much of itself a momentum network keeps: from `first` to 1 along a cosine."""
    return 1 - (1 - first) * (1 + math.cos(math.pi * step / steps)) / 2
