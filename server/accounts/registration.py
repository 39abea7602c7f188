"""Signing up: an account begins when its address is confirmed, and not before.

Whoever asks learns nothing of who has an account: the answer is the same, and so is the work.
What there is to say is said by mail, to the owner of the address.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from server.accounts import links, mails, passwords
from server.accounts.queries import user_by_email
from server.accounts.service import add_user, name_of
from server.errors import AlreadyExists, LinkExpired
from server.mail import outbox
from server.mail.address import normal_email
from server.models import MAX_NAME, LinkPurpose, User
from server.text_line import line_of_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who wants an account; the password is a hash already."""

    email: str
    name: str
    password_hash: str


def applicant(*, email: str, name: str, password: str) -> Applicant:
    """Check what was typed; nothing here depends on who has an account.

    Raises:
        FieldInvalid: the address is none, the name too long, the password too short or too long.
    """
    address = normal_email(email)
    line = line_of_text(name, field="name", called="The name", longest=MAX_NAME)
    return Applicant(
        email=address,
        name=line or name_of(address),
        password_hash=passwords.hash_of(password),
    )


def apply(session: Session, who: Applicant, *, site_url: str, now: datetime) -> None:
    """Write to the address: a link that makes the account, or that there is one already."""
    if user_by_email(session, who.email) is not None:
        outbox.post(session, mails.already_signed_up(who.email, site_url=site_url), now=now)
        return
    secret = links.make(
        session,
        LinkPurpose.SIGN_UP,
        email=who.email,
        name=who.name,
        password_hash=who.password_hash,
        now=now,
    )
    outbox.post(
        session, mails.confirm_sign_up(who.email, site_url=site_url, secret=secret), now=now
    )


def confirm(session: Session, *, secret: str, now: datetime) -> User:
    """Make the account that a link is for; other links to the address end.

    Raises:
        LinkExpired: the link is unknown, used or too old, or the address has an account by now.
    """
    link = links.use(session, LinkPurpose.SIGN_UP, secret=secret, now=now)
    assert link.name and link.password_hash  # noqa: S101, PT018  # a link of this purpose has both
    links.forget_those_to(session, email=link.email)
    try:
        return add_user(
            session,
            email=link.email,
            name=link.name,
            password_hash=link.password_hash,
            is_organizer=False,
            now=now,
        )
    except AlreadyExists as reason:
        raise LinkExpired("This address has an account by now: sign in.") from reason
