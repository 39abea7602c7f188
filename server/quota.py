"""How much of a board's limits a team has used: derived from its entries, never counted up.

Whoever enters something first calls `hold`: of two that enter for one team at once the second then
counts the first one's entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from server.db import one_at_a_time
from server.models import Board, Submission, SubmissionState

GIVEN_BACK = (SubmissionState.REJECTED, SubmissionState.FAILED)
IN_FLIGHT = tuple(state for state in SubmissionState if not state.is_final)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One limit and what is used of it.

    Attributes:
        limit: how many entries there may be; None for any number.
        used: how many there are.
        resets_at: when some of them stop to count; None where nobody can say.
    """

    limit: int | None
    used: int
    resets_at: datetime | None = None

    @property
    def is_used_up(self) -> bool:
        return self.limit is not None and self.used >= self.limit

    @property
    def left(self) -> int | None:
        """Return how many more there may be; None for any number."""
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A team's entries on a board: of this UTC day, of all time, in flight, and given back.

    Rejected and failed entries count as given back within the last hour, and nowhere else.
    """

    daily: Count
    total: Count
    in_flight: Count
    hourly: Count


def hold(session: Session, *, team_id: int) -> None:
    """Keep other entries of a team out until this unit of work ends."""
    one_at_a_time(session, f"entries of team {team_id}")


def quota_of(session: Session, board: Board, *, team_id: int, now: datetime) -> Quota:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + DAY
    today = and_(Submission.created_at >= midnight, Submission.created_at < tomorrow)
    mine = (
        Submission.board_id == board.id,
        Submission.team_id == team_id,
        # Reference runs are the server's own; of a team's weights only the masks are.
        or_(Submission.is_run_here.is_(False), Submission.weights_sha256.is_not(None)),
    )
    total, daily, in_flight = session.execute(
        select(
            func.count(),
            func.count().filter(today),
            func.count().filter(Submission.state.in_(IN_FLIGHT)),
        ).where(*mine, Submission.state.not_in(GIVEN_BACK))
    ).one()
    given_back = session.scalars(
        select(Submission.created_at)
        .where(*mine, Submission.state.in_(GIVEN_BACK), Submission.created_at > now - HOUR)
        .order_by(Submission.created_at.desc())
    ).all()
    return Quota(
        daily=Count(limit=board.daily_limit, used=daily, resets_at=tomorrow),
        total=Count(limit=board.total_limit, used=total),
        in_flight=Count(limit=board.in_flight_limit, used=in_flight),
        hourly=Count(
            limit=board.hourly_limit,
            used=len(given_back),
            resets_at=_has_room_at(given_back, board.hourly_limit),
        ),
    )


def _has_room_at(moments: Sequence[datetime], limit: int | None) -> datetime | None:
    """Return when fewer than the limit are younger than an hour, or one less than there are."""
    if not moments:
        return None
    oldest = len(moments) if limit is None else min(limit, len(moments))
    return moments[oldest - 1] + HOUR
