"""Training, whatever is trained: steps, losses, checkpoints, and an end in good order.

The loop knows neither the network nor the objective: a `Learner` brings both.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from reference_model.engine.checkpoints import Checkpoints, Trained
from reference_model.engine.errors import Diverged, Interrupted
from reference_model.engine.losses import LossLog
from reference_model.engine.processes import Processes, stop_requests
from reference_model.engine.progress import Progress
from reference_model.engine.run_dir import StageDir, Status

TOTAL = "total"
"""The term that is minimised."""

Losses = Mapping[str, Tensor]
"""Terms by name, `TOTAL` among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """What is trained, and how one step of it goes."""

    trained: Trained
    compute: Callable[[Any, int], Losses]
    """From a batch and the number of the step, from 0, to its losses."""
    rate: Callable[[int], float]
    """Learning rate of a step."""
    before: Callable[[int], None] = lambda _: None
    """Called before the forward pass."""
    adjust: Callable[[int], None] = lambda _: None
    """Called between the backward pass and the optimiser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often what is not training happens; none of it changes a result."""

    log_steps: int = 1
    checkpoint_seconds: float = 120.0
    stop_after: int | None = None
    """Steps after which to stop as if told to; for trying out resumption."""


@dataclass(slots=True)
class _Pace:
    """Time per step since this process began."""

    begun: float = field(default_factory=time.monotonic)
    steps: int = 0

    def left(self, steps: int) -> float | None:
        if self.steps == 0:
            return None
        return round((time.monotonic() - self.begun) / self.steps * steps, 1)


def train(
    learner: Learner,
    batches: Callable[[int, int], Iterable[Any]],
    *,
    steps: int,
    stage: StageDir,
    processes: Processes,
    rhythm: Rhythm,
) -> None:
    """Take `steps` steps, from the newest checkpoint on.

    Args:
        batches: given the first step and the one after the last, the batches of these steps.

    Raises:
        Diverged: a loss is not finite.
        Interrupted: the process was told to end; a checkpoint is there.
    """
    checkpoints = Checkpoints(stage.folder, processes)
    first = checkpoints.load(learner.trained)
    log = LossLog(stage, first)
    saved, pace = time.monotonic(), _Pace()
    with stop_requests() as request, Progress(stage, steps, processes) as progress:
        for step, batch in enumerate(batches(first, steps), start=first):
            losses = take_step(learner, batch, step)
            pace.steps += 1
            taken = step + 1
            heard = taken % rhythm.log_steps == 0 or taken == steps
            if heard:
                values = _values(losses, processes)
                if not torch.isfinite(values[TOTAL]):
                    raise Diverged(stage.name, step)
                log.add(taken, {name: value.item() for name, value in values.items()})
                progress.show(taken, log.latest, pace.left(steps - taken))
            told = request.received is not None or taken == rhythm.stop_after
            if (heard or processes.ranks == 1) and processes.any(here=told) and taken < steps:
                checkpoints.save(learner.trained, taken)
                raise Interrupted(f"Stopped in {stage.name} after step {taken}")
            if heard and processes.any(here=time.monotonic() - saved > rhythm.checkpoint_seconds):
                checkpoints.save(learner.trained, taken)
                saved = time.monotonic()
    checkpoints.save(learner.trained, steps)
    log.plot()
    stage.run.report(Status(state="running", stage=stage.name, step=steps, steps=steps))


def take_step(learner: Learner, batch: Any, step: int) -> Losses:
    """Take one step; returns its losses, as they were before it."""
    optimizer = learner.trained.optimizer
    rate = learner.rate(step)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_share", 1.0)
    learner.before(step)
    losses = learner.compute(batch, step)
    optimizer.zero_grad(set_to_none=True)
    losses[TOTAL].backward()
    learner.adjust(step)
    optimizer.step()
    return losses


def _values(losses: Losses, processes: Processes) -> dict[str, Tensor]:
    """Means over all processes, off the device in one go."""
    stacked = processes.mean(torch.stack([loss.detach().float() for loss in losses.values()]))
    return dict(zip(losses, stacked.cpu(), strict=True))
