"""What a board is called on other pages, and where it lies."""

from server.models import Board
from server.protocols import TITLES
from server.web.links import Link

SETTINGS = "/organizing"


def board_title(board: Board) -> str:
    return f"{TITLES[board.protocol]}, {board.split.subset.title}, {board.split.name}"


def board_path(board: Board) -> str:
    return f"/boards/{board.protocol}/{board.split.subset.slug}/{board.split.name}"


def settings_path(board: Board) -> str:
    """Return where organizers set a board."""
    return f"{SETTINGS}{board_path(board)}"


def board_link(board: Board) -> Link:
    return Link(text=board_title(board), url=board_path(board))
