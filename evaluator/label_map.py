"""The labels of one truth mask, as they are packed and counted.

A *label* is twice an id, plus one on the boundary of its region. Masks have few edges: most work
is done once per run of equal pixels and not once per pixel.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evaluator.masks import IdPlane
from evaluator.pixel_passes import runs_of
from evaluator.protocol import BOUNDARY_RATIO


def half_width(height: int, width: int) -> int:
    """Half the width of the boundary window in pixels, at least 1.

    Rounds half to even, as the toolbox (Python) does.
    """
    return max(1, round(BOUNDARY_RATIO * math.sqrt(height**2 + width**2)))


@dataclass(frozen=True, slots=True, eq=False)
class LabelRuns:
    """Ids and boundary bits of one image, as runs of equal pixels, row after row.

    Run i is `lengths[i]` pixels long and has the label `labels[cells[i]]`; `labels` are distinct
    and rise.
    """

    lengths: NDArray[np.uint32]
    cells: NDArray[np.uint16]
    labels: NDArray[np.uint16]

    @classmethod
    def of_mask(cls, ids: IdPlane) -> Self:
        """The runs of a mask, with its boundaries."""
        lengths, of_runs, on_boundary = runs_of(ids, half_width(*ids.shape))
        labels, cells = np.unique(2 * of_runs + on_boundary, return_inverse=True)
        return cls(lengths, cells.astype(np.uint16), labels)
