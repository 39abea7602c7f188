"""The home page's overview: who leads on each board, and which of them take entries."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from server.boards.contexts import BoardOverview, Door, HomePage, Leader, SubsetOverview
from server.boards.table import PRIMARY, Row, Table, tables_of
from server.cache import Cache
from server.catalogue import queries as catalogue
from server.models import Board, BoardPhase, Protocol, SplitName
from server.protocols import TITLES
from server.web.board_links import board_path
from server.web.opening import opening_of


def home_page(session: Session, cache: Cache, *, now: datetime) -> HomePage:
    boards = catalogue.boards(session)
    rows = tables_of(
        session, cache, [board for board in boards if board.split.name is SplitName.TEST]
    )
    by_subset: dict[int, list[Board]] = {}
    for board in boards:
        by_subset.setdefault(board.split.subset_id, []).append(board)
    return HomePage(subsets=tuple(_subset(group, rows, now) for group in by_subset.values()))


def _subset(boards: Sequence[Board], rows: Mapping[int, Table], now: datetime) -> SubsetOverview:
    subset = boards[0].split.subset
    doors = {(board.protocol, board.split.name): _door(board, now) for board in boards}
    return SubsetOverview(
        title=subset.title,
        classes=subset.classes,
        has_truth=any(door.has_truth for door in doors.values()),
        is_open=any(
            door.has_truth and door.opening.phase is BoardPhase.OPEN for door in doors.values()
        ),
        boards=tuple(
            _board(
                board.protocol,
                rows[board.id],
                test=doors[board.protocol, SplitName.TEST],
                validation=doors[board.protocol, SplitName.VAL],
            )
            for board in boards
            if board.split.name is SplitName.TEST
        ),
    )


def _door(board: Board, now: datetime) -> Door:
    return Door(
        url=board_path(board),
        has_truth=board.split.truth_version is not None,
        opening=opening_of(board, board.phase_at(now)),
    )


def _board(
    protocol: Protocol, rows: Sequence[Row], *, test: Door, validation: Door
) -> BoardOverview:
    verified = [row for row in rows if row.kind == "verified"]
    reported = [row for row in rows if row.kind == "reported"]
    return BoardOverview(
        protocol_title=TITLES[protocol],
        test=test,
        validation=validation,
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
