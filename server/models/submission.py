"""A submission: an archive plus its life. The row is the job."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.account import User
from server.models.base import Base
from server.models.benchmark import Board
from server.models.score import Score
from server.models.team import MAX_METHOD_NAME, Method, Team
from server.models.work import Attempt, Shard

if TYPE_CHECKING:
    from server.models.model_run import ModelRun

MAX_IDEMPOTENCY_KEY = 120


class SubmissionState(StrEnum):
    RECEIVED = "received"
    CHECKING = "checking"
    SCORING = "scoring"
    SCORED = "scored"
    REJECTED = "rejected"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        return self in {self.SCORED, self.REJECTED, self.FAILED, self.WITHDRAWN}


class MethodCard:
    """What the participant says of the method: the lines of method.txt, or the form's fields."""

    method_name: Mapped[str | None] = mapped_column(String(MAX_METHOD_NAME))
    training_data: Mapped[str | None] = mapped_column(Text)
    training_scheme: Mapped[str | None] = mapped_column(Text)
    networks: Mapped[str | None] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)


CARD_FIELDS = (
    "method_name",
    "training_data",
    "training_scheme",
    "networks",
    "link",
    "description",
)


class Submission(MethodCard, Base):
    """A late one is scored and never ranks; a pinned one its team has chosen for the board.

    Public ones with ``anonymous_until`` stand on their board without names; when the time has come
    it becomes None. Of one with ``is_run_here`` this server makes the masks itself: by a reference
    run, or with weights that were submitted. Those have a ``weights_sha256``, and until their masks
    are made an archive of no bytes, without key and hash.
    """

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("anonymous_until IS NULL OR is_public", name="anonymous_ones_are_public"),
        Index("ix_submission_state_lease_until", "state", "lease_until"),
        Index("ix_submission_board_id_method_id", "board_id", "method_id"),
        Index(
            "uq_submission_pinned",
            "board_id",
            "method_id",
            unique=True,
            sqlite_where=text("is_pinned"),
            postgresql_where=text("is_pinned"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    method_id: Mapped[int | None] = mapped_column(ForeignKey("method.id"), index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(MAX_IDEMPOTENCY_KEY))
    created_at: Mapped[datetime]
    is_public: Mapped[bool]
    anonymous_until: Mapped[datetime | None] = mapped_column(index=True)
    is_late: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_run_here: Mapped[bool] = mapped_column(default=False, server_default=false())
    declarations: Mapped[dict[str, Any]]

    archive_key: Mapped[str | None] = mapped_column(String(200))
    archive_sha256: Mapped[str] = mapped_column(String(64))
    archive_bytes: Mapped[int] = mapped_column(BigInteger)
    archive_expired_at: Mapped[datetime | None]
    weights_key: Mapped[str | None] = mapped_column(String(200))
    weights_sha256: Mapped[str | None] = mapped_column(String(64))
    weights_bytes: Mapped[int | None] = mapped_column(BigInteger)

    state: Mapped[SubmissionState]
    state_since: Mapped[datetime | None]
    checking_at: Mapped[datetime | None]  # when a worker first took it
    scoring_at: Mapped[datetime | None]  # when its masks were first counted
    finished_at: Mapped[datetime | None]
    findings: Mapped[list[Any]]
    failure: Mapped[str | None] = mapped_column(Text)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int] = mapped_column(default=0)

    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime]
    postponed_because: Mapped[str | None] = mapped_column(String(200))

    board: Mapped[Board] = relationship(lazy="raise")
    team: Mapped[Team] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")
    method: Mapped[Method | None] = relationship(lazy="raise")
    scores: Mapped[list[Score]] = relationship(lazy="raise", order_by=Score.id)
    shards: Mapped[list[Shard]] = relationship(lazy="raise", order_by=Shard.position)
    attempt_log: Mapped[list[Attempt]] = relationship(lazy="raise", order_by=Attempt.id)
    model_run: Mapped["ModelRun | None"] = relationship(
        lazy="raise", back_populates="submission", uselist=False
    )

    @property
    def awaits_masks(self) -> bool:
        """Tell whether a model run still has to make its masks (in SQL: `leases.awaits_masks`)."""
        is_of_weights = self.weights_sha256 is not None
        return is_of_weights and self.archive_key is None and self.state is SubmissionState.RECEIVED

    @property
    def images_done(self) -> int:
        """Return how many images are counted: each shard's worker knows of its own."""
        if self.shards:
            return sum(shard.images_done for shard in self.shards)
        return self.progress_done

    @property
    def tries(self) -> int:
        """Return how often that part was tried which was tried most: 1 if nothing went wrong."""
        return max((attempt.number for attempt in self.attempt_log), default=0)
