"""Boards as JSON."""

from dataclasses import asdict
from typing import Literal

from server.boards.table import PRIMARY, Row
from server.models import Board, Protocol, SplitName
from server.payload import Payload
from server.protocols import FACTS, allowed_facts


class BoardRow(Payload):
    rank: int | None
    group: int | None
    kind: Literal["verified", "reported"]
    method: str
    method_slug: str | None
    team: str | None
    backbone: str | None
    submission: str | None
    scores: dict[str, float | None]
    intervals: dict[str, list[float]]
    source: str | None
    date: str | None
    unranked_because: str | None


class BoardPayload(Payload):
    protocol: Protocol
    subset: str
    split: SplitName
    primary: str
    revision: int
    declarations: dict[str, bool]
    rows: list[BoardRow]


class BoardSummary(Payload):
    protocol: Protocol
    subset: str
    split: SplitName
    open: bool
    revision: int
    url: str


class FactPayload(Payload):
    key: str
    question: str


class BoardList(Payload):
    boards: list[BoardSummary]
    facts: list[FactPayload]


def board_payload(board: Board, rows: list[Row]) -> BoardPayload:
    return BoardPayload(
        protocol=board.protocol,
        subset=board.split.subset.slug,
        split=board.split.name,
        primary=PRIMARY,
        revision=board.revision,
        declarations=allowed_facts(board.protocol),
        rows=[BoardRow(group=None, **asdict(row)) for row in rows],
    )


def board_list(boards: list[Board], *, site_url: str) -> BoardList:
    return BoardList(
        boards=[
            BoardSummary(
                protocol=board.protocol,
                subset=board.split.subset.slug,
                split=board.split.name,
                open=board.split.truth_version is not None,
                revision=board.revision,
                url=f"{site_url}/boards/{board.protocol}/{board.split.subset.slug}/"
                f"{board.split.name}",
            )
            for board in boards
        ],
        facts=[
            FactPayload(key=fact.key, question=fact.question.format(subset="this subset"))
            for fact in FACTS
        ],
    )
