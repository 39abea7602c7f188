"""Changing what one signs in with. Every change ends the sign-ins and links that came before."""

from datetime import datetime

from sqlalchemy.orm import Session

from server import attempts
from server.accounts import links, mails
from server.accounts.queries import user_by_email, user_by_id
from server.accounts.service import close_all_sessions
from server.errors import LinkExpired
from server.mail import outbox
from server.models import LinkPurpose, MailedLink, User


def ask_for_reset(session: Session, *, email: str, site_url: str, now: datetime) -> None:
    """Write to an address: a link to a new password, or that it has no account.

    The link is made in any case, and mailed to nobody when it is for no account: the same work
    takes the same time, so that no clock tells who has an account.
    """
    user = user_by_email(session, email)
    user_id = None if user is None else user.id
    secret = links.make(session, LinkPurpose.PASSWORD_RESET, email=email, user_id=user_id, now=now)
    told = (
        mails.no_account(email, site_url=site_url)
        if user is None
        else mails.reset_password(email, site_url=site_url, secret=secret)
    )
    outbox.post(session, told, now=now)


def reset_password(
    session: Session, *, secret: str, password_hash: str, site_url: str, now: datetime
) -> None:
    """Give the account of a link another password.

    Raises:
        LinkExpired: the link is unknown, used or too old.
    """
    link = links.use(session, LinkPurpose.PASSWORD_RESET, secret=secret, now=now)
    user = _owner_of(session, link)
    change_password(session, user, password_hash=password_hash, site_url=site_url, now=now)


def change_password(
    session: Session, user: User, *, password_hash: str, site_url: str, now: datetime
) -> None:
    """Set the password, end every sign-in and every link of before, and tell the person."""
    user.password_hash = password_hash
    close_all_sessions(session, user_id=user.id)
    links.forget_those_of(session, user_id=user.id)
    attempts.forget(session, attempts.SIGN_IN_OF_ACCOUNT, user.email)
    told = mails.changed(user.email, site_url=site_url, what="the password was changed")
    outbox.post(session, told, now=now)


def ask_for_email_change(
    session: Session, user: User, *, email: str, site_url: str, now: datetime
) -> None:
    """Write to the new address: a link that confirms it, or that it has an account of its own."""
    if user_by_email(session, email) is not None:
        outbox.post(session, mails.email_taken(email, site_url=site_url), now=now)
        return
    secret = links.make(session, LinkPurpose.EMAIL_CHANGE, email=email, user_id=user.id, now=now)
    outbox.post(session, mails.confirm_email(email, site_url=site_url, secret=secret), now=now)


def change_email(session: Session, *, secret: str, site_url: str, now: datetime) -> None:
    """Give an account the address of a link, and tell the old address.

    Raises:
        LinkExpired: the link is unknown, used or too old, or the address has an account by now.
    """
    link = links.use(session, LinkPurpose.EMAIL_CHANGE, secret=secret, now=now)
    user = _owner_of(session, link)
    if user_by_email(session, link.email) is not None:
        raise LinkExpired("This address has an account of its own by now.")
    told = mails.changed(user.email, site_url=site_url, what=f"its address is now {link.email}")
    outbox.post(session, told, now=now)
    links.forget_those_of(session, user_id=user.id)
    links.forget_those_to(session, email=link.email)
    user.email = link.email


def _owner_of(session: Session, link: MailedLink) -> User:
    assert link.user_id is not None  # noqa: S101  # a link of these purposes has one
    return user_by_id(session, link.user_id)
