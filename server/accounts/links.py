"""Links that were mailed: each is good for one purpose, once, and not for long."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.digests import digest_of, new_secret
from server.errors import LinkExpired
from server.models import LinkPurpose, MailedLink

LASTS = {
    LinkPurpose.SIGN_UP: timedelta(hours=24),
    LinkPurpose.PASSWORD_RESET: timedelta(hours=1),
    LinkPurpose.EMAIL_CHANGE: timedelta(hours=24),
}


def make(
    session: Session,
    purpose: LinkPurpose,
    *,
    email: str,
    now: datetime,
    user_id: int | None = None,
    name: str | None = None,
    password_hash: str | None = None,
) -> str:
    """Make a link for an address and return its secret; forget links that have run out."""
    secret = new_secret()
    session.execute(delete(MailedLink).where(MailedLink.expires_at <= now))
    session.add(
        MailedLink(
            purpose=purpose,
            digest=digest_of(secret),
            email=email,
            user_id=user_id,
            name=name,
            password_hash=password_hash,
            created_at=now,
            expires_at=now + LASTS[purpose],
        )
    )
    return secret


def look_at(session: Session, purpose: LinkPurpose, *, secret: str, now: datetime) -> MailedLink:
    """Return what a link is for, and leave it as it is.

    Raises:
        LinkExpired: it is unknown, was used, or has run out.
    """
    link = session.scalar(
        select(MailedLink).where(
            MailedLink.digest == digest_of(secret),
            MailedLink.purpose == purpose,
            MailedLink.expires_at > now,
        )
    )
    if link is None:
        raise _expired()
    return link


def use(session: Session, purpose: LinkPurpose, *, secret: str, now: datetime) -> MailedLink:
    """Return what a link is for; of two uses at the same time one is refused.

    Raises:
        LinkExpired: see `look_at`.
    """
    link = look_at(session, purpose, secret=secret, now=now)
    used = session.execute(
        delete(MailedLink).where(MailedLink.id == link.id).returning(MailedLink.id)
    ).one_or_none()
    if used is None:
        raise _expired()
    return link


def forget_those_of(session: Session, *, user_id: int) -> None:
    session.execute(delete(MailedLink).where(MailedLink.user_id == user_id))


def forget_those_to(session: Session, *, email: str) -> None:
    session.execute(delete(MailedLink).where(MailedLink.email == email))


def _expired() -> LinkExpired:
    return LinkExpired("It was used already, or it is too old. Ask for a new one.")
