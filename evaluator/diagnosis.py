"""What other maps would do with a prediction, and which categories it cannot tell apart.

The default map (`matching.py`) mostly knows which categories and ids share images. Given the
truth's pixels there are two to hold it against: the permutation of the highest mIoU that any has,
and the map that sends each generated id to the category of most of its pixels. Where the first is
much better, images are a poor guide; what the second sends nowhere or together, the method merges
or splits.

For diagnosis only: both have seen the pixels on which they are judged.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluator.match_map import MatchMap
from evaluator.overlap import Overlap
from evaluator.protocol import OTHER
from evaluator.scores import ClassCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedMap:
    """A map, and the mIoU in percent that it gives on the images it was found on."""

    match: MatchMap
    miou: float

    def to_json(self) -> dict[str, object]:
        return {"match": self.match.to_json(), "miou": self.miou}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Three maps of one prediction, and what the last says of the categories."""

    fitted: RatedMap
    """The map in question."""
    one_to_one: RatedMap
    """The permutation of the highest mIoU."""
    many_to_one: RatedMap
    """Each id to the category of most of its pixels; ids on no category's pixels are left out."""
    unmatched: tuple[int, ...]
    """Categories that the truth has and to which `many_to_one` sends no id, ascending."""
    merged: dict[int, tuple[int, ...]]
    """Categories to which `many_to_one` sends several ids, and these, ascending."""

    def to_json(self) -> dict[str, object]:
        return {
            "fitted": self.fitted.to_json(),
            "one_to_one": self.one_to_one.to_json(),
            "many_to_one": self.many_to_one.to_json(),
            "unmatched": list(self.unmatched),
            "merged": {str(category): list(ids) for category, ids in self.merged.items()},
        }


def diagnosis_of(overlap: Overlap, match: MatchMap) -> Diagnosis:
    """Hold a map against the best that the pixels allow.

    Args:
        overlap: of truth and unmapped prediction.
        match: the map in question.
    """
    many_to_one = _most_overlapping(overlap)
    ids_of = _ids_by_category(many_to_one)
    in_truth = np.flatnonzero(overlap.pixels.any(axis=1))
    return Diagnosis(
        fitted=_rated(match, overlap),
        one_to_one=_rated(_best_permutation(overlap), overlap),
        many_to_one=_rated(many_to_one, overlap),
        unmatched=tuple(c for c in in_truth.tolist() if c != OTHER and c not in ids_of),
        merged={c: ids for c, ids in sorted(ids_of.items()) if len(ids) > 1},
    )


def _best_permutation(overlap: Overlap) -> MatchMap:
    """The permutation of the highest mIoU.

    Under a permutation a class has one id, and its IoU depends on nothing else: so the mean is
    a sum over pairs, which an assignment maximises.
    """
    hit = overlap.category_pixels()
    counts = ClassCounts(
        hit=hit,
        truth=overlap.pixels[OTHER + 1 :].sum(axis=1, keepdims=True),
        predicted=overlap.pixels[:, OTHER + 1 : -1].sum(axis=0, keepdims=True),
    )
    categories, generated = linear_sum_assignment(counts.iou(), maximize=True)
    pairs = zip((generated + 1).tolist(), (categories + 1).tolist(), strict=True)
    return MatchMap({OTHER: OTHER, **dict(sorted(pairs))})


def _most_overlapping(overlap: Overlap) -> MatchMap:
    """Each generated id to the category of most of its pixels, the lowest among equals."""
    pixels = overlap.category_pixels()
    overlapping = np.flatnonzero(pixels.any(axis=0))
    best = pixels.argmax(axis=0)[overlapping]
    pairs = zip((overlapping + 1).tolist(), (best + 1).tolist(), strict=True)
    return MatchMap({OTHER: OTHER, **dict(pairs)})


def _ids_by_category(match: MatchMap) -> dict[int, tuple[int, ...]]:
    ids: dict[int, tuple[int, ...]] = {}
    for generated, category in match.categories.items():
        if generated != OTHER:
            ids[category] = (*ids.get(category, ()), generated)
    return ids


def _rated(match: MatchMap, overlap: Overlap) -> RatedMap:
    """The map with its mIoU, counted from pairs instead of from mapped pixels."""
    known = {g: c for g, c in match.categories.items() if g <= overlap.classes}
    generated, categories = np.array([*known]), np.array([*known.values()])
    hit, predicted = np.zeros((2, overlap.classes + 1), np.int64)
    np.add.at(hit, categories, overlap.pixels[categories, generated])
    np.add.at(predicted, categories, overlap.pixels[:, generated].sum(axis=0))
    counts = ClassCounts(hit=hit, truth=overlap.pixels.sum(axis=1), predicted=predicted)
    return RatedMap(match=match, miou=float(100 * counts.iou().mean()))
