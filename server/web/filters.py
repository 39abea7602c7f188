"""How values look on a page. Numbers are rounded here and nowhere else."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

DASH = "\u2013"


def score(value: float | None) -> str:
    """Show a percentage with two decimals; unknown is a dash."""
    return DASH if value is None else f"{value:.2f}"


def interval(ends: tuple[float, float]) -> str:
    """Show a confidence interval; one decimal is more than it is sure of."""
    return f"[{ends[0]:.1f}, {ends[1]:.1f}]"


def count(value: int) -> str:
    """Show a number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009")


def moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M UTC")


def iso(value: datetime) -> str:
    """Write a moment for programs."""
    return value.isoformat()


def day(value: datetime) -> str:
    return value.strftime("%Y-%m-%d")


def second(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: int) -> str:
    """Show a time that is only known roughly, in the unit that people would say it in."""
    for length, unit in ((3600, "hour"), (60, "minute")):
        if seconds > length:
            amount = -(-seconds // length)
            return f"about {amount} {unit}s"
    return "about a minute" if seconds > 30 else "less than half a minute"  # noqa: PLR2004


def size(value_bytes: int) -> str:
    """Show a number of bytes in the largest unit that leaves at least 1."""
    amount = float(value_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":  # noqa: PLR2004
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError(value_bytes)


def span(seconds: float) -> str:
    """Show a time span in its two largest units; below a minute in seconds alone."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"  # noqa: PLR2004
    minutes, rest_seconds = divmod(whole, 60)
    hours, rest_minutes = divmod(minutes, 60)
    return f"{hours} h {rest_minutes} min" if hours else f"{minutes} min {rest_seconds} s"


FILTERS: dict[str, Callable[[Any], str]] = {
    "score": score,
    "interval": interval,
    "count": count,
    "moment": moment,
    "iso": iso,
    "day": day,
    "second": second,
    "duration": duration,
    "size": size,
    "span": span,
}
