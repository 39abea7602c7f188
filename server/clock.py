"""What time it is: an outside thing, so that tests can move it; and times as people write them."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time, aware and in UTC."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """The null twin: shows what it was set to."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


def in_utc(text: str) -> datetime:
    """Read a time such as 2027-01-31T12:00+01:00; UTC where it names no zone, or says so.

    Raises:
        ValueError: it is none, or lies outside of the years that can be written.
    """
    moment = datetime.fromisoformat(text.removesuffix("UTC").rstrip())
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as reason:
        raise ValueError(f"{text!r} is too far away") from reason
