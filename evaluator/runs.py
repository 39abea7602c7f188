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
    edges = np.flatnonzero(changes)
    starts = np.zeros(edges.size + 1, np.intp)
    np.add(edges, 1, out=starts[1:])
    return starts


def run_lengths(starts: NDArray[np.intp], pixels: int) -> NDArray[np.intp]:
    """Pixels in each run, of `pixels` in all."""
    lengths = np.empty_like(starts)
    np.subtract(starts[1:], starts[:-1], out=lengths[:-1])
    lengths[-1] = pixels - starts[-1]
    return lengths
