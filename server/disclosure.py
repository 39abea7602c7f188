"""What of an entry's scores is shown to people: on a hidden split, as its board says.

Headline scores are always shown. Nothing here, and nothing that the database has, is per image.
"""

from dataclasses import dataclass

from server.models import Board, BoardDetail, Score

SHOWN_DECIMALS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PerClass:
    """IoU and boundary IoU of each class in percent, index = class id."""

    iou: tuple[float, ...]
    boundary_iou: tuple[float, ...]


def per_class(score: Score, board: Board) -> PerClass | None:
    """Return what a board shows of an entry's classes; None where it shows nothing of them."""
    if board.split.is_public or board.detail is BoardDetail.EXACT:
        return PerClass(iou=tuple(score.per_class_iou), boundary_iou=tuple(score.per_class_biou))
    if board.detail is BoardDetail.SUMMARY:
        return None
    return PerClass(iou=_rounded(score.per_class_iou), boundary_iou=_rounded(score.per_class_biou))


def _rounded(values: list[float]) -> tuple[float, ...]:
    return tuple(round(value, SHOWN_DECIMALS) for value in values)
