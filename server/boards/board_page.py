"""From a board's rows to its page.

Most of it is the same for many readers, and is written once for all of them: they differ in which
rows are their team's, in whether they may change its settings, and in the frame around it.
"""

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from math import ceil

from sqlalchemy.orm import Session

from server.boards import queries
from server.boards.board_controls import filters_of, leaf_of, sort_links
from server.boards.contexts import BoardContent, BoardPage, Cell, Line, Switch, Whisker
from server.boards.queries import BoardState
from server.boards.table import PRIMARY, Row, Table, table_of
from server.boards.view import BoardPageView, BoardView
from server.boards.written import rows_seen
from server.cache import Cache
from server.catalogue import queries as catalogue
from server.models import Board, BoardDetail, BoardPhase, SplitName
from server.protocols import SUMMARIES, TITLES, rules_of
from server.score_names import OVERALL, SCORE_GROUPS, SIZES, ScoreGroup
from server.visibility import Reader
from server.web.board_links import board_path, settings_path
from server.web.links import Link
from server.web.opening import opening_of
from server.web.templating import written

SPLIT_TITLES = {SplitName.TEST: "test", SplitName.VAL: "validation"}
EXPORTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("JSON", {}),
    ("CSV", {"format": "csv"}),
    ("LaTeX", {"format": "latex"}),
)
PAGE_LENGTH = 200
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def board_page(
    session: Session,
    cache: Cache,
    state: BoardState,
    view: BoardPageView,
    reader: Reader,
) -> BoardPage:
    """Return a board's page as a reader sees it, kept for its revision and phase."""
    mine = _teams_on(session, cache, state).intersection(reader.team_ids)
    key = "board", state, view, mine, reader.is_organizer
    kept: BoardPage | None = cache.get(key)
    if kept is not None:
        return kept
    board = queries.whole(session, state.board_id)
    content = written(
        _content(
            session,
            cache,
            board,
            state.phase,
            view,
            team_ids=mine,
            is_organizer=reader.is_organizer,
        )
    )
    page = BoardPage(
        protocol_title=TITLES[board.protocol],
        subset_title=board.split.subset.title,
        split_title=SPLIT_TITLES[board.split.name],
        content=content,
    )
    cache.put(key, page, size_bytes=sys.getsizeof(content))
    return page


def _teams_on(session: Session, cache: Cache, state: BoardState) -> frozenset[int]:
    """Return the teams that have rows on a board."""
    key = "teams", state.board_id, state.revision
    teams: frozenset[int] | None = cache.get(key)
    if teams is None:
        table = table_of(session, cache, queries.whole(session, state.board_id))
        teams = frozenset(row.team_id for row in table if row.team_id is not None)
        cache.put(key, teams, size_bytes=sys.getsizeof(teams))
    return teams


def _content(
    session: Session,
    cache: Cache,
    board: Board,
    phase: BoardPhase,
    view: BoardPageView,
    *,
    team_ids: Collection[int],
    is_organizer: bool,
) -> BoardContent:
    table = table_of(session, cache, board)
    found = rows_seen(session, cache, board, view)
    start = (view.page - 1) * PAGE_LENGTH
    rows = found[start : start + PAGE_LENGTH]
    groups = _known_groups(table)
    axis_end = _axis_end(table)
    lines = partial(
        _lines,
        best=_best(table, _names(groups)),
        axis_end=axis_end,
        team_ids=team_ids,
    )
    split, subset = board.split, board.split.subset
    path = board_path(board)
    return BoardContent(
        protocol_title=TITLES[board.protocol],
        protocol_summary=SUMMARIES[board.protocol],
        subset_title=subset.title,
        split_title=SPLIT_TITLES[split.name],
        is_validation=split.name is SplitName.VAL,
        has_truth=split.truth_version is not None,
        opening=opening_of(board, phase),
        classes=subset.classes,
        images=queries.images_of(session, split),
        revision=board.revision,
        path=path,
        switches=_switches(catalogue.boards(session), board),
        filters=filters_of(view, table),
        sorts=sort_links(view, groups),
        leaf=leaf_of(view, len(found), length=PAGE_LENGTH),
        has_groups=any(row.group for row in table),
        score_groups=groups,
        meanings=OVERALL.scores if groups == (OVERALL,) else (*OVERALL.scores, *SIZES),
        axis_end=axis_end,
        verified=lines(row for row in rows if row.kind == "verified"),
        reported=lines(row for row in rows if row.kind == "reported" and row.rank),
        unranked=lines(row for row in rows if row.kind == "reported" and not row.rank),
        is_empty=not any(row.kind == "verified" for row in table),
        rules=rules_of(board.protocol, subset=subset.title),
        exports=_exports(board, view),
        submit_url=f"/submit?protocol={board.protocol}&subset={subset.slug}&split={split.name}",
        settings_url=settings_path(board) if is_organizer else None,
    )


