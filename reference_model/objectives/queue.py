"""Embeddings of earlier steps, which make up for batches that are small beside the prototypes."""

import torch
from torch import Tensor, nn

from reference_model.objectives.swapped import ASSIGNED_CROPS


class EmbeddingQueue(nn.Module):
    """One queue for each assigned crop, the newest embeddings in front.

    A module for its buffer's sake: it travels to the device and into checkpoints.

    Args:
        length: embeddings kept by this process, rounded down to whole batches.
        batch: embeddings that arrive in one step.
        dimension: of an embedding.
    """

    embeddings: Tensor

    def __init__(self, *, length: int, batch: int, dimension: int) -> None:
        super().__init__()
        if length < batch:
            raise ValueError(f"a queue of {length} embeddings does not hold a batch of {batch}")
        self._batch = batch
        whole = length - length % batch
        self.register_buffer("embeddings", torch.zeros(ASSIGNED_CROPS, whole, dimension))

    @property
    def steps_to_fill(self) -> int:
        """Pushes after which every place holds an embedding: before, scores mean nothing."""
        return self.embeddings.shape[1] // self._batch

    @torch.no_grad()
    def scores(self, prototypes_KD: Tensor) -> Tensor:
        """Similarities of what is queued, shape (2, length, K)."""
        return self.embeddings @ prototypes_KD.detach().to(self.embeddings.dtype).T

    @torch.no_grad()
    def push(self, embeddings: Tensor) -> None:
        """Put the assigned crops of a batch in front; as many of the oldest fall out.

        Args:
            embeddings: crop-major, shape (at least 2 * B, D).
        """
        batch = len(embeddings) // ASSIGNED_CROPS
        new = embeddings.detach().to(self.embeddings.dtype).view(ASSIGNED_CROPS, batch, -1)
        self.embeddings = torch.cat([new, self.embeddings[:, :-batch]], dim=1)
