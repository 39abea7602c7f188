"""The home page's overview: who leads on each board."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from server.boards.contexts import BoardOverview, HomePage, Leader, SubsetOverview
from server.boards.table import PRIMARY, Row, Table, tables_of
from server.cache import Cache
from server.catalogue import queries as catalogue
from server.models import Board, Protocol, SplitName
from server.protocols import TITLES
from server.web.board_links import board_path


def home_page(session: Session, cache: Cache) -> HomePage:
    boards = catalogue.boards(session)
    tests = [board for board in boards if board.split.name is SplitName.TEST]
    rows = tables_of(session, cache, tests)
    validation = {
        (board.split.subset_id, board.protocol): board_path(board)
        for board in boards
        if board.split.name is SplitName.VAL
    }
    by_subset: dict[int, list[Board]] = {}
    for board in tests:
        by_subset.setdefault(board.split.subset_id, []).append(board)
    return HomePage(subsets=tuple(_subset(group, rows, validation) for group in by_subset.values()))


def _subset(
    boards: Sequence[Board],
    rows: dict[int, Table],
    validation: dict[tuple[int, Protocol], str],
) -> SubsetOverview:
    split, subset = boards[0].split, boards[0].split.subset
    return SubsetOverview(
        title=subset.title,
        classes=subset.classes,
        is_open=split.truth_version is not None,
        boards=tuple(
            _board(board, rows[board.id], validation[subset.id, board.protocol]) for board in boards
        ),
    )


def _board(board: Board, rows: Sequence[Row], validation_url: str) -> BoardOverview:
    verified = [row for row in rows if row.kind == "verified"]
    reported = [row for row in rows if row.kind == "reported"]
    return BoardOverview(
        protocol_title=TITLES[board.protocol],
        test_url=board_path(board),
        validation_url=validation_url,
        verified=_leader(verified),
        reported=_leader(reported),
        verified_count=len(verified),
        reported_count=len(reported),
    )


def _leader(rows: Sequence[Row]) -> Leader | None:
    """Return the first row that has a rank: rows come best first."""
    first = next((row for row in rows if row.rank), None)
    if first is None:
        return None
    return Leader(
        method=first.method,
        method_url=f"/methods/{first.method_slug}" if first.method_slug else None,
        backbone=first.backbone,
        miou=first.scores[PRIMARY],
    )
