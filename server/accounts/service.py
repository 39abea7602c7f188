"""Accounts and sign-ins."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from server import standings
from server.accounts import passwords
from server.accounts.queries import teams_of, user_by_email
from server.digests import digest_of, new_secret
from server.errors import AlreadyExists, FieldInvalid, NotAllowed, NotFound, SignInRefused
from server.mail.address import normal_email
from server.models import (
    MAX_AFFILIATION,
    MAX_LINK,
    MAX_NAME,
    BrowserSession,
    Membership,
    Team,
    User,
)
from server.text_line import line_of_text, required_line
from server.web.links import web_address


def create_user(
    session: Session, *, email: str, password: str, is_organizer: bool, now: datetime
) -> User:
    """Make an account for an address that nobody has to confirm, and its team of one.

    Raises:
        AlreadyExists: the address has an account.
        FieldInvalid: the address is none, or the password is too short or too long.
    """
    address = normal_email(email)
    return add_user(
        session,
        email=address,
        name=name_of(address),
        password_hash=passwords.hash_of(password),
        is_organizer=is_organizer,
        now=now,
    )


def add_user(
    session: Session,
    *,
    email: str,
    name: str,
    password_hash: str,
    is_organizer: bool,
    now: datetime,
) -> User:
    """Make an account and its team of one.

    Raises:
        AlreadyExists: the address has an account.
    """
    if user_by_email(session, email) is not None:
        raise AlreadyExists(f"{email} has an account already.")
    user = User(
        email=email,
        name=name,
        password_hash=password_hash,
        is_organizer=is_organizer,
        created_at=now,
    )
    team = Team(name=name, is_personal=True, created_at=now)
    session.add_all([user, team])
    session.flush()  # the membership needs both ids
    session.add(Membership(team_id=team.id, user_id=user.id, is_owner=True))
    return user


def organizer_named(session: Session, email: str) -> User:
    """Return the organizer with an address.

    Raises:
        NotFound: no account has the address.
        NotAllowed: its person is no organizer.
    """
    user = user_by_email(session, normal_email(email))
    if user is None:
        raise NotFound(f"{email} has no account; make one with `luss admin user {email}`.")
    if not user.is_organizer:
        raise NotAllowed(f"{email} is no organizer; `luss admin user --organizer` makes accounts.")
    return user


def name_of(email: str) -> str:
    """Return what a person is called who has not said it: what stands before the @."""
    return email.partition("@")[0][:MAX_NAME]


def update_profile(session: Session, user: User, *, name: str, affiliation: str, link: str) -> None:
    """Change what others see of a person; the person's own team is called what they are.

    Raises:
        FieldInvalid: there is no name, something is too long, or the link is no web address.
    """
    user.name = required_line(name, field="name", called="The name", longest=MAX_NAME)
    user.affiliation = (
        line_of_text(
            affiliation, field="affiliation", called="The affiliation", longest=MAX_AFFILIATION
        )
        or None
    )
    address = line_of_text(link, field="link", called="The link", longest=MAX_LINK)
    if address and web_address(address) is None:
        raise FieldInvalid(
            "The link has to begin with https:// or http://, and have no spaces.", field="link"
        )
    user.link = address or None
    own = teams_of(session, user.id)[0]
    own.name = user.name
    standings.names_changed(session, team_id=own.id)


def authenticated(session: Session, *, email: str, password: str) -> User:
    """Return whose address and password these are.

    It reads only, and its caller holds no writing transaction: hashing takes a tenth of a second.

    Raises:
        SignInRefused: no such account, or another password; it does not say which.
    """
    user = user_by_email(session, email.strip().lower())
    if not passwords.matches(password, user.password_hash if user else None) or user is None:
        raise SignInRefused("No account has this e-mail address and password.")
    return user


def open_session(
    session: Session, *, user_id: int, now: datetime, lasts: timedelta, browser: str = ""
) -> str:
    """Open a browser session and return its secret, for a cookie; forget those that have ended."""
    secret = new_secret()
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= now))
    session.add(
        BrowserSession(
            user_id=user_id,
            browser=browser,
            digest=digest_of(secret),
            created_at=now,
            expires_at=now + lasts,
        )
    )
    return secret


def close_session(session: Session, *, secret: str) -> None:
    session.execute(delete(BrowserSession).where(BrowserSession.digest == digest_of(secret)))


def close_all_sessions(session: Session, *, user_id: int) -> None:
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))
