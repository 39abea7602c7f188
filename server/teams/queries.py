"""Look-ups of teams. A team that the reader is not in is not found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from server.models import Membership, Team, TeamInvitation, User


def membership(
    session: Session, public_id: str, *, user_id: int, lock: bool = False
) -> Membership | None:
    """Find a person's membership in a team that may have several; with its team.

    Args:
        session: of a unit of work when it locks.
        public_id: of the team.
        user_id: of the person.
        lock: hold the team until the transaction ends, so that owners leave one after another.
    """
    statement = (
        select(Membership)
        .join(Membership.team)
        .where(
            Team.public_id == public_id, Team.is_personal.is_(False), Membership.user_id == user_id
        )
        .options(joinedload(Membership.team, innerjoin=True))
    )
    if lock:
        session.execute(select(Team.id).where(Team.public_id == public_id).with_for_update())
    return session.scalar(statement)


def members(session: Session, team_id: int) -> Sequence[Membership]:
    """Return who is in a team, owners first."""
    return session.scalars(
        select(Membership)
        .join(Membership.user)
        .where(Membership.team_id == team_id)
        .options(joinedload(Membership.user))
        .order_by(Membership.is_owner.desc(), User.name, User.id)
    ).all()


def member_by_email(session: Session, team_id: int, email: str) -> Membership | None:
    return session.scalar(
        select(Membership)
        .join(Membership.user)
        .where(Membership.team_id == team_id, User.email == email)
        .options(joinedload(Membership.user))
    )


def owner_count(session: Session, team_id: int) -> int:
    count = select(func.count()).where(Membership.team_id == team_id, Membership.is_owner)
    return session.scalars(count).one()


def team_count(session: Session, user_id: int) -> int:
    return session.scalars(select(func.count()).where(Membership.user_id == user_id)).one()


def member_count(session: Session, team_id: int) -> int:
    return session.scalars(select(func.count()).where(Membership.team_id == team_id)).one()


def is_member(session: Session, *, team_id: int, user_id: int) -> bool:
    found = select(Membership.team_id).where(
        Membership.team_id == team_id, Membership.user_id == user_id
    )
    return session.scalar(found) is not None


def email_of(session: Session, user_id: int) -> str:
    return session.scalars(select(User.email).where(User.id == user_id)).one()


def invitations_of(session: Session, team_id: int, *, now: datetime) -> Sequence[TeamInvitation]:
    """Return a team's invitations that can be accepted, the newest first."""
    return session.scalars(
        select(TeamInvitation)
        .where(TeamInvitation.team_id == team_id, TeamInvitation.expires_at > now)
        .order_by(TeamInvitation.id.desc())
    ).all()


def invitation_by_digest(session: Session, digest: str, *, now: datetime) -> TeamInvitation | None:
    return session.scalar(
        select(TeamInvitation)
        .where(TeamInvitation.digest == digest, TeamInvitation.expires_at > now)
        .options(joinedload(TeamInvitation.team), joinedload(TeamInvitation.invited_by))
    )


def invitation_to(
    session: Session, public_id: str, *, email: str, now: datetime
) -> TeamInvitation | None:
    """Find an invitation to this address by what is no secret."""
    return session.scalar(
        select(TeamInvitation)
        .where(
            TeamInvitation.public_id == public_id,
            TeamInvitation.email == email,
            TeamInvitation.expires_at > now,
        )
        .options(joinedload(TeamInvitation.team), joinedload(TeamInvitation.invited_by))
    )
