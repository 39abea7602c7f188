"""Assignments of a batch, with the help of a queue once it counts."""

from torch import Tensor

from reference_model.engine.processes import Processes
from reference_model.objectives.queue import EmbeddingQueue
from reference_model.objectives.swapped import ASSIGNED_CROPS, Assignment, assignments


class Targets:
    """The queue of this process, and from which step on it is filled.

    Args:
        queue: embeddings over all processes; 0 for no queue.
        batch: images of this process in a step.
        first_step: from which on embeddings are queued; they count when the queue is full.
    """

    def __init__(
        self,
        settings: Assignment,
        *,
        queue: int,
        batch: int,
        dimension: int,
        first_step: int,
        processes: Processes,
    ) -> None:
        self._settings, self._batch, self._first_step = settings, batch, first_step
        self.queue: EmbeddingQueue | None = None
        if queue:
            self.queue = EmbeddingQueue(
                length=queue // processes.ranks, batch=batch, dimension=dimension
            ).to(processes.device)

    def of(self, embeddings: Tensor, scores: Tensor, prototypes: Tensor, step: int) -> list[Tensor]:
        """Targets of the assigned crops; afterwards their embeddings are queued."""
        queued = None
        if self.queue is not None and step >= self._first_step + self.queue.steps_to_fill:
            queued = self.queue.scores(prototypes)
        targets = assignments(scores, batch=self._batch, settings=self._settings, queued=queued)
        if self.queue is not None and step >= self._first_step:
            self.queue.push(embeddings[: ASSIGNED_CROPS * self._batch])
        return targets

    @property
    def state(self) -> dict[str, EmbeddingQueue]:
        """What a checkpoint must hold."""
        return {"queue": self.queue} if self.queue is not None else {}
