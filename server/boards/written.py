"""A board as bytes, written once for each revision, phase and view of it."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from server.boards import queries
from server.boards.exports import as_csv, as_latex, per_class_csv
from server.boards.queries import BoardState
from server.boards.schemas import board_payload
from server.boards.table import Table, table_of, with_others
from server.boards.view import BoardExport, BoardView, seen
from server.cache import Cache
from server.catalogue import queries as catalogue
from server.disclosure import PerClass, per_class
from server.errors import DetailWithheld, FieldInvalid
from server.models import Board, BoardDetail, BoardPhase
from server.web.conditional import etag_of

MEDIA_TYPES = {"json": "application/json", "csv": "text/csv", "latex": "text/x-tex"}


@dataclass(frozen=True, slots=True)
class Written:
    body: bytes
    etag: str
    media_type: str


def written(session: Session, cache: Cache, state: BoardState, export: BoardExport) -> Written:
    """Return the board in the form that is asked for.

    Raises:
        DetailWithheld: the board shows nothing per class.
        FieldInvalid: there is no such form of it.
    """
    key = "written", state, export
    kept: Written | None = cache.get(key)
    if kept is None:
        board = queries.whole(session, state.board_id)
        body = _body(session, cache, board, state.phase, export).encode()
        etag = etag_of(body, revision=state.revision)
        kept = Written(body, etag, MEDIA_TYPES[export.format])
        cache.put(key, kept, size_bytes=len(body))
    return kept


def rows_seen(session: Session, cache: Cache, board: Board, view: BoardView) -> Table:
    table = table_of(session, cache, board)
    return seen(with_others(session, board, table) if view.entries == "all" else table, view)


def _body(
    session: Session, cache: Cache, board: Board, phase: BoardPhase, export: BoardExport
) -> str:
    rows = rows_seen(session, cache, board, export)
    classes: dict[int, PerClass] = {}
    if export.detail == "per-class":
        classes = _classes(session, board, rows)
    if export.format == "latex":
        if classes:
            raise FieldInvalid("There is no LaTeX per class; ask for csv or json.", field="detail")
        return as_latex(rows)
    if export.format == "csv":
        if export.detail == "per-class":
            categories = catalogue.categories(session, board.split.subset_id)
            return per_class_csv(rows, classes, categories)
        return as_csv(rows)
    return board_payload(board, phase, rows, classes).model_dump_json()


def _classes(session: Session, board: Board, rows: Table) -> dict[int, PerClass]:
    if board.detail is BoardDetail.SUMMARY and not board.split.is_public:
        raise DetailWithheld("This board shows no scores per class; its organizers decide that.")
    ids = [row.score_id for row in rows if row.score_id is not None]
    scores = queries.per_class(session, ids)
    shown = {score_id: per_class(score, board) for score_id, score in scores.items()}
    return {score_id: classes for score_id, classes in shown.items() if classes is not None}
