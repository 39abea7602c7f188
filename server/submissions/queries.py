"""Look-ups of submissions. What a viewer may not see is not found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from server.models import (
    Board,
    Membership,
    Split,
    Submission,
    Subset,
)
from server.submissions.states import FINAL
from server.visibility import Reader, may_see


def open_splits(session: Session) -> Sequence[Split]:
    """Return the splits that can be submitted to: those that have a truth."""
    return session.scalars(
        select(Split)
        .join(Subset)
        .where(Split.truth_version.is_not(None))
        .options(joinedload(Split.subset))
        .order_by(Subset.position, Split.name)
    ).all()


def one(session: Session, public_id: str) -> Submission:
    """Return a submission for whoever has just made it."""
    return session.scalars(_whole().where(Submission.public_id == public_id)).one()


def to_score(session: Session, submission_id: int) -> Submission:
    """Return a submission with what a worker needs to know of it."""
    return session.scalars(_whole().where(Submission.id == submission_id)).one()


def _whole() -> Select[Submission]:
    return select(Submission).options(
        joinedload(Submission.board).joinedload(Board.split).joinedload(Split.subset),
        joinedload(Submission.team),
        joinedload(Submission.method),
        joinedload(Submission.model_run),
        selectinload(Submission.scores),
        selectinload(Submission.shards),
        selectinload(Submission.attempt_log),
    )


def one_readable(session: Session, public_id: str, reader: Reader) -> Submission | None:
    """Find a submission that a reader may see: their own, and what was published as scored."""
    return session.scalar(_whole().where(Submission.public_id == public_id, may_see(reader)))


def one_own(session: Session, public_id: str, team_ids: tuple[int, ...]) -> Submission | None:
    return session.scalar(
        _whole().where(Submission.public_id == public_id, Submission.team_id.in_(team_ids))
    )


def id_of_own(session: Session, public_id: str, *, team_ids: tuple[int, ...]) -> int | None:
    """Return where a submission of these teams stands in their lists."""
    return session.scalar(
        select(Submission.id).where(
            Submission.public_id == public_id, Submission.team_id.in_(team_ids)
        )
    )


def of_teams(
    session: Session, team_ids: tuple[int, ...], *, before_id: int | None, limit: int
) -> Sequence[Submission]:
    """Return the teams' submissions, newest first, from below ``before_id``."""
    statement = _whole().where(Submission.team_id.in_(team_ids))
    if before_id is not None:
        statement = statement.where(Submission.id < before_id)
    return session.scalars(statement.order_by(Submission.id.desc()).limit(limit)).all()


def public_id_of_key(session: Session, *, user_id: int, key: str) -> str | None:
    """Return which submission a person's idempotency key made, if any."""
    return session.scalar(
        select(Submission.public_id).where(
            Submission.user_id == user_id, Submission.idempotency_key == key
        )
    )


def is_member(session: Session, *, user_id: int, team_id: int) -> bool:
    """Tell whether a person may submit for a team now."""
    found = select(Membership.team_id).where(
        Membership.team_id == team_id, Membership.user_id == user_id
    )
    return session.scalar(found) is not None


def keys_in_use(session: Session, keys: Sequence[str]) -> frozenset[str]:
    """Return those of the keys, of archives or of weights, that a submission still refers to."""
    return frozenset(
        key
        for column in (Submission.archive_key, Submission.weights_key)
        for key in session.scalars(select(column).where(column.in_(keys)))
        if key is not None
    )


def has_files() -> ColumnElement[bool]:
    """Return the condition of what still has an archive, or weights."""
    return or_(Submission.archive_key.is_not(None), Submission.weights_key.is_not(None))


def expired_files(
    session: Session, *, before: datetime, limit: int
) -> Sequence[tuple[int, tuple[str, ...]]]:
    """Return ids of submissions that ended before a moment, with the keys of their files.

    The oldest come first.
    """
    rows = session.execute(
        select(Submission.id, Submission.archive_key, Submission.weights_key)
        .where(
            Submission.state.in_(FINAL),
            Submission.finished_at < before,
            has_files(),
        )
        .order_by(Submission.finished_at, Submission.id)
        .limit(limit)
    )
    return [(submission_id, tuple(filter(None, keys))) for submission_id, *keys in rows]
