"""Teams own methods and submissions; a person alone is a team of one."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.account import MAX_EMAIL, User
from server.models.base import Base, new_public_id

MAX_METHOD_NAME = 200
MAX_TEAM_NAME = 120


class Team(Base):
    """A team; each person has one of their own, with ``is_personal``, that nobody else joins."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        String(32), unique=True, index=True, default=new_public_id
    )
    name: Mapped[str] = mapped_column(String(MAX_TEAM_NAME))
    is_personal: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Membership(Base):
    """Who is in a team; owners may also invite, remove and rename."""

    __tablename__ = "membership"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id"), primary_key=True, index=True
    )
    is_owner: Mapped[bool] = mapped_column(default=False)

    team: Mapped[Team] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")


class TeamInvitation(Base):
    """An offer to join, mailed to an address; the row keeps the digest of the link's secret."""

    __tablename__ = "team_invitation"
    __table_args__ = (UniqueConstraint("team_id", "email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(
        String(32), unique=True, index=True, default=new_public_id
    )
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    email: Mapped[str] = mapped_column(String(MAX_EMAIL), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    team: Mapped[Team] = relationship(lazy="raise")
    invited_by: Mapped[User] = relationship(lazy="raise")


class Method(Base):
    """What a row of a board is: a team's method, of which there may be many submissions.

    ``anonymous_number`` is what its entries are called by while their names are withheld; it is
    given once, and tells nothing of the name.
    """

    __tablename__ = "method"
    __table_args__ = (
        UniqueConstraint("team_id", "name"),
        Index("uq_method_anonymous_number", "anonymous_number", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    name: Mapped[str] = mapped_column(String(MAX_METHOD_NAME))
    slug: Mapped[str] = mapped_column(String(220), unique=True)
    anonymous_number: Mapped[int | None]
    created_at: Mapped[datetime]

    team: Mapped[Team] = relationship(lazy="raise")
