import pytest

from server.clock import in_utc


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-31", "2027-01-31T00:00:00+00:00"),
        ("2027-01-31 12:00", "2027-01-31T12:00:00+00:00"),
        ("2027-01-31 12:00 UTC", "2027-01-31T12:00:00+00:00"),
        ("2027-01-31T12:00:05Z", "2027-01-31T12:00:05+00:00"),
        ("2027-01-31T00:30+01:00", "2027-01-30T23:30:00+00:00"),
    ],
)
def test_a_time_is_in_utc_unless_it_names_a_zone(text: str, moment: str) -> None:
    assert in_utc(text).isoformat() == moment


@pytest.mark.parametrize(
    "text", ["", "UTC", "tomorrow", "2027-02-30", "12:00", "0001-01-01T00:00+23:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # as fromisoformat does
        in_utc(text)
