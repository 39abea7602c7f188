"""What the server itself does with the reference model, on the queue `model`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.account import User
from server.models.base import Base, new_public_id
from server.models.benchmark import Board
from server.models.submission import Submission
from server.models.team import Team


class ModelRunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {self.FINISHED, self.FAILED, self.CANCELLED}


class ModelRun(Base):
    """A run of the reference model for a board; the row is the job.

    It ends in a submission of its own; one that ``is_of_weights`` makes the masks of a submission
    that is there from the beginning, and its recipe says how pixels are matched.

    ``stage``, ``step``, ``steps`` and ``seconds_left`` are what the run last said of the stage that
    it is in, ``curves`` its losses: by stage, pairs of step and loss.
    """

    __tablename__ = "model_run"
    __table_args__ = (Index("ix_model_run_state_lease_until", "state", "lease_until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True, default=new_public_id)
    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    recipe: Mapped[str] = mapped_column(String(40))
    seed: Mapped[int | None]
    is_of_weights: Mapped[bool] = mapped_column(default=False, server_default=false())

    state: Mapped[ModelRunState]
    state_since: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    stage: Mapped[str | None] = mapped_column(String(40))
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    seconds_left: Mapped[float | None]
    curves: Mapped[dict[str, Any]]
    failure: Mapped[str | None] = mapped_column(Text)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"), unique=True)

    attempts: Mapped[int] = mapped_column(default=0)
    interrupted_because: Mapped[str | None] = mapped_column(Text)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime]

    board: Mapped[Board] = relationship(lazy="raise")
    team: Mapped[Team] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")
    submission: Mapped[Submission | None] = relationship(lazy="raise", back_populates="model_run")
