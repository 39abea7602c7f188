"""API tokens: several a person, each shown once, kept as a digest."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from server.accounts.queries import is_valid_token, tokens_of, user_by_email
from server.digests import digest_of, new_secret
from server.errors import FieldInvalid, LimitReached, NotFound
from server.mail.address import normal_email
from server.models import MAX_TOKEN_NAME, ApiToken, Scope, User
from server.text_line import line_of_text

TOKEN_PREFIX = "luss_"  # noqa: S105  # lets secret scanners recognise a leaked one
MOST_TOKENS = 50
MOST_DAYS = 3650


def create(
    session: Session,
    user: User,
    *,
    scope: Scope,
    days: int | None,
    now: datetime,
    name: str = "",
    latest: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token and return its row and the token; this is the only time that anyone sees it.

    Args:
        session: of a unit of work.
        user: whose token it is.
        scope: what it may be used for.
        days: how long it is valid, at most 3650; None for ever.
        now: the time.
        name: what its owner knows it by.
        latest: when it ends at the latest, as the token does that asks for it.

    Raises:
        FieldInvalid: the scope is organize and the person is no organizer, or the name is too long.
        LimitReached: the person has as many as anybody may have.
    """
    if scope is Scope.ORGANIZE and not user.is_organizer:
        raise FieldInvalid(
            f"{user.email} is no organizer, so no token of that scope.", field="scope"
        )
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise FieldInvalid(f"A token is valid for 1 to {MOST_DAYS} days, not {days}.", field="days")
    label = line_of_text(name, field="name", called="The name", longest=MAX_TOKEN_NAME)
    if len(tokens_of(session, user_id=user.id, now=now)) >= MOST_TOKENS:
        raise LimitReached(f"You have {MOST_TOKENS} tokens; revoke one that you do not need.")
    wanted = None if days is None else now + timedelta(days=days)
    token = TOKEN_PREFIX + new_secret()
    row = ApiToken(
        user_id=user.id,
        name=label,
        digest=digest_of(token),
        hint=token[: len(TOKEN_PREFIX) + 4],
        scope=scope,
        created_at=now,
        expires_at=min((end for end in (wanted, latest) if end is not None), default=None),
    )
    session.add(row)
    session.flush()  # its public id is told at once
    return row, token


def create_for(
    session: Session, *, email: str, scope: Scope, days: int | None, now: datetime
) -> str:
    """Make a token for the account of an address, as an operator does, and return it.

    Raises:
        NotFound: no account has the address.
        FieldInvalid, LimitReached: see `create`.
    """
    user = user_by_email(session, normal_email(email))
    if user is None:
        raise NotFound(f"{email} has no account; make one with `luss admin user {email}`.")
    _, token = create(session, user, scope=scope, days=days, now=now)
    return token


def revoke(session: Session, *, user_id: int, public_id: str, now: datetime) -> None:
    """End a token of this person's for good.

    Raises:
        NotFound: there is none that is valid, or it is another person's.
    """
    revoked = session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.public_id == public_id, *is_valid_token(now))
        .values(revoked_at=now)
        .returning(ApiToken.id)
    ).one_or_none()
    if revoked is None:
        raise NotFound(f"You have no token {public_id!r}.")


def revoke_all(session: Session, *, user_id: int, now: datetime) -> None:
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
