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
        whole = length - length % batch
        self.register_buffer("embeddings", torch.zeros(ASSIGNED_CROPS, whole, dimension))

    def is_full(self) -> bool:
        """Whether the oldest place holds an embedding: until then nothing should be assigned."""
        return bool(self.embeddings[:, -1].any(dim=1).all())

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
