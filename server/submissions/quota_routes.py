"""The API of quotas: what is left to a team on a board."""

from typing import Annotated

from fastapi import APIRouter, Query

from server.addresses import board_named
from server.dependencies import ApiViewerDep, ReadingDep, RoomsDep, signed_in
from server.errors import FieldInvalid, NotFound
from server.quota import quota_of
from server.submissions.schemas import QuotaPayload, quota_payload
from server.web.api_description import TOKEN, problems
from server.web.parameters import ProtocolWord, SplitWord, SubsetWord

router = APIRouter(prefix="/api/v1/boards", tags=["submissions"])


TeamName = Annotated[
    str, Query(description="Id or name of a team; one's own where left out.", examples=[""])
]


@router.get(
    "/{protocol}/{subset}/{split}/quota",
    responses=problems(NotFound, FieldInvalid),
    openapi_extra=TOKEN,
)
def show(
    protocol: ProtocolWord,
    subset: SubsetWord,
    split: SplitWord,
    *,
    viewer: ApiViewerDep,
    session: ReadingDep,
    built: RoomsDep,
    team: TeamName = "",
) -> QuotaPayload:
    """Return how much of a board's limits a team of the caller's has used, by default their own.

    A limit is null where there is none. ``resets_at`` is when some of what is used stops to count,
    null where nobody can say.
    """
    signed_in(viewer)
    board = board_named(session, protocol=protocol, subset=subset, split=split)
    team_id = viewer.team_named(team).id
    return quota_payload(quota_of(session, board, team_id=team_id, now=built.clock.now()))
