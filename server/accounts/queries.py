"""Who is it: by address, by token, by browser session; and what belongs to a person."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, joinedload

from server.digests import digest_of
from server.models import ApiToken, BrowserSession, Membership, Team, TeamInvitation, User

USE_IS_NOTED_EVERY = timedelta(minutes=1)


def user_by_email(session: Session, email: str) -> User | None:
    """Find an account by its address in normal form: lower case, no spaces around."""
    return session.scalar(select(User).where(User.email == email))


def user_by_id(session: Session, user_id: int) -> User:
    return session.scalars(select(User).where(User.id == user_id)).one()


def user_of_browser(session: Session, *, secret: str, now: datetime) -> User | None:
    return session.scalar(
        select(User)
        .join(BrowserSession)
        .where(BrowserSession.digest == digest_of(secret), BrowserSession.expires_at > now)
    )


def user_of_token(session: Session, *, token: str, now: datetime) -> tuple[User, ApiToken] | None:
    """Return whose token this is, and the token; None if it is not valid now."""
    row = session.execute(
        select(User, ApiToken)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.digest == digest_of(token), *is_valid_token(now))
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def is_valid_token(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
    )


def is_use_noted(token: ApiToken, now: datetime) -> bool:
    """Tell whether somebody wrote down within a minute that a token is in use."""
    return token.last_used_at is not None and now - token.last_used_at < USE_IS_NOTED_EVERY


def note_token_use(session: Session, token_id: int, *, now: datetime) -> None:
    """Write down that a token is in use, unless somebody did so within a minute."""
    long_ago = or_(
        ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - USE_IS_NOTED_EVERY
    )
    session.execute(
        update(ApiToken).where(ApiToken.id == token_id, long_ago).values(last_used_at=now)
    )


def tokens_of(session: Session, *, user_id: int, now: datetime) -> Sequence[ApiToken]:
    """Return a person's tokens that may be used, the newest first."""
    return session.scalars(
        select(ApiToken)
        .where(ApiToken.user_id == user_id, *is_valid_token(now))
        .order_by(ApiToken.id.desc())
    ).all()


def sessions_of(session: Session, *, user_id: int, now: datetime) -> Sequence[BrowserSession]:
    """Return a person's sign-ins that have not ended, the newest first."""
    return session.scalars(
        select(BrowserSession)
        .where(BrowserSession.user_id == user_id, BrowserSession.expires_at > now)
        .order_by(BrowserSession.id.desc())
    ).all()


def teams_of(session: Session, user_id: int) -> Sequence[Team]:
    """Return the teams of a person, their own first."""
    return session.scalars(
        select(Team)
        .join(Membership)
        .where(Membership.user_id == user_id)
        .order_by(Team.is_personal.desc(), Team.id)
    ).all()


def invitations_to(session: Session, email: str, *, now: datetime) -> Sequence[TeamInvitation]:
    """Return the invitations to an address that can be accepted, the newest first."""
    return session.scalars(
        select(TeamInvitation)
        .where(TeamInvitation.email == email, TeamInvitation.expires_at > now)
        .options(joinedload(TeamInvitation.team), joinedload(TeamInvitation.invited_by))
        .order_by(TeamInvitation.id.desc())
    ).all()
