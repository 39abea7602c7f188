"""Tokens as JSON."""

from datetime import datetime

from pydantic import Field

from server.accounts.tokens import MOST_DAYS
from server.models import MAX_TOKEN_NAME, ApiToken, Scope
from server.payload import Payload, example

_TOKEN = {
    "id": "m7c2hxd9u4nwe8rp",
    "name": "laptop",
    "scope": "submit",
    "hint": "luss_Vb3k",
    "created_at": "2026-11-20T12:00:00Z",
    "expires_at": "2027-02-18T12:00:00Z",
    "last_used_at": None,
}
_SECRET = {"token": "luss_Vb3kExampleExampleExampleExample"}


class NewToken(Payload):
    """What a token is to be; without days it is valid as long as the one that asks."""

    model_config = example(name="laptop", scope="submit", days=90)

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

    model_config = example(**_TOKEN, **_SECRET)

    token: str


class TokenList(Payload):
    model_config = example(tokens=[_TOKEN])

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
