"""Names that are withheld until a date: which dates are taken, and what happens when one has come.

The date does nothing by itself. The sweep shows the names within a quarter lease of it, everywhere
at once, because every page and answer goes by the row; while nothing sweeps, names stay withheld.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import standings
from server.errors import FieldInvalid
from server.models import Submission, SubmissionState
from server.submissions.leases import changed

LONGEST = timedelta(days=366)
FIELD = "anonymous_until"


def moment_of(text: str, *, now: datetime) -> datetime | None:
    """Return when names are to be shown, as it was written; nothing is None: at once.

    A day begins at 00:00 UTC, and so does whatever names no time zone.

    Raises:
        FieldInvalid: it is no date, has passed, or is more than a year away.
    """
    if not text:
        return None
    try:
        written = datetime.fromisoformat(text)
    except ValueError as reason:
        raise FieldInvalid(
            f"{FIELD} is {text!r}; it has to be a date such as {(now + LONGEST / 2).date()}.",
            field=FIELD,
        ) from reason
    moment = written if written.tzinfo else written.replace(tzinfo=UTC)
    if not now < moment <= now + LONGEST:
        raise FieldInvalid(
            f"{FIELD} is {text!r}; it has to come after {now.date()}, and by "
            f"{(now + LONGEST).date()}: names are withheld for a year at most.",
            field=FIELD,
        )
    return moment.astimezone(UTC)


def check_is_shown(moment: datetime | None, *, is_public: bool) -> None:
    """Refuse to withhold the names of what nobody else sees.

    Raises:
        FieldInvalid: the entry is private.
    """
    if moment is not None and not is_public:
        raise FieldInvalid(
            f"A private entry is on no board, so it has no names to withhold: leave {FIELD} empty, "
            "or make it public.",
            field=FIELD,
        )


def due(session: Session, *, now: datetime) -> Sequence[int]:
    """Return the ids of what has names that are to be shown now."""
    return session.scalars(
        select(Submission.id).where(Submission.anonymous_until <= now).order_by(Submission.id)
    ).all()


def reveal(session: Session, submission_id: int, *, now: datetime) -> None:
    """Show the names of a submission, if that is still due."""
    is_due = [Submission.id == submission_id, Submission.anonymous_until <= now]
    unscored = Submission.state != SubmissionState.SCORED
    if changed(session, Submission, [*is_due, unscored], anonymous_until=None):
        return
    submission = session.get_one(Submission, submission_id)
    standings.lock(session, submission)
    if submission.anonymous_until is not None and submission.anonymous_until <= now:
        submission.anonymous_until = None
        standings.entry_changed(session, submission)
