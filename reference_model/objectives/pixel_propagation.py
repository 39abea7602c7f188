"""Pixel-to-propagation consistency (PixPro), the pixel term of PASS-p.

A position of one view, smoothed over its like by the propagation module, must agree with the
positions of the other view that lie near it in the image. Shape letters: B images, D channels,
N positions of a map (its rows one after the other).
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def near_pairs(boxes_1: Tensor, boxes_2: Tensor, *, side: int, threshold: float) -> Tensor:
    """Which positions of two views are the same place, shape (B, N, N), boolean.

    Args:
        boxes_1: corners x0, y0, x1, y1 of each image's view in any common unit, shape (B, 4); a
            mirrored view has x0 > x1.
        boxes_2: likewise.
        side: positions along each side of the map, N = side * side.
        threshold: largest distance of two positions, in diagonals of the larger position.
    """
    centres = [_centres(boxes, side) for boxes in (boxes_1, boxes_2)]
    diagonals = torch.stack([_diagonal(boxes, side) for boxes in (boxes_1, boxes_2)])
    distances = torch.cdist(centres[0], centres[1], compute_mode="donot_use_mm_for_euclid_dist")
    return torch.lt(distances / diagonals.amax(dim=0)[:, None, None], threshold)


def propagation_loss(
    online: tuple[Tensor, Tensor], targets: tuple[Tensor, Tensor], positive_BNN: Tensor
) -> Tensor:
    """The loss of both directions, in [-4, 4], smaller is better.

    Args:
        online: propagated maps of view 1 and view 2, shape (B, D, H, W).
        targets: maps of the momentum network, which get no gradient.
        positive_BNN: as `near_pairs` returns it; an image without a pair adds 0.

    Source: Xie et al., arXiv:2011.10043, equation 5, with the factor 2 of the published code.
    """
    forward = _consistency(online[0], targets[1], positive_BNN)
    backward = _consistency(online[1], targets[0], positive_BNN.transpose(1, 2))
    return -2 * (forward + backward)


def _consistency(online: Tensor, target: Tensor, positive_BNN: Tensor) -> Tensor:
    """Mean over images of the mean cosine over positive pairs."""
    cosines = _directions(online) @ _directions(target.detach()).transpose(1, 2)
    pairs = positive_BNN.sum(dim=(1, 2))
    return ((cosines * positive_BNN).sum(dim=(1, 2)) / (pairs + 1e-6)).mean()


def _directions(maps: Tensor) -> Tensor:
    return normalize(maps.float(), dim=1).flatten(2).transpose(1, 2)


def _centres(boxes: Tensor, side: int) -> Tensor:
    """Both coordinates of each position's centre, shape (B, N, 2)."""
    shares = (torch.arange(side, device=boxes.device) + 0.5) / side
    starts, extents = boxes[:, None, :2].float(), (boxes[:, 2:] - boxes[:, :2])[:, None].float()
    rows, columns = torch.meshgrid(shares, shares, indexing="ij")
    return starts + extents * torch.stack([columns, rows], dim=-1).view(1, -1, 2)


def _diagonal(boxes: Tensor, side: int) -> Tensor:
    """Length of one position's diagonal, shape (B,)."""
    extents = (boxes[:, 2:] - boxes[:, :2]).float()
    return torch.hypot(extents[:, 0], extents[:, 1]) / side
