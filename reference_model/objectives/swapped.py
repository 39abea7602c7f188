"""Swapped prediction at the level of images (SwAV): each crop predicts the others' assignment.

Rows of `scores` are crop-major: all images of the first crop, then all of the second, and so on.
The first two crops are the large ones, and the only ones that are assigned. Shape letters are
those of `sinkhorn`; V crops.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from reference_model.objectives.sinkhorn import sinkhorn

ASSIGNED_CROPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """How embeddings become targets; defaults of the paper."""

    epsilon: float = 0.05
    iterations: int = 3
    temperature: float = 0.1
    """Of the softmax that predicts, not of the assignment."""


def assignments(
    scores: Tensor, *, batch: int, settings: Assignment, queued: Tensor | None = None
) -> list[Tensor]:
    """Targets of the two assigned crops, each of shape (B, K), without gradient.

    Args:
        scores: shape (V * B, K).
        batch: B.
        queued: scores of earlier embeddings, shape (2, length, K), which take part in the balance.
    """
    targets = []
    for crop, own in enumerate(scores.detach()[: ASSIGNED_CROPS * batch].split(batch)):
        pool = own if queued is None else torch.cat([queued[crop].to(own.dtype), own])
        plan = sinkhorn(pool, temperature=settings.epsilon, iterations=settings.iterations)
        targets.append(plan[-batch:])
    return targets


def cross_entropy(target_BK: Tensor, scores_BK: Tensor, *, temperature: float) -> Tensor:
    """Mean over the batch of -sum_k target * log softmax(scores / temperature)."""
    logs = log_softmax(scores_BK.float() / temperature, dim=1)
    return -(target_BK * logs).sum(dim=1).mean()


def swapped_loss(scores: Tensor, targets: list[Tensor], *, temperature: float) -> Tensor:
    """Every crop predicts the targets of the assigned crops other than itself.

    Args:
        scores: shape (V * B, K), V at least 2.
        targets: as `assignments` returns them.

    Returns:
        The mean over the predicting crops, then over the two targets.
    """
    crops = scores.split(len(targets[0]))
    if len(crops) < ASSIGNED_CROPS:
        raise ValueError(f"at least {ASSIGNED_CROPS} crops are needed, got {len(crops)}")
    # The mean over crops of equal batches is the mean over their rows.
    losses = [
        torch.stack(
            [
                cross_entropy(target, crop, temperature=temperature)
                for other, crop in enumerate(crops)
                if other != assigned
            ]
        ).mean()
        for assigned, target in enumerate(targets)
    ]
    return torch.stack(losses).mean()
