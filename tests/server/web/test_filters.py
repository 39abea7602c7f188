from datetime import UTC, datetime

import pytest

from server.web import filters


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, filters.DASH), (0.0, "0.00"), (36.297142, "36.30"), (100.0, "100.00")],
)
def test_scores_show_two_decimals_and_the_unknown_is_a_dash(
    value: float | None, shown: str
) -> None:
    assert filters.score(value) == shown


def test_intervals_show_both_ends() -> None:
    assert filters.interval((31.64, 35.25)) == "[31.6, 35.2]"


@pytest.mark.parametrize(("value", "shown"), [(7, "7"), (1234567, "1\u2009234\u2009567")])
def test_numbers_are_grouped_by_thousands(value: int, shown: str) -> None:
    assert filters.count(value) == shown


@pytest.mark.parametrize(
    ("value_bytes", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2_500_000, "2.5 MB")],
)
def test_sizes_take_the_unit_that_fits(value_bytes: int, shown: str) -> None:
    assert filters.size(value_bytes) == shown


def test_a_day_is_that_of_utc() -> None:
    assert filters.day(datetime(2026, 11, 20, 23, 59, tzinfo=UTC)) == "2026-11-20"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "less than half a minute"),
        (31, "about a minute"),
        (61, "about 2 minutes"),
        (3600, "about 60 minutes"),
        (3601, "about 2 hours"),
    ],
)
def test_durations_are_told_roughly(seconds: int, shown: str) -> None:
    assert filters.duration(seconds) == shown
