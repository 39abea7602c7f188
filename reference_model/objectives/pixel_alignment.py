"""Agreement of two views at the positions that they share.

Three ways, of which the first is PASS's own and the others are what the paper compares it with:
non-contrastive (each view predicts the other), contrastive (other positions are pushed away) and
clustering (swapped prediction of prototypes at every position).

Both views come sampled at the same N points, see `reference_model.data.correspondence`; the first
half of a batch is view 1. Pairs of views that do not overlap arrive as zeros.
"""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy, normalize

from reference_model.objectives import swapped


def alignment_loss(predictions: Tensor, projections: Tensor) -> Tensor:
    """Non-contrastive alignment, in [-1, 1], smaller is better.

    The mean over images and positions of the cosine between what one view predicts and what the
    other is, which gets no gradient; both directions count half. A pair that does not overlap
    adds 0 and counts in the mean.

    Args:
        predictions: shape (2 * B, D, H, W).
        projections: likewise; what is predicted.

    Source: Gao et al., arXiv:2106.03149, equation 2, made symmetric as the authors' code does.
    """
    predicted = predictions.float().chunk(2)
    wanted = projections.detach().float().chunk(2)
    directions = [
        cosine_similarity(predicted[0], wanted[1], dim=1).mean(),
        cosine_similarity(predicted[1], wanted[0], dim=1).mean(),
    ]
    return -torch.stack(directions).mean()


def contrastive_loss(projections: Tensor, *, temperature: float) -> Tensor:
    """InfoNCE over the positions of an image: same point positive, other points negative.

    Args:
        projections: shape (2 * B, D, H, W).
        temperature: of the softmax over positions.

    Returns:
        The mean over overlapping pairs, both directions; 0 if no pair overlaps.
    """
    view_1, view_2 = _points(projections)
    overlapping = _overlapping(view_1, view_2)
    if not overlapping.any():
        return projections.sum() * 0
    similar = view_1[overlapping] @ view_2[overlapping].transpose(1, 2) / temperature
    wanted = torch.arange(similar.shape[1], device=similar.device).expand(len(similar), -1)
    directions = [
        cross_entropy(similar.transpose(1, 2), wanted),
        cross_entropy(similar, wanted),
    ]
    return torch.stack(directions).mean()


def clustering_loss(
    projections: Tensor, prototypes_KD: Tensor, *, settings: swapped.Assignment
) -> Tensor:
    """Swapped prediction of prototypes at every shared position.

    Args:
        projections: shape (2 * B, D, H, W).
        prototypes_KD: rows of length 1.

    Pairs that do not overlap have no direction: they take part in the balance as points that are
    equally far from everything, so that all ranks bring equally many.
    """
    points = torch.cat(_points(projections)).flatten(0, 1)
    scores = points @ prototypes_KD.float().T
    targets = swapped.assignments(scores, batch=len(scores) // 2, settings=settings)
    return swapped.swapped_loss(scores, targets, temperature=settings.temperature)


def _points(projections: Tensor) -> tuple[Tensor, Tensor]:
    """Both views as directions of shape (B, N, D)."""
    directions = normalize(projections.float(), dim=1).flatten(2).transpose(1, 2)
    view_1, view_2 = directions.chunk(2)
    return view_1, view_2


def _overlapping(view_1: Tensor, view_2: Tensor) -> Tensor:
    """Which of the pairs share something, shape (B,)."""
    return view_1.flatten(1).any(dim=1) & view_2.flatten(1).any(dim=1)
