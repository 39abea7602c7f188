"""Which entry counts: a row per board and method, kept by `server.standings`."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Base


class Standing(Base):
    """The entry that a board shows for a method, and the score of it that counts.

    Derived from submissions and scores, so that a board need not read all of them. ``miou`` is
    what it ranks by, in percent; None where it does not rank. Entries without names have a row of
    their own: in place of a named one it would tell whose they are.
    """

    __tablename__ = "standing"
    __table_args__ = (Index("ix_standing_board_id_miou", "board_id", "miou"),)

    board_id: Mapped[int] = mapped_column(ForeignKey("board.id"), primary_key=True)
    method_id: Mapped[int] = mapped_column(ForeignKey("method.id"), primary_key=True, index=True)
    is_anonymous: Mapped[bool] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"), unique=True)
    score_id: Mapped[int] = mapped_column(ForeignKey("score.id"))
    miou: Mapped[float | None]
