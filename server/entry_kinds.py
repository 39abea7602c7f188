"""What an entry is made of: masks, or weights that this server makes the masks with."""

from enum import StrEnum

from server.errors import FieldInvalid, ImagesMissing, TooLarge, WeightsNotTaken, WeightsTooLarge
from server.models import Board, Protocol
from server.protocols import TITLES
from server.settings import Settings

WEIGHTS_PROTOCOL = Protocol.DISTANCE_MATCHING
"""The one that says by itself how masks come from a backbone: nothing is trained or chosen."""


class EntryKind(StrEnum):
    MASKS = "masks"
    WEIGHTS = "weights"


def kind_named(word: str) -> EntryKind:
    """Read a kind; nothing said is masks.

    Raises:
        FieldInvalid: there is no such kind.
    """
    if word not in {"", *EntryKind}:
        raise FieldInvalid(f"kind is {word!r}; it may be masks or weights.", field="kind")
    return EntryKind(word or EntryKind.MASKS)


def check_board(kind: EntryKind, board: Board) -> None:
    """Refuse weights where they cannot be run.

    Raises:
        WeightsNotTaken: the protocol does not say how masks come from a backbone.
        ImagesMissing: the images of the split are not here.
    """
    if kind is EntryKind.MASKS:
        return
    if board.protocol is not WEIGHTS_PROTOCOL:
        raise WeightsNotTaken(
            f"Under {TITLES[board.protocol]} masks are submitted; weights are taken under "
            f"{TITLES[WEIGHTS_PROTOCOL]} alone.",
            field="kind",
        )
    check_images(board)


def check_images(board: Board) -> None:
    """Refuse to run a model without images.

    Raises:
        ImagesMissing: those of the split are not here.
    """
    split = board.split
    if split.image_folder is None:
        raise ImagesMissing(
            f"The images of {split.subset.slug} {split.name} are not registered on this server; "
            "its operator names their folder with `luss admin dataset ... --images`."
        )


def check_size(kind: EntryKind, size_bytes: int, settings: Settings) -> None:
    """Refuse a file that is larger than its kind may be.

    Raises:
        TooLarge, WeightsTooLarge: it is.
    """
    limit = largest(kind, settings)
    if size_bytes <= limit:
        return
    if kind is EntryKind.WEIGHTS:
        raise WeightsTooLarge(f"The weights are larger than {limit} bytes, the most that is taken.")
    raise TooLarge(f"The archive is larger than {limit} bytes, the most that is taken.")


def largest(kind: EntryKind, settings: Settings) -> int:
    """Return how many bytes a file of a kind may have; both ways in share the upload's limit."""
    if kind is EntryKind.WEIGHTS:
        return min(settings.weights_limit_bytes, settings.upload_limit_bytes)
    return settings.upload_limit_bytes
