"""Packed values, and differences: the same as the scorer's own."""

import struct
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator import uncertainty
from server import resampled
from server.resampled import difference, packed, unpacked

percentages = st.floats(0, 100, width=32)


@given(st.lists(percentages, min_size=1))
def test_values_come_back_as_they_were_packed(values: list[float]) -> None:
    assert list(unpacked(packed(values))) == values


def test_values_are_packed_in_four_little_endian_bytes_each() -> None:
    assert packed([1.5, -2.0]) == struct.pack("<2f", 1.5, -2.0)


@given(
    st.lists(
        st.tuples(percentages | st.just(nan), percentages | st.just(nan)), min_size=1, max_size=50
    ),
    percentages,
    percentages,
)
def test_differences_are_those_of_the_scorer(
    values: list[tuple[float, float]], a: float, b: float
) -> None:
    of_a, of_b = (np.array(column) for column in zip(*values, strict=True))
    found = difference(a, b, list(of_a), list(of_b))
    gaps = of_a - of_b

    if np.isnan(gaps).all():
        assert found is None
        return
    assert found is not None
    expected = uncertainty.basic_interval(a - b, gaps, limits=(-100, 100))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    known = gaps[~np.isnan(gaps)]
    assert found.b_wins == pytest.approx(np.mean((1 - np.sign(known)) / 2))
    assert found.is_tie == (found.low <= 0 <= found.high)


def test_both_speak_of_the_same_confidence() -> None:
    assert resampled.CONFIDENCE == uncertainty.CONFIDENCE


def test_entries_of_unlike_resamples_are_not_compared() -> None:
    with pytest.raises(ValueError, match="longer"):
        difference(1.0, 2.0, [1.0], [1.0, 2.0])
