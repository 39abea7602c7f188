"""Every threshold at once: how well labels agree with validation masks.

Each pixel has an id from 1 and a score; at a threshold it keeps its id if its score is not below.
So one table of pixels by (score, truth, id) and one of images hold the answers for all thresholds.
"""

import numpy as np
from numpy.typing import NDArray

from evaluator import IGNORE, OTHER, matching_from
from evaluator.overlap import Overlap
from reference_model.stages.reading import Ids, Read

THRESHOLDS = np.arange(81) / 100
"""0.00, 0.01, ... 0.80: those that the original tried."""

Table = NDArray[np.int64]


class Sweep:
    """Counts over images; `classes` is C."""

    def __init__(self, classes: int, thresholds: NDArray[np.float64] = THRESHOLDS) -> None:
        self._thresholds = thresholds
        self._classes = classes
        shape = (len(thresholds) + 1, classes + 1, classes + 1)
        # Index [level, truth, id]: at level l, the first l thresholds are not above the score.
        self._pixels: Table = np.zeros(shape, np.int64)
        self._images: Table = np.zeros(shape, np.int64)

    def add(self, truth: Ids, read: Read) -> None:
        """Count an image; ignored pixels are left out."""
        scored = truth != IGNORE
        levels = np.searchsorted(self._thresholds, read.score[scored], side="right")
        cells = np.ravel_multi_index((levels, truth[scored], read.ids[scored]), self._pixels.shape)
        np.add.at(self._pixels.reshape(-1), *np.unique(cells, return_counts=True))
        present = np.unique(truth[scored])
        # An id is in the image up to the level of its highest pixel.
        highest = np.full(self._classes + 1, -1)
        np.maximum.at(highest, read.ids[scored], levels)
        ids = np.flatnonzero(highest >= 0)
        self._images[highest[ids][:, np.newaxis], present, ids[:, np.newaxis]] += 1

    def mious(self) -> NDArray[np.float64]:
        """The validation mIoU at each threshold in percent, matched anew at each."""
        kept_pixels = self._pixels[::-1].cumsum(axis=0)[::-1][1:]
        kept_images = self._images[::-1].cumsum(axis=0)[::-1][1:]
        total = self._pixels.sum(axis=(0, 2))
        return np.array(
            [
                _matched_miou(pixels, images, total)
                for pixels, images in zip(kept_pixels, kept_images, strict=True)
            ]
        )

    def best(self) -> tuple[float, float]:
        """The threshold of the largest mIoU, the lowest of equals, and that mIoU."""
        mious = self.mious()
        index = int(mious.argmax())
        return float(self._thresholds[index]), float(mious[index])


def _matched_miou(pixels: Table, images: Table, total: Table) -> float:
    """The mIoU when generated ids are matched by images.

    Args:
        pixels: kept pixels, index [truth, id], both from 0, ids from 1 in use.
        images: images in which both are, likewise.
        total: pixels of each truth.
    """
    pixels = pixels.copy()
    pixels[:, OTHER] += total - pixels.sum(axis=1)
    no_class = np.zeros((len(pixels), 1), np.int64)
    overlap = Overlap(images=np.hstack([images, no_class]), pixels=np.hstack([pixels, no_class]))
    mapped = matching_from(overlap).match.categories
    confusion = np.zeros_like(pixels)
    for generated, category in mapped.items():
        confusion[:, category] = pixels[:, generated]
    hit = np.diagonal(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hit
    return float(100 * np.mean(hit / np.maximum(union, 1)))
