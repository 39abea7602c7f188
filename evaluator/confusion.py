"""Where the pixels of each class went: what a mIoU does not tell.

Functions of an `Overlap` of the mapped prediction, so that both sides speak of categories.
"""

from dataclasses import dataclass

import numpy as np

from evaluator.overlap import Overlap, Table
from evaluator.protocol import OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Pixels of one class that were called another."""

    truth: int
    prediction: int
    pixels: int
    share: float
    """Of the scored pixels of the class `truth`, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What became of some pixels, in pixels."""

    right: int
    another_category: int
    """Called a category, and a wrong one."""
    other: int
    """Called "other" although they belong to a category."""
    no_class: int
    """Given an id that is out of range or unmatched."""

    @property
    def total(self) -> int:
        return self.right + self.another_category + self.other + self.no_class


def most_confused(overlap: Overlap, *, limit: int) -> tuple[Confusion, ...]:
    """The pairs of unlike categories with most pixels, at most `limit`, the largest first."""
    wrong = _between_categories(overlap)
    largest = np.argsort(-wrong, axis=None, kind="stable")[:limit]
    pairs = np.transpose(np.unravel_index(largest, wrong.shape)).tolist()
    totals = overlap.pixels.sum(axis=1).tolist()
    return tuple(
        _confusion(wrong, truth, prediction, totals[truth])
        for truth, prediction in pairs
        if wrong[truth, prediction]
    )


def most_called(overlap: Overlap) -> tuple[Confusion | None, ...]:
    """For each class 0..C what most of its pixels were wrongly called, the lowest id among equals.

    A prediction of C + 1 is no class. None where a class has no wrong pixel.
    """
    wrong = overlap.pixels.copy()
    np.fill_diagonal(wrong, 0)
    called = wrong.argmax(axis=1).tolist()
    totals = overlap.pixels.sum(axis=1).tolist()
    return tuple(
        _confusion(wrong, truth, prediction, totals[truth]) if wrong[truth, prediction] else None
        for truth, prediction in enumerate(called)
    )


def category_fates(overlap: Overlap) -> Fates:
    """What became of the pixels that belong to categories."""
    pixels = overlap.pixels[OTHER + 1 :]
    return Fates(
        right=int(np.trace(overlap.category_pixels())),
        another_category=int(_between_categories(overlap).sum()),
        other=int(pixels[:, OTHER].sum()),
        no_class=int(pixels[:, -1].sum()),
    )


def other_fates(overlap: Overlap) -> Fates:
    """What became of the pixels that belong to no category; none of them can be missed."""
    pixels = overlap.pixels[OTHER]
    return Fates(
        right=int(pixels[OTHER]),
        another_category=int(pixels[OTHER + 1 : -1].sum()),
        other=0,
        no_class=int(pixels[-1]),
    )


def _between_categories(overlap: Overlap) -> Table:
    """Pixels by [truth, prediction] as in the overlap, but 0 unless both are unlike categories."""
    pixels = overlap.pixels.copy()
    pixels[OTHER] = pixels[:, OTHER] = pixels[:, -1] = 0
    np.fill_diagonal(pixels, 0)
    return pixels


def _confusion(pixels: Table, truth: int, prediction: int, total: int) -> Confusion:
    count = int(pixels[truth, prediction])
    return Confusion(truth=truth, prediction=prediction, pixels=count, share=count / total)
