"""The board of an address as people write it."""

from typing import Annotated

from fastapi import Depends

from server.addresses import protocol_named, split_named, unknown
from server.catalogue import queries as catalogue
from server.dependencies import ReadingDep
from server.errors import NotFound
from server.models import Board


def board_named(session: ReadingDep, protocol: str, subset: str, split: str) -> Board:
    """Find the board of an address as people write it.

    Raises:
        NotFound: with "did you mean" for the word that is unknown.
    """
    slugs = catalogue.subset_slugs(session)
    if subset not in slugs:
        raise unknown(subset, slugs, "subset")
    board = catalogue.board(
        session, protocol=protocol_named(protocol), subset=subset, split=split_named(split)
    )
    if board is None:
        raise NotFound(f"There is no board {protocol}/{subset}/{split}.")
    return board


NamedBoardDep = Annotated[Board, Depends(board_named)]
