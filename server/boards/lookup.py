"""The board of an address as people write it."""

from sqlalchemy.orm import Session

from server.addresses import protocol_named, split_named, unknown
from server.boards import queries
from server.errors import NotFound
from server.models import Board


def board_named(session: Session, protocol: str, subset: str, split: str) -> Board:
    """Find the board of an address as people write it.

    Raises:
        NotFound: with "did you mean" for the word that is unknown.
    """
    slugs = queries.subset_slugs(session)
    if subset not in slugs:
        raise unknown(subset, slugs, "subset")
    board = queries.board(
        session, protocol=protocol_named(protocol), subset=subset, split=split_named(split)
    )
    if board is None:
        raise NotFound(f"There is no board {protocol}/{subset}/{split}.")
    return board
