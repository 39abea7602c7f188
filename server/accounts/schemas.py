"""Tokens as JSON."""

from datetime import datetime

from pydantic import Field

from server.accounts.tokens import MOST_DAYS
from server.models import MAX_TOKEN_NAME, ApiToken, Scope
from server.payload import Payload


class NewToken(Payload):
    """What a token is to be; without days it is valid as long as the one that asks."""

    name: str = Field("", max_length=MAX_TOKEN_NAME)
    scope: Scope
    days: int | None = Field(None, ge=1, le=MOST_DAYS)


class TokenPayload(Payload):
    id: str
    name: str
    scope: Scope
    hint: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class MadeToken(TokenPayload):
    """A token that was just made: the only answer that holds it."""

    token: str


class TokenList(Payload):
    tokens: list[TokenPayload]


def payload_of(row: ApiToken) -> TokenPayload:
    return TokenPayload(
        id=row.public_id,
        name=row.name,
        scope=row.scope,
        hint=row.hint,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
