"""Deep-to-shallow supervision: a shallow stage predicts what the deep one assigned."""

import torch
from torch import Tensor

from reference_model.objectives.swapped import cross_entropy


def deep_to_shallow_loss(
    shallow_scores: Tensor, targets: list[Tensor], *, temperature: float
) -> Tensor:
    """Each view of a shallow stage predicts the deep assignment of the other view.

    Args:
        shallow_scores: view-major, shape (2 * B, K), against prototypes without gradient: the
            shallow stage learns from the categories and does not move them.
        targets: of the two views, each of shape (B, K), from the deepest stage.
    """
    views = shallow_scores.split(len(targets[0]))
    losses = [
        cross_entropy(target, view, temperature=temperature)
        for target, view in zip(targets, reversed(views), strict=True)
    ]
    return torch.stack(losses).mean()
