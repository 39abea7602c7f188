"""Ranks: higher is better, equal scores share a rank, what has no score has no rank."""

from collections.abc import Sequence
from math import isnan


def ranks(scores: Sequence[float | None]) -> list[int | None]:
    """Return the competition rank (1, 2, 2, 4) of each score, in the order given.

    Equality is that of the stored numbers, not of their rounded forms. None and NaN never rank.
    """
    numbers = [score for score in scores if score is not None and not isnan(score)]
    first: dict[float, int] = {}
    for place, score in enumerate(sorted(numbers, reverse=True), start=1):
        first.setdefault(score, place)
    return [None if score is None else first.get(score) for score in scores]
