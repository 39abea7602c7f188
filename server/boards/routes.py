"""The API of boards, open to everyone."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from server.addresses import split_named, unknown
from server.boards.comparison import compared, ids_of, pairs_of
from server.boards.lookup import state_of
from server.boards.schemas import (
    BoardList,
    BoardPayload,
    ComparePayload,
    Manifest,
    board_list,
    compare_payload,
)
from server.boards.view import BoardExport
from server.boards.written import written
from server.catalogue import queries as catalogue
from server.dependencies import ApiViewerDep, ReadingDep, RoomsDep, rooms
from server.errors import (
    DetailWithheld,
    EntriesUnlike,
    FieldInvalid,
    NotFound,
    TruthMissing,
)
from server.web.api_description import TOKEN_OR_NOBODY, problems
from server.web.conditional import answer
from server.web.parameters import ProtocolWord, SplitWord, SubsetWord

router = APIRouter(prefix="/api/v1", tags=["boards"])

_KEPT = {
    "ETag": {"description": "Changes with what the board shows.", "schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string"}},
}
BOARD_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The board, in the form that was asked for.",
        "headers": _KEPT,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "text/x-tex": {"schema": {"type": "string"}},
        },
    },
    304: {
        "description": "What If-None-Match names is still what the board shows.",
        "headers": _KEPT,
    },
    **problems(NotFound, DetailWithheld, FieldInvalid),
}
IF_NONE_MATCH = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "description": "The ETag of an answer that is kept.",
            "schema": {"type": "string"},
            "example": '"17-0123456789abcdef"',
        }
    ]
}


ComparedIds = Annotated[
    list[str],
    Query(
        description="Two to ten ids of submissions: repeated, or with commas between them.",
        examples=[["k3v9mzt2qyxw7adh,d5q8gkx3v7zt2ymb"]],
    ),
]


@router.get("/boards")
def index(session: ReadingDep, built: RoomsDep) -> BoardList:
    """List every board, and the facts that each submission declares."""
    boards, now = list(catalogue.boards(session)), built.clock.now()
    return board_list(boards, now=now, site_url=built.settings.site_url)


@router.get(
    "/boards/{protocol}/{subset}/{split}",
    response_model=BoardPayload,
    responses=BOARD_ANSWERS,
    openapi_extra=IF_NONE_MATCH,
)
def show(
    request: Request,
    protocol: ProtocolWord,
    subset: SubsetWord,
    split: SplitWord,
    export: Annotated[BoardExport, Query()],
) -> Response:
    """Return a board with its rows, best first; with If-None-Match, 304 if it is still the same.

    It opens its session itself: the dependency's changes of thread would cost more than the query.
    """
    built = rooms(request)
    with built.database.reading() as session:
        state = state_of(session, protocol, subset, split, now=built.clock.now())
        found = written(session, built.cache, state, export)
    return answer(request, found.body, etag=found.etag, media_type=found.media_type)


@router.get(
    "/compare",
    responses=problems(NotFound, EntriesUnlike, FieldInvalid),
    openapi_extra=TOKEN_OR_NOBODY,
)
def compare(viewer: ApiViewerDep, session: ReadingDep, ids: ComparedIds) -> ComparePayload:
    """Compare entries by the resamples that they share: the first against each of the others."""
    entries = compared(session, ids_of(ids), team_ids=viewer.team_ids)
    return compare_payload(entries, pairs_of(session, entries))


@router.get("/datasets/{subset}/{split}/manifest", responses=problems(NotFound, TruthMissing))
def manifest(subset: SubsetWord, split: SplitWord, session: ReadingDep) -> Manifest:
    """Return the names wanted in a zip, each with its image's height and width."""
    found = catalogue.split(session, subset=subset, name=split_named(split))
    if found is None:
        raise unknown(subset, catalogue.subset_slugs(session), "subset")
    truth = catalogue.truth_version(session, found.id, found.truth_version)
    if truth is None:
        raise TruthMissing(f"The {split} split of {subset} has no truth on this server yet.")
    return Manifest(truth.manifest)
