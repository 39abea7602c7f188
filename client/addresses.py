"""From `--protocol`, `--subset` and `--split` to a board that the server has."""

from collections.abc import Sequence

from client.api import BoardAddress
from client.documents import BoardSummary, Catalogue
from client.errors import UsageMistake
from client.suggestions import unknown


def board_address(catalogue: Catalogue, *, protocol: str, subset: str, split: str) -> BoardAddress:
    """Find the board.

    Raises:
        UsageMistake: the server has no such board; says which word is wrong.
    """
    boards = catalogue["boards"]
    _check("protocol", protocol, [board["protocol"] for board in boards])
    known_split(catalogue, subset=subset, split=split)
    address = BoardAddress(protocol, subset, split)
    if address not in map(_address, boards):
        raise UsageMistake(f"The server has no board {protocol} {subset} {split}.")
    return address


def known_split(catalogue: Catalogue, *, subset: str, split: str) -> None:
    """Refuse a subset or a split that the server does not have.

    Raises:
        UsageMistake: says which word is wrong, and which was probably meant.
    """
    boards = catalogue["boards"]
    _check("subset", subset, [board["subset"] for board in boards])
    _check("split", split, [board["split"] for board in boards])


def _check(option: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise UsageMistake(unknown(option, word, known))


def _address(board: BoardSummary) -> BoardAddress:
    return BoardAddress(board["protocol"], board["subset"], board["split"])
