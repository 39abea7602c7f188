"""One image's labels in small numbers, ready to be counted.

An image holds few of the ids that there are. A label map keeps a table of those that occur, each
with the boundary bit, and per pixel only an index into that table: mostly one byte.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.boundary import LabelPlane, boundary_of
from evaluator.masks import IdArray

_MOST_BYTE_CELLS = 256


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Ids and boundary bits of one image.

    `cells` has shape (height, width) and indexes the rows of the table: `ids` and `on_boundary`,
    both of shape (rows,). A row need not occur; no two rows are equal.
    """

    cells: LabelPlane
    ids: NDArray[np.uint16]
    on_boundary: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.cells.shape
        return height, width

    def id_plane(self) -> IdArray:
        """Ids per pixel, shape (height, width)."""
        return np.take(self.ids, self.cells)

    def boundary_plane(self) -> NDArray[np.bool_]:
        """Whether each pixel lies on the boundary of its region, shape (height, width)."""
        return np.take(self.on_boundary, self.cells)


def cell_type(rows: int) -> np.dtype[np.unsignedinteger]:
    """The smallest type that indexes a table of so many rows."""
    return np.dtype(np.uint8) if rows <= _MOST_BYTE_CELLS else np.dtype(np.uint16)


def label_map(ids: IdArray) -> LabelMap:
    """The label map of ids, shape (height, width), with its boundaries."""
    present = np.flatnonzero(np.bincount(ids.reshape(-1)))
    codes = np.zeros(int(present[-1]) + 1, np.uint16)
    codes[present] = np.arange(len(present))
    # Code and boundary bit together: twice the code, plus one on a boundary.
    cells: LabelPlane = np.take(codes.astype(cell_type(2 * len(present))), ids)
    boundary = boundary_of(cells)
    cells *= 2
    cells += boundary
    return LabelMap(
        cells=cells,
        ids=np.repeat(present, 2).astype(np.uint16),
        on_boundary=np.tile(np.array([False, True]), len(present)),
    )


def count_cells(truth: LabelMap, prediction: LabelMap) -> NDArray[np.int64]:
    """Pixels per pair of table rows, shape (truth rows, prediction rows)."""
    rows, columns = len(truth.ids), len(prediction.ids)
    pairs = truth.cells.astype(np.intp)
    pairs *= columns
    pairs += prediction.cells
    return np.bincount(pairs.reshape(-1), minlength=rows * columns).reshape(rows, columns)
