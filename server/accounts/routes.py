"""The API of tokens. A token makes others of its own scope and lifetime at most."""

from fastapi import APIRouter, Response

from server.accounts import queries, tokens
from server.accounts.schemas import MadeToken, NewToken, TokenList, payload_of
from server.dependencies import ApiViewerDep, ReadingDep, RoomsDep, WorkDep, signed_in, submitter
from server.errors import FieldInvalid, LimitReached, NotAllowed, NotFound
from server.web.api_description import TOKEN, problems
from server.web.parameters import TokenId

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


@router.post(
    "",
    status_code=201,
    responses=problems(NotAllowed, LimitReached, FieldInvalid),
    openapi_extra=TOKEN,
)
def create(
    wanted: NewToken, viewer: ApiViewerDep, session: WorkDep, built: RoomsDep, response: Response
) -> MadeToken:
    """Make a token, of at most the scope and the lifetime of the token that asks."""
    user = queries.user_by_id(session, submitter(viewer))
    if not viewer.scope.includes(wanted.scope):
        raise NotAllowed(f"A token of scope {viewer.scope} cannot make one of {wanted.scope}.")
    row, token = tokens.create(
        session,
        user,
        scope=wanted.scope,
        days=wanted.days,
        name=wanted.name,
        latest=viewer.token_ends_at,
        now=built.clock.now(),
    )
    response.headers["Cache-Control"] = "no-store"
    return MadeToken(**payload_of(row).model_dump(), token=token)


@router.get("", openapi_extra=TOKEN)
def index(viewer: ApiViewerDep, session: ReadingDep, built: RoomsDep) -> TokenList:
    """List the caller's tokens that are valid, the newest first."""
    rows = queries.tokens_of(session, user_id=signed_in(viewer), now=built.clock.now())
    return TokenList(tokens=[payload_of(row) for row in rows])


@router.delete(
    "/{token_id}",
    status_code=204,
    responses=problems(NotAllowed, NotFound),
    openapi_extra=TOKEN,
)
def revoke(token_id: TokenId, viewer: ApiViewerDep, session: WorkDep, built: RoomsDep) -> None:
    """Revoke a token of the caller's; it may be the one that asks."""
    user_id = submitter(viewer)
    tokens.revoke(session, user_id=user_id, public_id=token_id, now=built.clock.now())
