"""What stands around a board's rows: filters, heads to sort by, and the way to further pages.

All of it is links and one form that asks by GET: each view of a board has an address to share.
"""

from collections.abc import Iterable, Sequence
from math import ceil

from server.boards.contexts import Filters, Leaf, SortLink
from server.boards.table import Table
from server.boards.view import BoardPageView, BoardView
from server.score_names import ScoreGroup
from server.web.links import Choice

KINDS = (("all", "verified and reported"), ("verified", "verified"), ("reported", "reported"))
ENTRIES = (("counting", "the one that counts"), ("all", "all of each method"))
TEXT_COLUMNS = (
    ("rank", "Rank"),
    ("method", "Method"),
    ("team", "team"),
    ("network", "network"),
    ("date", "date"),
)


def filters_of(view: BoardView, table: Table) -> Filters:
    """Return the form as the view fills it in; it offers the training schemes that there are."""
    schemes = sorted({row.training_scheme for row in table if row.training_scheme})
    offered = dict.fromkeys([*schemes, view.scheme] if view.scheme else schemes)
    return Filters(
        team=view.team,
        network=view.network,
        schemes=_choices([("", "any"), *((each, each) for each in offered)], view.scheme),
        kinds=_choices(KINDS, view.kind),
        entries=_choices(ENTRIES, view.entries),
        kept=tuple(
            (name, getattr(view, name))
            for name in ("sort", "order")
            if name in view.model_dump(exclude_defaults=True)
        ),
        is_active=view.is_filtered or view.entries == "all",
    )


def _choices(options: Iterable[tuple[str, str]], chosen: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(value=value, text=text, is_chosen=value == chosen) for value, text in options
    )


def sort_links(view: BoardPageView, groups: Sequence[ScoreGroup]) -> dict[str, SortLink]:
    """Return a link for each column: to its natural order, or back to front where that is shown."""
    scores = [(score.key, score.label) for group in groups for score in group.scores]
    return {column: _sort_link(view, column, text) for column, text in (*TEXT_COLUMNS, *scores)}


def _sort_link(view: BoardPageView, column: str, text: str) -> SortLink:
    by_column = BoardPageView(**view.model_dump(exclude={"sort", "order", "page"}), sort=column)
    if view.sort != column:
        return SortLink(text=text, url=by_column.query() or "?", direction="")
    natural = by_column.is_falling
    other = "asc" if natural else "desc"
    url = by_column.query(order=other) if view.is_falling is natural else by_column.query()
    return SortLink(
        text=text, url=url or "?", direction="descending" if view.is_falling else "ascending"
    )


def leaf_of(view: BoardPageView, total: int, *, length: int) -> Leaf | None:
    """Return which rows this page has; None where one page has them all."""
    pages = ceil(total / length)
    if pages <= 1 and view.page == 1:
        return None
    first = (view.page - 1) * length
    return Leaf(
        first=min(first + 1, total),
        last=min(first + length, total),
        total=total,
        before_url=_leaf_url(view, min(view.page - 1, pages)) if view.page > 1 else None,
        after_url=_leaf_url(view, view.page + 1) if view.page < pages else None,
    )


def _leaf_url(view: BoardPageView, page: int) -> str:
    other = view.model_copy(update={"page": page})
    return other.query() or "?"
