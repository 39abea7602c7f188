"""`luss admin board`: what a board takes from whom, and when."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from client import console
from client.options import AsJson
from client.suggestions import check_member

if TYPE_CHECKING:
    from server.models import Board
    from server.organizers.boards import BoardChanges

NONE = "none"


def board(
    protocol: Annotated[str | None, typer.Option(help="Of this protocol only.")] = None,
    subset: Annotated[str | None, typer.Option(help="Of this data set only.")] = None,
    split: Annotated[str | None, typer.Option(help="Of val or test only.")] = None,
    daily: Annotated[
        str | None, typer.Option(metavar="N|none", help="Entries of a team in a UTC day.")
    ] = None,
    total: Annotated[
        str | None, typer.Option(metavar="N|none", help="Entries of a team in all.")
    ] = None,
    in_flight: Annotated[
        str | None, typer.Option(metavar="N|none", help="Entries of a team at a time.")
    ] = None,
    hourly: Annotated[
        str | None,
        typer.Option(metavar="N|none", help="Rejected or failed entries of a team in an hour."),
    ] = None,
    opens: Annotated[
        str | None,
        typer.Option(metavar="TIME|none", help="First moment, like 2027-01-31T12:00+01:00."),
    ] = None,
    closes: Annotated[
        str | None,
        typer.Option(metavar="TIME|none", help="From then on entries are late; UTC if no zone."),
    ] = None,
    paused: Annotated[
        bool | None, typer.Option("--pause/--resume", help="Refuse entries, or take them again.")
    ] = None,
    detail: Annotated[
        str | None,
        typer.Option(help="What a hidden split shows: summary, per_class (rounded) or exact."),
    ] = None,
    note: Annotated[
        str | None, typer.Option(help="A sentence for the board's page; '' removes it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set limits and times of boards, or print them: of all boards that the first options name."""
    from client.administration import boards_as_set
    from server.models import BoardDetail, Protocol, SplitName
    from server.settings import Settings

    limits = {"daily": daily, "total": total, "in-flight": in_flight, "hourly": hourly}
    times = {"opens": opens, "closes": closes}
    others = {
        "is_paused": paused,
        "detail": BoardDetail(check_member(BoardDetail, detail, "detail")) if detail else None,
        "note": note,
    }
    boards = boards_as_set(
        Settings(),
        _changes(limits, times, others),
        protocol=Protocol(check_member(Protocol, protocol, "protocol")) if protocol else None,
        subset=subset,
        split=SplitName(check_member(SplitName, split, "split")) if split else None,
    )
    now = datetime.now(UTC)
    for each in boards:
        for line in _lines(each, now):
            typer.echo(line, err=as_json)
    if as_json:
        console.print_json({"boards": [_document(each, now) for each in boards]})


def _changes(
    limits: Mapping[str, str | None],
    times: Mapping[str, str | None],
    others: Mapping[str, object | None],
) -> "BoardChanges":
    """Return what was given, by the columns' names."""
    changes = {
        **{
            f"{name.replace('-', '_')}_limit": _limit(name, word)
            for name, word in limits.items()
            if word is not None
        },
        **{f"{name}_at": _moment(name, word) for name, word in times.items() if word is not None},
        **{name: value for name, value in others.items() if value is not None},
    }
    return cast("BoardChanges", changes)


def _limit(name: str, word: str) -> int | None:
    if word == NONE:
        return None
    try:
        return int(word)
    except ValueError:
        console.stop(f"--{name} is {word!r}; it is a whole number, or none.", console.USAGE)


def _moment(name: str, word: str) -> datetime | None:
    from server.clock import in_utc

    if word == NONE:
        return None
    try:
        return in_utc(word)
    except ValueError:
        console.stop(
            f"--{name} is {word!r}; it is a time like 2027-01-31T12:00, or none.", console.USAGE
        )


def _lines(board: "Board", now: datetime) -> Iterator[str]:
    yield (
        f"{board.protocol} {board.split.subset.slug} {board.split.name}: {board.phase_at(now)}, "
        f"shows {board.detail}"
    )
    yield (
        f"  a team's entries: {_any(board.daily_limit)} a day, {_any(board.total_limit)} in all, "
        f"{_any(board.in_flight_limit)} at a time, {_any(board.hourly_limit)} refused an hour"
    )
    times = (("opens", board.opens_at), ("closes", board.closes_at))
    for word, moment in times:
        if moment is not None:
            yield f"  {word} {moment:%Y-%m-%d %H:%M:%S} UTC"
    if board.note:
        yield f"  note: {board.note}"


def _any(limit: int | None) -> str:
    return "any number" if limit is None else str(limit)


def _document(board: "Board", now: datetime) -> dict[str, object]:
    return {
        "protocol": board.protocol,
        "subset": board.split.subset.slug,
        "split": board.split.name,
        "phase": board.phase_at(now),
        "opens_at": None if board.opens_at is None else board.opens_at.isoformat(),
        "closes_at": None if board.closes_at is None else board.closes_at.isoformat(),
        "paused": board.is_paused,
        "detail": board.detail,
        "note": board.note,
        "limits": {
            "daily": board.daily_limit,
            "total": board.total_limit,
            "in_flight": board.in_flight_limit,
            "hourly": board.hourly_limit,
        },
    }
