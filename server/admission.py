"""Whether a board takes another entry of a team now: its phase, then the team's quota."""

from datetime import datetime
from math import ceil

from sqlalchemy.orm import Session

from server.errors import (
    BoardNotOpen,
    BoardPaused,
    QuotaDaily,
    QuotaHourly,
    QuotaInFlight,
    QuotaTotal,
    QuotaUsed,
)
from server.models import Board, BoardPhase
from server.quota import Count, quota_of

IN_FLIGHT_PAUSE_SECONDS = 60
"""When to ask again for what depends on the queue."""


def check(session: Session, board: Board, *, team_id: int, now: datetime) -> None:
    """Refuse what cannot be entered now.

    Raises:
        BoardNotOpen, BoardPaused: it takes no entries from anybody.
        QuotaUsed: it takes none of this team; of several limits the one that lasts longest.
    """
    check_phase(board, now)
    quota = quota_of(session, board, team_id=team_id, now=now)
    for kind, count, of_what in (
        (QuotaTotal, quota.total, "entries on this board, as many as it may have in all."),
        (QuotaDaily, quota.daily, "entries on this board today."),
        (QuotaHourly, quota.hourly, "entries on this board rejected or failed within an hour."),
        (QuotaInFlight, quota.in_flight, "entries on this board in flight; wait for one of them."),
    ):
        if count.is_used_up:
            raise _used_up(kind, count, of_what, now)


def check_phase(board: Board, now: datetime) -> None:
    """Refuse what no team can enter now.

    Raises:
        BoardNotOpen, BoardPaused: it takes no entries.
    """
    match board.phase_at(now):
        case BoardPhase.PAUSED:
            note = f" {board.note}" if board.note else ""
            raise BoardPaused(f"This board takes no entries at the moment.{note}")
        case BoardPhase.UPCOMING if board.opens_at is not None:
            raise BoardNotOpen(
                f"This board opens at {_spoken(board.opens_at)}.",
                opens_at=_written(board.opens_at),
                retry_after_seconds=_seconds_until(board.opens_at, now),
            )
        case _:
            return


def _used_up(kind: type[QuotaUsed], count: Count, of_what: str, now: datetime) -> QuotaUsed:
    details: dict[str, object] = {"limit": count.limit, "used": count.used, "resets_at": None}
    sentence = f"Your team has {count.used} of {count.limit} {of_what}"
    if count.resets_at is not None:
        sentence += f" There is room again at {_spoken(count.resets_at)}."
        details["resets_at"] = _written(count.resets_at)
        details["retry_after_seconds"] = _seconds_until(count.resets_at, now)
    elif kind is QuotaInFlight:
        details["retry_after_seconds"] = IN_FLIGHT_PAUSE_SECONDS
    return kind(sentence, **details)


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, ceil((moment - now).total_seconds()))


def _spoken(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
