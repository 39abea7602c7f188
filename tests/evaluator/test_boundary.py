import numpy as np
import pytest
from hypothesis import given

from evaluator.label_map import half_width
from tests.support.masks import Pair, boundary_of, pairs
from tests.support.oracles import is_boundary


@given(pairs())
def test_agrees_with_looking_at_every_window(pair: Pair) -> None:
    for plane in pair:
        rows = plane.tolist()
        height, width = plane.shape

        expected = [[is_boundary(rows, y, x) for x in range(width)] for y in range(height)]
        np.testing.assert_array_equal(boundary_of(plane), expected)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (1, 1, 1),
        (375, 500, 19),  # 18.75
        (30, 40, 2),  # 1.5, a half goes to the even number
        (90, 120, 4),  # 4.5
        (1500, 2000, 75),
    ],
)
def test_the_window_grows_with_the_diagonal(height: int, width: int, expected: int) -> None:
    assert half_width(height, width) == expected


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_change_of_labels_does_not_move_it(kind: type[np.unsignedinteger]) -> None:
    labels = np.zeros((60, 80), kind)
    labels[20:40, 30:50] = 3

    np.testing.assert_array_equal(boundary_of(labels), boundary_of(labels * 50))
