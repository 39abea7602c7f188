"""Where pixels went, counted from a small table by hand."""

import numpy as np
import pytest

from evaluator import (
    Confusion,
    Fates,
    Overlap,
    category_fates,
    most_called,
    most_confused,
    other_fates,
)

PIXELS = np.array(
    [
        # other, 1, 2, 3, no class
        [50, 4, 0, 1, 2],
        [6, 10, 3, 1, 0],
        [0, 3, 5, 0, 2],
        [0, 0, 0, 7, 0],
    ],
    np.int64,
)
OVERLAP = Overlap(images=np.minimum(PIXELS, 1), pixels=PIXELS)


def test_pairs_of_categories_are_told_largest_first_and_by_id_among_equals() -> None:
    assert most_confused(OVERLAP, limit=9) == (
        Confusion(truth=1, prediction=2, pixels=3, share=3 / 20),
        Confusion(truth=2, prediction=1, pixels=3, share=3 / 10),
        Confusion(truth=1, prediction=3, pixels=1, share=1 / 20),
    )


def test_no_more_pairs_are_told_than_asked_for() -> None:
    assert [pair.truth for pair in most_confused(OVERLAP, limit=2)] == [1, 2]


def test_a_class_is_mostly_called_whatever_wrong_it_was_called_most() -> None:
    assert most_called(OVERLAP) == (
        Confusion(truth=0, prediction=1, pixels=4, share=4 / 57),
        Confusion(truth=1, prediction=0, pixels=6, share=6 / 20),
        Confusion(truth=2, prediction=1, pixels=3, share=3 / 10),
        None,
    )


def test_pixels_of_categories_and_of_other_meet_one_fate_each() -> None:
    assert category_fates(OVERLAP) == Fates(right=22, another_category=7, other=6, no_class=2)
    assert other_fates(OVERLAP) == Fates(right=50, another_category=5, other=0, no_class=2)
    assert category_fates(OVERLAP).total + other_fates(OVERLAP).total == PIXELS.sum()


@pytest.mark.parametrize("classes", [1, 4])
def test_nothing_wrong_is_no_confusion(classes: int) -> None:
    right = np.zeros((classes + 1, classes + 2), np.int64)
    np.fill_diagonal(right, 3)
    overlap = Overlap(images=np.minimum(right, 1), pixels=right)

    assert most_confused(overlap, limit=5) == ()
    assert most_called(overlap) == (None,) * (classes + 1)
