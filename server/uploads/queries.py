"""Look-ups of uploads. What belongs to somebody else is not found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.models import Upload


def owned(session: Session, public_id: str, *, user_id: int) -> Upload | None:
    return session.scalar(
        select(Upload).where(Upload.public_id == public_id, Upload.user_id == user_id)
    )


def count_open(session: Session, *, user_id: int, now: datetime) -> int:
    """Return how many uploads of a person take room and are no submission yet."""
    return session.scalars(
        select(func.count()).where(
            Upload.user_id == user_id, Upload.submission_id.is_(None), Upload.expires_at > now
        )
    ).one()


def unused(session: Session, public_ids: Sequence[str]) -> frozenset[str]:
    """Return those of the ids whose bytes are still wanted."""
    return frozenset(
        session.scalars(
            select(Upload.public_id).where(
                Upload.public_id.in_(public_ids), Upload.submission_id.is_(None)
            )
        )
    )
