"""When a board takes entries, for the pages that lead to submitting."""

from dataclasses import dataclass
from datetime import datetime

from server.models import Board, BoardPhase


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A board's phase and times, and what its organizers say of it."""

    phase: BoardPhase
    opens_at: datetime | None
    closes_at: datetime | None
    note: str | None


def opening_of(board: Board, phase: BoardPhase) -> Opening:
    return Opening(phase=phase, opens_at=board.opens_at, closes_at=board.closes_at, note=board.note)
