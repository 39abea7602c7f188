"""The API of boards, open to everyone."""

from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from server.addresses import split_named, unknown
from server.boards.exports import as_csv, as_latex
from server.boards.lookup import board_named
from server.boards.schemas import BoardList, BoardPayload, board_list, board_payload
from server.boards.table import rows_of
from server.catalogue import queries as catalogue
from server.dependencies import ReadingDep, SettingsDep
from server.errors import TruthMissing

router = APIRouter(prefix="/api/v1", tags=["boards"])


@router.get("/boards")
def index(session: ReadingDep, settings: SettingsDep) -> BoardList:
    """List every board, and the facts that each submission declares."""
    return board_list(list(catalogue.boards(session)), site_url=settings.site_url)


@router.get("/boards/{protocol}/{subset}/{split}", response_model=BoardPayload)
def show(
    protocol: str,
    subset: str,
    split: str,
    session: ReadingDep,
    format: Literal["json", "csv", "latex"] = "json",  # noqa: A002  # the name is the interface's
) -> BoardPayload | Response:
    """Return a board with its rows, best first."""
    board = board_named(session, protocol, subset, split)
    rows = rows_of(session, board)
    if format == "csv":
        return PlainTextResponse(as_csv(rows), media_type="text/csv")
    if format == "latex":
        return PlainTextResponse(as_latex(rows), media_type="text/x-tex")
    return board_payload(board, rows)


@router.get("/datasets/{subset}/{split}/manifest")
def manifest(subset: str, split: str, session: ReadingDep) -> dict[str, tuple[int, int]]:
    """Return the names wanted in a zip, each with its image's height and width."""
    found = catalogue.split(session, subset=subset, name=split_named(split))
    if found is None:
        raise unknown(subset, catalogue.subset_slugs(session), "subset")
    truth = catalogue.truth_version(session, found.id, found.truth_version)
    if truth is None:
        raise TruthMissing(f"The {split} split of {subset} has no truth on this server yet.")
    sizes: dict[str, tuple[int, int]] = truth.manifest
    return sizes
