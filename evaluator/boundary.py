"""Boundaries of a label map, all classes in one pass.

A pixel belongs to the boundary of its region when the square window around it is not entirely
that region; what lies outside the image counts as another one. For a pixel whose window lies in
the image that is the same as: the window holds two neighbouring pixels with different labels. So
one map of changes, spread over the window, serves every class at once.

Planes are handled as one long row. A shift then runs on from the end of a row into the next; what
that spoils lies within reach of the image's sides, where everything is boundary anyway.
"""

import math

import numpy as np
from numpy.typing import NDArray

from evaluator.protocol import BOUNDARY_RATIO

LabelPlane = NDArray[np.unsignedinteger]
"""Small numbers per pixel, shape (height, width)."""

Bytes = NDArray[np.uint8]


def half_width(height: int, width: int) -> int:
    """Half the width of the boundary window in pixels, at least 1.

    Rounds half to even, as the toolbox (Python) does.
    """
    return max(1, round(BOUNDARY_RATIO * math.sqrt(height**2 + width**2)))


def changes_along(plane: LabelPlane) -> NDArray[np.bool_]:
    """Whether each pixel but the first differs from the one before it, row after row."""
    flat = plane.reshape(-1)
    changes: NDArray[np.bool_] = flat[1:] != flat[:-1]
    return changes


def boundary_of(labels: LabelPlane, across: NDArray[np.bool_] | None = None) -> Bytes:
    """1 where a pixel lies on the boundary of its region, else 0; shape as `labels`.

    Args:
        labels: any numbers that tell regions apart, shape (height, width).
        across: their `changes_along`, where it is known already.
    """
    height, width = labels.shape
    reach = half_width(height, width)
    boundary = np.ones((height, width), np.uint8)
    if min(height, width) <= 2 * reach:
        return boundary  # every window leaves the image
    if across is None:
        across = changes_along(labels)
    # A window of 2 * reach + 1 pixels holds 2 * reach blocks of two pixels each way. The result
    # stands at its window's first pixel, `reach` rows and columns before the middle.
    length = 2 * reach
    mixed = _spread(_mixed_blocks(labels, across), length, step=1)
    first = reach * width + reach
    inside = boundary.reshape(-1)[first : first + mixed.size - (length - 1) * width]
    _spread(mixed, length, step=width, out=inside)
    boundary[:, :reach] = 1
    boundary[:, -reach:] = 1
    return boundary


def _mixed_blocks(labels: LabelPlane, across: NDArray[np.bool_]) -> Bytes:
    """1 where the block of two by two pixels that starts here holds more than one label."""
    width = labels.shape[1]
    flat = labels.reshape(-1)
    down = flat[width:] != flat[:-width]
    # The block's fourth side differs only if another one does.
    mixed = across[:-width] | across[width:]
    mixed |= down[:-1]
    bytes_: Bytes = mixed.view(np.uint8)
    return bytes_


def _spread(mixed: Bytes, length: int, *, step: int, out: Bytes | None = None) -> Bytes:
    """1 where any of `length` values is 1, the first of which stands here, each `step` apart.

    Stretches double until two of them, which may overlap, are long enough.
    """
    covered = 1
    while 2 * covered < length:
        mixed = mixed[: -covered * step] | mixed[covered * step :]
        covered *= 2
    shift = (length - covered) * step
    return np.bitwise_or(mixed[:-shift], mixed[shift:], out=out)
