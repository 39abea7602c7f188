"""Which points of two crops are the same point of the image.

A crop is a rectangle in pixels of the source image, as (left, top, width, height, mirrored). Points
within a crop are given as `torch.nn.functional.grid_sample` wants them with align_corners=False:
x to the right and y down, -1 and 1 on the crop's edges, mirrored with the crop.
"""

import numpy as np
from numpy.typing import NDArray

NOWHERE = -2.0
"""Stands for both coordinates where crops do not overlap: whoever samples there gets zeros."""


def shared_points(
    crop_1: NDArray[np.integer], crop_2: NDArray[np.integer], *, side: int
) -> NDArray[np.float32]:
    """A grid of points that spans the overlap of two crops, its edges included.

    Args:
        crop_1: left, top, width, height, mirrored: shape (5,).
        crop_2: likewise.
        side: points along each side of the overlap.

    Returns:
        The points within crop 1 and within crop 2, shape (2, side, side, 2): row, column, (x, y).
    """
    crops = np.stack([crop_1, crop_2]).astype(np.float64)
    starts, sizes, mirrored = crops[:, :2], crops[:, 2:4], crops[:, 4] > 0
    first, last = starts.max(axis=0), (starts + sizes).min(axis=0)
    if (last <= first).any():
        return np.full((2, side, side, 2), NOWHERE, np.float32)
    shares = np.linspace(0, 1, side)[:, np.newaxis]
    points = first + shares * (last - first)  # x and y along the overlap, shape (side, 2)
    within = 2 * (points - starts[:, np.newaxis]) / sizes[:, np.newaxis] - 1
    within[mirrored, :, 0] *= -1
    grids = np.empty((2, side, side, 2), np.float32)
    grids[..., 0] = within[:, np.newaxis, :, 0]
    grids[..., 1] = within[:, :, np.newaxis, 1]
    return grids