def _exports(board: Board, view: BoardView) -> tuple[Link, ...]:
    """Lead to the rows that are seen here, in other forms."""
    path = f"/api/v1{board_path(board)}"
    links = [Link(text=text, url=f"{path}{view.query(**asked)}") for text, asked in EXPORTS]
    if board.split.is_public or board.detail is not BoardDetail.SUMMARY:
        per_class = view.query(format="csv", detail="per-class")
        links.append(Link(text="CSV per class", url=f"{path}{per_class}"))
    return tuple(links)


def _known_groups(rows: Sequence[Row]) -> tuple[ScoreGroup, ...]:
    """Return the groups of which any row knows a score: publications seldom give all of them."""
    known = {name for row in rows for name, value in row.scores.items() if value is not None}
    return tuple(
        group
        for group in SCORE_GROUPS
        if group is OVERALL or any(score.key in known for score in group.scores)
    )


def _names(groups: Iterable[ScoreGroup]) -> tuple[str, ...]:
    return tuple(score.key for group in groups for score in group.scores)


def _switches(boards: Iterable[Board], here: Board) -> tuple[Switch, ...]:
    """Offer, for each part of the address, the boards that differ from this one in it alone."""
    protocol, subset, split = here.protocol, here.split.subset, here.split.name
    protocols, subsets, splits = [], [], []
    for board in boards:
        same_protocol = board.protocol is protocol
        same_subset = board.split.subset_id == subset.id
        same_split = board.split.name is split
        if same_subset and same_split:
            protocols.append(_switch_to(board, TITLES[board.protocol], here))
        if same_protocol and same_split:
            subsets.append(_switch_to(board, board.split.subset.title, here))
        if same_protocol and same_subset:
            splits.append(_switch_to(board, SPLIT_TITLES[board.split.name].title(), here))
    return (
        Switch(label="Protocol", links=tuple(protocols)),
        Switch(label="Data set", links=tuple(subsets)),
        Switch(label="Split", links=tuple(splits)),
    )


def _switch_to(board: Board, text: str, here: Board) -> Link:
    return Link(text=text, url=board_path(board), is_current=board.id == here.id)


def _axis_end(rows: Sequence[Row]) -> int:
    """Return where the axis of the primary score ends: the first multiple of ten above all."""
    highest = max((row.scores[PRIMARY] or 0.0 for row in rows), default=0.0)
    widest = max((row.intervals[PRIMARY][1] for row in rows if PRIMARY in row.intervals), default=0)
    return min(100, 10 * ceil(max(highest, widest, 1) / 10))


def _best(table: Table, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the highest score of the ranked rows of each kind, by kind and name."""
    return {
        kind: {
            name: max(
                (row.scores[name] or 0.0 for row in table if row.rank and row.kind == kind),
                default=0.0,
            )
            for name in names
        }
        for kind in ("verified", "reported")
    }


def _lines(
    rows: Iterable[Row],
    *,
    best: Mapping[str, Mapping[str, float]],
    axis_end: int,
    team_ids: Collection[int],
) -> tuple[Line, ...]:
    return tuple(
        _line(row, best[row.kind], axis_end, is_own=row.team_id in team_ids) for row in rows
    )


def _line(row: Row, best: Mapping[str, float], axis_end: int, *, is_own: bool) -> Line:
    return Line(
        rank=row.rank,
        group=row.group,
        counts=row.counts,
        is_pinned=row.pinned,
        is_run_here=row.run_here,
        compare_id=row.submission,
        method=row.method,
        method_url=f"/methods/{row.method_slug}" if row.method_slug else None,
        team=row.team,
        backbone=row.backbone,
        is_own=is_own,
        anonymous_until=row.anonymous_until,
        unranked_because=row.unranked_because,
        cells=tuple(_cell(row, name, best[name]) for name in best),
        whisker=_whisker(row, axis_end),
        origin=row.date or row.source or "",
        origin_url=_origin_url(row),
    )


def _whisker(row: Row, axis_end: int) -> Whisker | None:
    score = row.scores[PRIMARY]
    if score is None:
        return None
    low, high = row.intervals.get(PRIMARY, (None, None))
    return Whisker(
        place=_percent(score, axis_end),
        low=None if low is None else _percent(low, axis_end),
        high=None if high is None else _percent(high, axis_end),
    )


def _percent(score: float, axis_end: int) -> float:
    return round(100 * score / axis_end, 2)


def _cell(row: Row, name: str, best: float) -> Cell:
    value = row.scores[name]
    interval = row.intervals.get(name)
    return Cell(
        name=name,
        value=value,
        is_best=row.rank is not None and value == best,
        interval=(interval[0], interval[1]) if interval else None,
    )


def _origin_url(row: Row) -> str | None:
    """Lead from a verified row to its submission, from a reported one to the paper it names."""
    if row.submission:
        return f"/submissions/{row.submission}"
    paper = ARXIV.search(row.source or "")
    return f"https://arxiv.org/abs/{paper[1]}" if paper else None
