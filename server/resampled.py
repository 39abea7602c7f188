"""Resampled scores: how they are packed, and what two entries' values say of their difference.

All entries under one truth were scored on the same resamples of its images, so the difference of
two of them in the k-th resample is a subtraction. The formulas are those of the scorer's
METRICS.md; a test compares the two.

A score's values are packed as 32-bit little-endian floats, 4 kB for 1 000 resamples; that rounds
them by less than 0.00001 percent points. NaN: a resample that has no object of that size.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor

CONFIDENCE = 0.95
FLOAT = "f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One score of two entries, in percent; ``difference`` is a - b, so negative if b is better.

    ``low`` and ``high`` are the 95 % interval of the difference; ``b_wins`` is the share of
    resamples, 0..1, in which b is better, those in which both are equal counting half.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    b_wins: float

    @property
    def is_tie(self) -> bool:
        """Whether the resamples cannot tell the two apart."""
        return self.low <= 0 <= self.high


def packed(values: Iterable[float]) -> bytes:
    numbers: array[float] = array(FLOAT, values)
    return _little_endian(numbers).tobytes()


def unpacked(data: bytes) -> Sequence[float]:
    values: array[float] = array(FLOAT)
    values.frombytes(data)
    return _little_endian(values)


def difference(
    a: float, b: float, resampled_a: Sequence[float], resampled_b: Sequence[float]
) -> Difference | None:
    """Compare one score of two entries; None where no resample has it of both.

    Raises:
        ValueError: the two were not scored on the same number of resamples.
    """
    both = zip(resampled_a, resampled_b, strict=True)
    gaps = sorted(gap for x, y in both if (gap := x - y) == gap)  # NaN is not
    if not gaps:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = (2 * (a - b) - _quantile(gaps, share) for share in (1 - tail, tail))
    return Difference(
        a=a,
        b=b,
        difference=a - b,
        low=min(100.0, max(-100.0, low)),
        high=min(100.0, max(-100.0, high)),
        b_wins=(sum(gap < 0 for gap in gaps) + sum(gap == 0 for gap in gaps) / 2) / len(gaps),
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of sorted values lies, linear between two of them."""
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _little_endian(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
