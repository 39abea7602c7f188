"""The work on a submission: its shards, and every attempt at any of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base


class Shard(Base):
    """A range of a split's images in sorted order, counted by itself; there only while it scores.

    Truth and key are those of the plan: a shard that is counted twice becomes the same blob.
    """

    __tablename__ = "shard"
    __table_args__ = (
        UniqueConstraint("submission_id", "position"),
        Index("ix_shard_is_done_lease_until", "is_done", "lease_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    position: Mapped[int]
    first: Mapped[int]
    stop: Mapped[int]
    truth_version: Mapped[str] = mapped_column(String(64))
    tallies_key: Mapped[str] = mapped_column(String(64))

    images_done: Mapped[int] = mapped_column(default=0)
    is_done: Mapped[bool] = mapped_column(default=False)
    findings: Mapped[list[Any]]

    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime]


class AttemptOutcome(StrEnum):
    DONE = "done"
    LOST = "lost"
    FAILED = "failed"
    HANDED_BACK = "handed_back"


class Attempt(Base):
    """One worker's try at a submission or at one of its shards; without outcome while it runs."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), index=True)
    shard: Mapped[int | None]
    number: Mapped[int]
    token: Mapped[str] = mapped_column(String(32), unique=True)
    worker: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    outcome: Mapped[AttemptOutcome | None]
    reason: Mapped[str | None] = mapped_column(String(200))
    images: Mapped[int] = mapped_column(default=0)
