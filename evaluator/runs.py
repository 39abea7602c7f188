"""Runs: stretches of equal pixels, row after row.

Masks have few edges: most work can be done once per run and not once per pixel.
"""

import numpy as np
from numpy.typing import NDArray


def run_starts(changes: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where runs begin, the first at 0.

    Args:
        changes: whether each pixel but the first differs from the one before it.
    """
    starts_here = np.zeros(-(-(changes.size + 1) // 8) * 8, np.bool_)
    starts_here[0] = True
    starts_here[1 : changes.size + 1] = changes
    # Eight pixels at a time, as most words hold nothing: edges stand where a processor does not
    # guess them, and a search pixel by pixel stumbles over each.
    words = starts_here.view(np.uint64)
    hits = np.flatnonzero(words != 0)
    inside = np.flatnonzero(words[hits].view(np.bool_))
    starts: NDArray[np.intp] = hits[inside >> 3]
    starts *= 8
    inside &= 7
    starts += inside
    return starts


def run_lengths(starts: NDArray[np.intp], pixels: int) -> NDArray[np.intp]:
    """Pixels in each run, of `pixels` in all."""
    lengths = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1] = pixels - starts[-1]
    return lengths
