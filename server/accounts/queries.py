"""Who is it: by address, by token, by browser session."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from server.accounts.tokens import digest_of
from server.models import ApiToken, BrowserSession, Membership, Scope, User


def user_by_email(session: Session, email: str) -> User | None:
    """Find an account by its address in normal form: lower case, no spaces around."""
    return session.scalar(select(User).where(User.email == email))


def user_of_browser(session: Session, *, secret: str, now: datetime) -> User | None:
    return session.scalar(
        select(User)
        .join(BrowserSession)
        .where(BrowserSession.digest == digest_of(secret), BrowserSession.expires_at > now)
    )


def user_of_token(session: Session, *, token: str, now: datetime) -> tuple[User, Scope] | None:
    """Return whose token this is and what it may be used for; None if it is not valid now."""
    row = session.execute(
        select(User, ApiToken.scope)
        .join(ApiToken)
        .where(
            ApiToken.digest == digest_of(token),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def team_ids_of(session: Session, user_id: int) -> tuple[int, ...]:
    """Return the teams of a person, their own first."""
    return tuple(
        session.scalars(
            select(Membership.team_id)
            .where(Membership.user_id == user_id)
            .order_by(Membership.team_id)
        )
    )
