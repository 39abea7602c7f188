"""From entries to the page that compares them."""

from collections.abc import Sequence
from math import ceil
from string import ascii_uppercase

from sqlalchemy.orm import Session

from server.boards.board_page import SPLIT_TITLES
from server.boards.comparison import Entry, Pair, compared, ids_of, pairs_of
from server.boards.contexts import (
    ComparedEntry,
    ComparePage,
    DifferenceLine,
    PairTable,
    Whisker,
)
from server.protocols import TITLES
from server.resampled import Difference
from server.score_names import SCORE_GROUPS, ScoreGroup, ScoreName
from server.visibility import Reader, method_called, team_called
from server.web.board_links import board_path
from server.web.links import Link


def compare_page(session: Session, asked: Sequence[str], reader: Reader) -> ComparePage:
    """Compare the entries of an address; with fewer than two the page says how to choose them."""
    ids = ids_of(asked)
    if len(ids) < 2:  # noqa: PLR2004  # a comparison takes two
        return ComparePage(entries=(), pairs=(), axis_end=1, resamples=0, json_url=None)
    entries = compared(session, ids, reader)
    pairs = pairs_of(session, entries)
    axis_end = _axis_end(pairs)
    return ComparePage(
        entries=tuple(
            _entry(entry, letter, ids, reader)
            for entry, letter in zip(entries, ascii_uppercase, strict=False)
        ),
        pairs=tuple(
            _table(pair, letter, axis_end)
            for pair, letter in zip(pairs, ascii_uppercase[1:], strict=False)
        ),
        axis_end=axis_end,
        resamples=pairs[0].resamples,
        json_url=f"/api/v1/compare?ids={','.join(ids)}",
    )


def _axis_end(pairs: Sequence[Pair]) -> int:
    """Return where the axis of differences ends on both sides of 0, in percent points."""
    ends = [
        abs(end) for pair in pairs for gap in pair.scores.values() for end in (gap.low, gap.high)
    ]
    return ceil(max(ends, default=0)) or 1


def _entry(entry: Entry, letter: str, ids: Sequence[str], reader: Reader) -> ComparedEntry:
    submission = entry.submission
    board, split = submission.board, submission.board.split
    others = [each for each in ids if each != submission.public_id]
    return ComparedEntry(
        letter=letter,
        method=method_called(submission, reader) or submission.public_id,
        team=team_called(submission, reader),
        board=Link(
            text=f"{TITLES[board.protocol]}, {split.subset.title}, {SPLIT_TITLES[split.name]}",
            url=board_path(board),
        ),
        url=f"/submissions/{submission.public_id}",
        date=submission.created_at,
        first_url=f"/compare?ids={','.join([submission.public_id, *others])}",
    )


def _table(pair: Pair, letter: str, axis_end: int) -> PairTable:
    return PairTable(
        letter=letter,
        lines=tuple(
            _line(group, name, pair.scores[name.key], letter, axis_end)
            for group in SCORE_GROUPS
            for name in group.scores
            if name.key in pair.scores
        ),
    )


def _line(
    group: ScoreGroup, name: ScoreName, gap: Difference, letter: str, axis_end: int
) -> DifferenceLine:
    return DifferenceLine(
        name=name.key,
        label=f"{group.metric} {name.label}".strip(),
        a=gap.a,
        b=gap.b,
        difference=gap.difference,
        interval=(gap.low, gap.high),
        b_wins=gap.b_wins,
        verdict="tie" if gap.is_tie else f"{'A' if gap.low > 0 else letter} is better",
        whisker=Whisker(
            place=_place(gap.difference, axis_end),
            low=_place(gap.low, axis_end),
            high=_place(gap.high, axis_end),
        ),
    )


def _place(points: float, axis_end: int) -> float:
    """Return where a difference lies on an axis with 0 in the middle, in percent of its length."""
    return round(50 + 50 * points / axis_end, 2)
