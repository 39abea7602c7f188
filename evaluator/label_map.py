"""One image's labels in small numbers, ready to be counted.

An image holds few of the ids that there are. A label map keeps a table of those that occur, each
with and without the boundary bit, and per pixel only an index into that table: mostly one byte.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.boundary import LabelPlane, boundary_of
from evaluator.masks import IdArray, Runs, stretches
from evaluator.match_map import ClassTable


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
    return np.min_scalar_type(rows - 1)


def label_map(runs: Runs, table: ClassTable | None = None) -> LabelMap:
    """The label map of a mask, with its boundaries.

    Args:
        table: what each id stands for, shape (65536,); boundaries are found after it.
    """
    ids = runs.ids if table is None else table[runs.ids]
    present = np.flatnonzero(np.bincount(ids))
    rows = 2 * len(present)
    # A cell is twice the id's place among those present, plus one on a boundary.
    places = np.empty(present[-1] + 1, cell_type(rows))
    places[present] = np.arange(0, rows, 2)
    cells = np.repeat(places[ids], runs.lengths).reshape(runs.shape)
    cells |= boundary_of(cells)
    return LabelMap(
        cells=cells,
        ids=np.repeat(present, 2).astype(np.uint16),
        on_boundary=np.arange(rows) % 2 == 1,
    )


def count_cells(
    truth: LabelMap, prediction: LabelMap
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Table rows of truth and prediction that share pixels, and how many; shapes (pairs,)."""
    columns = len(prediction.ids)
    most = len(truth.ids) * columns
    pairs = truth.cells.reshape(-1).astype(cell_type(most))
    pairs *= columns
    pairs += prediction.cells.reshape(-1)
    if most <= pairs.size:
        starts, lengths = stretches(pairs[1:] != pairs[:-1])
        # bincount adds in float64, which is exact below 2**53.
        counts = np.bincount(pairs[starts], lengths)
        found = np.flatnonzero(counts)
        pixels = counts[found].astype(np.int64)
    else:  # noise, or an image smaller than its tables: count what is there, not what may be
        found, pixels = np.unique(pairs, return_counts=True)
    row, column = np.divmod(found, columns)
    return row, column, pixels
