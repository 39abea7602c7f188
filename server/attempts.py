"""How often something may be tried: counted in the database, for all processes together.

Each count is one row, raised by one statement, so that attempts at the same time are all counted.
What they are counted by (an address, an account) is kept as a digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.db import Database
from server.digests import digest_of
from server.errors import TooManyAttempts
from server.models import AttemptCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many attempts in a window that begins with the first of them."""

    name: str
    most: int
    window: timedelta


QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
SIGN_IN_OF_ACCOUNT = Limit(name="sign-in-account", most=10, window=QUARTER)
SIGN_IN_FROM_ADDRESS = Limit(name="sign-in-from", most=100, window=QUARTER)
MAIL_TO_ADDRESS = Limit(name="mail-to", most=5, window=HOUR)
MAIL_FROM_ADDRESS = Limit(name="mail-from", most=100, window=HOUR)
LONGEST_WINDOW = HOUR


def admit(database: Database, wanted: Mapping[Limit, str], *, now: datetime) -> None:
    """Count one attempt against each limit, by whom it says.

    Raises:
        TooManyAttempts: one of them is used up; the attempt was counted all the same.
    """
    with database.unit_of_work() as session:
        session.execute(delete(AttemptCount).where(AttemptCount.since < now - LONGEST_WINDOW))
        waits = [_wait(session, limit, who, now) for limit, who in wanted.items()]
    seconds = max(waits)
    if seconds:
        raise TooManyAttempts(
            f"That was tried too often; it may be tried again in {_spoken(seconds)}.",
            retry_after_seconds=seconds,
        )


def forget(session: Session, limit: Limit, who: str) -> None:
    """Begin anew: it was the right person after all."""
    session.execute(delete(AttemptCount).where(AttemptCount.key == _key(limit, who)))


def take_back(session: Session, limit: Limit, who: str) -> None:
    """Count one attempt less: it was no failure."""
    session.execute(
        update(AttemptCount)
        .where(AttemptCount.key == _key(limit, who), AttemptCount.count > 0)
        .values(count=AttemptCount.count - 1)
    )


def _wait(session: Session, limit: Limit, who: str, now: datetime) -> int:
    """Count, and return how many seconds to wait; 0 when the attempt is within the limit."""
    is_over = AttemptCount.since <= now - limit.window
    # Both databases have the statement, and SQLAlchemy a class of it for each.
    insert: Any = (
        sqlite.insert if session.get_bind().dialect.name == "sqlite" else (postgresql.insert)
    )
    statement = (
        insert(AttemptCount)
        .values(key=_key(limit, who), count=1, since=now)
        .on_conflict_do_update(
            index_elements=[AttemptCount.key],
            set_={
                "count": case((is_over, 1), else_=AttemptCount.count + 1),
                "since": case((is_over, now), else_=AttemptCount.since),
            },
        )
        .returning(AttemptCount.count, AttemptCount.since)
    )
    count: int
    since: datetime
    count, since = session.execute(statement).one()
    if count <= limit.most:
        return 0
    return max(1, round((since + limit.window - now).total_seconds()))


def _key(limit: Limit, who: str) -> str:
    return f"{limit.name}:{digest_of(who)[:40]}"


def _spoken(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"  # noqa: PLR2004
