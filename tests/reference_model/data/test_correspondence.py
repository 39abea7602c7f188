import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_model.data.correspondence import NOWHERE, shared_points

crops = st.tuples(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 1),
)


def in_image(crop: tuple[int, ...], x: float, y: float) -> tuple[float, float]:
    """Go back from a point within a crop to the image, one number at a time."""
    left, top, width, height, mirrored = crop
    x = -x if mirrored else x
    return left + (x + 1) / 2 * width, top + (y + 1) / 2 * height


@given(crop_1=crops, crop_2=crops)
def test_both_grids_name_the_same_points_of_the_image(
    crop_1: tuple[int, ...], crop_2: tuple[int, ...]
) -> None:
    grid_1, grid_2 = shared_points(np.array(crop_1), np.array(crop_2), side=4)

    left, top = max(crop_1[0], crop_2[0]), max(crop_1[1], crop_2[1])
    right = min(crop_1[0] + crop_1[2], crop_2[0] + crop_2[2])
    bottom = min(crop_1[1] + crop_1[3], crop_2[1] + crop_2[3])
    if right <= left or bottom <= top:
        assert (grid_1 == NOWHERE).all()
        assert (grid_2 == NOWHERE).all()
        return
    for row in range(4):
        for column in range(4):
            wanted = left + column / 3 * (right - left), top + row / 3 * (bottom - top)
            for crop, grid in ((crop_1, grid_1), (crop_2, grid_2)):
                assert in_image(crop, *grid[row, column]) == pytest.approx(wanted, abs=1e-3)
