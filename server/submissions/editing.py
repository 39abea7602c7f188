"""What a team may change of a submission later: its method card, and who may see it.

Board, archive and declarations stay as they were sent: they are what the scores stand for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from server import standings
from server.errors import EntryEnded, EntryUnderWay, FieldInvalid
from server.method_names import method_of
from server.models import Method, Submission, SubmissionState
from server.submissions import anonymity
from server.submissions.leases import changed
from server.submissions.lookup import own_submission
from server.submissions.service import card_value
from server.submissions.states import IN_FLIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to become different; None, and card fields that are not there, stay as they are.

    ``anonymous_until`` is a date as it was written; an empty one shows names at once.
    """

    is_public: bool | None = None
    anonymous_until: str | None = None
    card: Mapping[str, str] = field(default_factory=dict)


def edit(
    session: Session, public_id: str, changes: Changes, *, team_ids: tuple[int, ...], now: datetime
) -> Submission:
    """Change a submission of one of these teams, and count it anew on its board.

    Raises:
        NotFound: it is none of theirs.
        EntryUnderWay: its card is still being read by a worker.
        EntryEnded: it was rejected, withdrawn, or has failed.
        FieldInvalid: a field holds what it may not.
    """
    submission = own_submission(session, public_id, team_ids=team_ids)
    card = {name: card_value(name, value) or None for name, value in changes.card.items()}
    if submission.state in IN_FLIGHT and _changed_under_way(session, submission, changes, now):
        return submission
    method = _method_named(session, submission, card, now)  # before the board, as workers do
    standings.lock(session, submission)
    if submission.state is not SubmissionState.SCORED:
        raise EntryEnded(f"{public_id} is {submission.state}: nothing of it can be changed.")
    submission.is_public, submission.anonymous_until = _visibility(submission, changes, now)
    for name, value in card.items():
        setattr(submission, name, value)
    _count_anew(session, submission, method)
    return submission


def _changed_under_way(
    session: Session, submission: Submission, changes: Changes, now: datetime
) -> bool:
    """Change what workers do not touch; False if a worker has finished it meanwhile."""
    if changes.card:
        raise EntryUnderWay(
            f"{submission.public_id} is {submission.state}; its method card can be changed once it "
            "is scored. Who may see it can be changed now."
        )
    is_public, moment = _visibility(submission, changes, now)
    is_under_way = [Submission.id == submission.id, Submission.state.in_(IN_FLIGHT)]
    values = {"is_public": is_public, "anonymous_until": moment}
    was_changed = changed(session, Submission, is_under_way, **values)
    session.refresh(submission)
    return was_changed


def _visibility(
    submission: Submission, changes: Changes, now: datetime
) -> tuple[bool, datetime | None]:
    is_public = submission.is_public if changes.is_public is None else changes.is_public
    if changes.anonymous_until is None:
        return is_public, submission.anonymous_until if is_public else None
    moment = anonymity.moment_of(changes.anonymous_until, now=now)
    anonymity.check_is_shown(moment, is_public=is_public)
    return is_public, moment


def _method_named(
    session: Session, submission: Submission, card: Mapping[str, str | None], now: datetime
) -> Method | None:
    """Return the team's method of the name that the card is to have; None where it says none."""
    if "method_name" not in card:
        return None
    name = card["method_name"]
    if name is None:
        raise FieldInvalid("A scored entry needs the name of its method.", field="method_name")
    return method_of(session, team_id=submission.team_id, name=name, now=now)


def _count_anew(session: Session, submission: Submission, method: Method | None) -> None:
    """Count the entry, and also for the method that it belonged to before."""
    before = submission.method_id
    if method is not None and method.id != before:
        submission.method_id = method.id
        submission.is_pinned = False  # the other method may have chosen one already
    concerned = [each for each in (before, submission.method_id) if each is not None]
    standings.recount(session, submission.board_id, method_ids=concerned)
