"""Accounts, sign-ins and tokens."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from server.accounts import passwords
from server.accounts.queries import user_by_email
from server.accounts.tokens import TOKEN_PREFIX, digest_of
from server.errors import AlreadyExists, FieldInvalid, NotFound, SignInRefused
from server.models import ApiToken, BrowserSession, Membership, Scope, Team, User


def create_user(
    session: Session, *, email: str, password: str, is_organizer: bool, now: datetime
) -> User:
    """Make an account and its team of one.

    Raises:
        AlreadyExists: the address has an account.
        FieldInvalid: the address has no @, or the password is too short.
    """
    address = normal_email(email)
    if len(password) < passwords.MINIMUM_LENGTH:
        raise FieldInvalid(
            f"The password has {len(password)} characters; it needs at least "
            f"{passwords.MINIMUM_LENGTH}.",
            field="password",
        )
    if user_by_email(session, address) is not None:
        raise AlreadyExists(f"{address} has an account already.")
    name = address.partition("@")[0]
    user = User(
        email=address,
        name=name,
        password_hash=passwords.hash_of(password),
        is_organizer=is_organizer,
        created_at=now,
    )
    team = Team(name=name, created_at=now)
    session.add_all([user, team])
    session.flush()  # the membership needs both ids
    session.add(Membership(team_id=team.id, user_id=user.id))
    return user


def normal_email(email: str) -> str:
    address = email.strip().lower()
    local, at, domain = address.partition("@")
    if not (local and at and domain) or any(letter.isspace() for letter in address):
        raise FieldInvalid(f"{email!r} is not an e-mail address: name@host.", field="email")
    return address


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


def open_session(session: Session, *, user_id: int, now: datetime, lasts: timedelta) -> str:
    """Open a browser session and return its secret, for a cookie; forget those that have ended."""
    secret = secrets.token_urlsafe(32)
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= now))
    session.add(
        BrowserSession(
            user_id=user_id, digest=digest_of(secret), created_at=now, expires_at=now + lasts
        )
    )
    return secret


def close_session(session: Session, *, secret: str) -> None:
    session.execute(delete(BrowserSession).where(BrowserSession.digest == digest_of(secret)))


def create_token(
    session: Session, *, email: str, scope: Scope, days: int | None, now: datetime
) -> str:
    """Make a token and return it; this is the only time that anyone sees it.

    Raises:
        NotFound: no account has the address.
        FieldInvalid: the scope is organize and the person is no organizer.
    """
    user = user_by_email(session, normal_email(email))
    if user is None:
        raise NotFound(f"{email} has no account; make one with `luss admin user {email}`.")
    if scope is Scope.ORGANIZE and not user.is_organizer:
        raise FieldInvalid(f"{email} is no organizer, so no token of that scope.", field="scope")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    session.add(
        ApiToken(
            user_id=user.id,
            digest=digest_of(token),
            hint=token[: len(TOKEN_PREFIX) + 4],
            scope=scope,
            created_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
        )
    )
    return token
