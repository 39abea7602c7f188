"""One image's labels, ready to be counted.

A *label* is twice an id, plus one on the boundary of its region. A label map holds the runs of
equal labels; two maps of one image are counted against each other run by run.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.boundary import boundary_of, changes_along
from evaluator.masks import IdPlane
from evaluator.match_map import ClassTable
from evaluator.runs import run_lengths, run_starts

_MOST_BINS = 2**18
"""Pairs of labels that are counted in a table with a place for each; 2 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Ids and boundary bits of one image.

    Run i begins at pixel `starts[i]`, the first at 0, and has the label `labels[cells[i]]`. No
    two rows of `labels` are equal; a row need not occur.
    """

    starts: NDArray[np.intp]
    cells: NDArray[np.integer]
    labels: NDArray[np.integer]
    shape: tuple[int, int]

    def label_plane(self) -> NDArray[np.integer]:
        """Labels per pixel, shape (height, width)."""
        lengths = run_lengths(self.starts, math.prod(self.shape))
        return np.repeat(self.labels[self.cells], lengths).reshape(self.shape)


def label_map(ids: IdPlane, table: ClassTable | None = None) -> LabelMap:
    """The label map of a mask, with its boundaries.

    Args:
        table: what each id stands for; boundaries are found after it.
    """
    changes = changes_along(ids)
    boundary = boundary_of(ids, changes)
    changes |= changes_along(boundary)
    starts = run_starts(changes)
    values = ids.reshape(-1)[starts]
    if table is not None:
        if values.max() >= table.distinct:  # two ids may stand for one class and form one region
            return label_map(_classes_of(ids, table))
        values = table.classes[values]
    cells = np.multiply(values, 2, dtype=np.intp)
    cells += boundary.reshape(-1)[starts]
    return LabelMap(starts=starts, cells=cells, labels=np.arange(cells.max() + 1), shape=ids.shape)


def _classes_of(ids: IdPlane, table: ClassTable) -> IdPlane:
    """What the ids stand for, pixel by pixel."""
    starts = run_starts(changes_along(ids))
    classes = table.classes[ids.reshape(-1)[starts]]
    return np.repeat(classes, run_lengths(starts, ids.size)).reshape(ids.shape)


def count_labels(
    truth: LabelMap, prediction: LabelMap
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.int64]]:
    """Labels of truth and prediction that share pixels, and how many; shapes (pairs,)."""
    # Both lists of starts are sorted, so sorting them stably is one merge. Where two runs begin at
    # one pixel, the truth's comes first and ends at once.
    starts = np.concatenate((truth.starts, prediction.starts))
    order = np.argsort(starts, kind="stable")
    lengths = run_lengths(starts[order], math.prod(truth.shape))
    begun = np.cumsum(order >= truth.starts.size)
    columns = len(prediction.labels)
    pairs = truth.cells[np.arange(order.size) - begun].astype(np.intp)
    pairs *= columns
    pairs += prediction.cells[begun - 1]
    if len(truth.labels) * columns <= _MOST_BINS:
        # bincount adds in float64, which is exact below 2**53.
        counts = np.bincount(pairs, lengths)
        found = np.flatnonzero(counts)
        pixels = counts[found]
    else:
        found, inverse = np.unique(pairs[lengths > 0], return_inverse=True)
        pixels = np.bincount(inverse, lengths[lengths > 0])
    row, column = np.divmod(found, columns)
    return truth.labels[row], prediction.labels[column], pixels.astype(np.int64)
