"""One image's labels in small numbers, ready to be counted.

An image holds few of the ids that there are. A label map keeps a table of those that occur, each
with and without the boundary bit, and per pixel only an index into that table: mostly one byte.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.boundary import LabelPlane, boundary_of
from evaluator.masks import IdArray
from evaluator.protocol import MAX_GENERATED_ID

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


def label_map(ids: IdArray, classes_of: NDArray[np.uint16] | None = None) -> LabelMap:
    """The label map of ids, shape (height, width), with its boundaries.

    Args:
        ids: values 0..65535.
        classes_of: what each of the 65 536 ids stands for; boundaries are found after it.
    """
    starts, lengths = _runs(ids)
    run_ids = ids.reshape(-1)[starts]
    labels = run_ids if classes_of is None else classes_of[run_ids]
    seen = np.zeros(MAX_GENERATED_ID + 1, bool)
    seen[labels] = True
    present = np.flatnonzero(seen).astype(np.uint16)
    # A cell is twice the id's place among those present, plus one on a boundary.
    places = np.empty(MAX_GENERATED_ID + 1, cell_type(2 * len(present)))
    places[present] = np.arange(0, 2 * len(present), 2)
    cells = np.repeat(places[labels], lengths).reshape(ids.shape)
    cells |= boundary_of(cells)
    return LabelMap(
        cells=cells,
        ids=np.repeat(present, 2),
        on_boundary=np.tile(np.array([False, True]), len(present)),
    )


def count_cells(truth: LabelMap, prediction: LabelMap) -> NDArray[np.int64]:
    """Pixels per pair of table rows, shape (truth rows, prediction rows)."""
    rows, columns = len(truth.ids), len(prediction.ids)
    starts, lengths = _runs(truth.cells, prediction.cells)
    pairs = truth.cells.reshape(-1)[starts].astype(np.intp)
    pairs *= columns
    pairs += prediction.cells.reshape(-1)[starts]
    # bincount adds in float64, which is exact below 2**53.
    counts = np.bincount(pairs, lengths, minlength=rows * columns)
    return counts.astype(np.int64).reshape(rows, columns)


def _runs(*planes: LabelPlane) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and lengths of the longest stretches, row after row, in which no plane changes.

    Labels come in stretches of many pixels, so most work can be done once for each of them.
    """
    changes = np.zeros(planes[0].size - 1, bool)
    for plane in planes:
        flat = plane.reshape(-1)
        changes |= flat[1:] != flat[:-1]
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    return starts, np.diff(starts, append=planes[0].size)
