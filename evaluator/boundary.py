"""Boundaries of a label map, all classes in one pass.

A pixel belongs to the boundary of its region when the square window around it is not entirely
that region; what lies outside the image counts as another one. For a pixel whose window lies in
the image that is the same as: the window holds two neighbouring pixels with different labels. So
one map of changes, spread over the window, serves every class at once.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluator.protocol import BOUNDARY_RATIO

LabelPlane = NDArray[np.unsignedinteger]
"""Small numbers per pixel, shape (height, width): uint8 or uint16."""


def half_width(height: int, width: int) -> int:
    """Half the width of the boundary window in pixels, at least 1.

    Rounds half to even, as the toolbox (Python) does.
    """
    return max(1, round(BOUNDARY_RATIO * math.sqrt(height**2 + width**2)))


def boundary_of(labels: LabelPlane) -> NDArray[np.uint8]:
    """1 where a pixel lies on the boundary of its region, else 0; shape as `labels`.

    Args:
        labels: any numbers that tell regions apart, shape (height, width).
    """
    height, width = labels.shape
    reach = half_width(height, width)
    boundary = np.ones((height, width), np.uint8)
    if min(height, width) <= 2 * reach:
        return boundary  # every window leaves the image
    # A block is four pixels that touch. A window of 2 * reach + 1 pixels holds 2 * reach blocks
    # each way, and is of one label exactly when all of them are.
    spread = cv2.dilate(_mixed_blocks(labels), np.ones((2 * reach, 2 * reach), np.uint8))
    boundary[reach:-reach, reach:-reach] = spread[reach : height - reach, reach : width - reach]
    return boundary


def _mixed_blocks(labels: LabelPlane) -> NDArray[np.uint8]:
    """1 where the block with this upper left corner holds more than one label.

    Shape (height - 1, width - 1).
    """
    across = labels[:, 1:] != labels[:, :-1]
    down = labels[1:] != labels[:-1]
    # The block's fourth side differs only if another one does.
    mixed = across[:-1]
    mixed |= across[1:]
    mixed |= down[:, :-1]
    blocks: NDArray[np.uint8] = mixed.view(np.uint8)
    return blocks
