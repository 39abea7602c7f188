"""Teams own methods and submissions; a person alone is a team of one."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Base

MAX_METHOD_NAME = 200


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class Membership(Base):
    __tablename__ = "membership"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id"), primary_key=True, index=True
    )

    team: Mapped[Team] = relationship(lazy="raise")


class Method(Base):
    """What a row of a board is: a team's method, of which there may be many submissions."""

    __tablename__ = "method"
    __table_args__ = (UniqueConstraint("team_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    name: Mapped[str] = mapped_column(String(MAX_METHOD_NAME))
    slug: Mapped[str] = mapped_column(String(220), unique=True)
    created_at: Mapped[datetime]

    team: Mapped[Team] = relationship(lazy="raise")
