"""How truth and prediction overlap over a whole split: one table of images, one of pixels.

What matching and the report of confusions start from. Pixels under `IGNORE` are not in tallies,
and so not here either.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.protocol import OTHER
from evaluator.tally import Tallies, TallyGroup

Table = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Both tables have shape (C + 1, C + 2), index [truth, prediction].

    The last column stands for everything that is no class.
    """

    images: Table
    """Images in which both occur, whether or not they share a pixel."""
    pixels: Table
    """Pixels that have this truth and this prediction."""

    @property
    def classes(self) -> int:
        return len(self.pixels) - 1

    def category_images(self) -> Table:
        """Images by [category, predicted category], ids from 1: "other" and no class left out."""
        return self.images[OTHER + 1 :, OTHER + 1 : -1]

    def category_pixels(self) -> Table:
        """Pixels, likewise."""
        return self.pixels[OTHER + 1 :, OTHER + 1 : -1]


def overlap_of(tallies: Tallies) -> Overlap:
    """The overlap over all images in `tallies`."""
    shape = (tallies.origin.classes + 1, tallies.origin.classes + 2)
    overlap = Overlap(images=np.zeros(shape, np.int64), pixels=np.zeros(shape, np.int64))
    for group in tallies.groups():
        _add(group, overlap)
    return overlap


def _add(group: TallyGroup, overlap: Overlap) -> None:
    """Count a group into both tables, in place: one of them is as large as many a group."""
    pairs = group.truth.astype(np.intp) * overlap.pixels.shape[1] + group.prediction
    np.add.at(overlap.pixels.reshape(-1), pairs, group.pixels.astype(np.int64))
    for start, end in zip(group.starts[:-1], group.starts[1:], strict=True):
        truth, prediction = _ids_in(group.truth[start:end]), _ids_in(group.prediction[start:end])
        overlap.images[truth[:, np.newaxis], prediction] += 1


def _ids_in(column: NDArray[np.uint16]) -> NDArray[np.intp]:
    return np.flatnonzero(np.bincount(column))
