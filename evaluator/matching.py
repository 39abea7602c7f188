"""Default matching: which category each generated id stands for, found from the tallies.

A method that learned without labels is matched by images: with I(c, g) the number of images in
which category c and generated id g both occur, the map is the permutation of 1..C that

1. has the largest sum of I over its pairs;
2. among those, the largest sum of shared pixels;
3. among those, the lexicographically smallest sequence of categories of the ids that were
   generated, in the order of these ids. Ids that were never generated then take the categories
   that are left, smallest first.

Source: the ImageNet-S toolbox for 1, and METRICS.md for 2 and 3, which make the map unique.

Conventions: C categories and generated ids 1..C; in arrays both count from 0. "Other", ignored
pixels and generated ids above C take no part.
"""

import json
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from evaluator.atomic_file import replacing
from evaluator.errors import BadTallies
from evaluator.match_map import MatchMap
from evaluator.overlap import Overlap, overlap_of
from evaluator.protocol import OTHER
from evaluator.tally import Tallies

Weights = NDArray[np.int64]
"""Shape (C, C), index [generated id, category], none negative."""

Pairs = NDArray[np.bool_]
"""Shape (C, C), likewise: which pairs may stand in a map."""

Owned = NDArray[np.intp]
"""A permutation, shape (C,): the category of each generated id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The default map of one prediction, and how much it could be based on."""

    match: MatchMap
    image_sum: int
    """The sum that the map maximises: images that hold both of a pair, over all pairs."""
    pixel_sum: int
    """Pixels that the pairs share."""
    unseen: tuple[int, ...]
    """Ids of 1..C that were generated on no scored pixel."""

    def to_json(self) -> dict[str, object]:
        return {
            "match": self.match.to_json(),
            "image_sum": self.image_sum,
            "pixel_sum": self.pixel_sum,
            "unseen": list(self.unseen),
        }


def matching_of(tallies: Tallies) -> Matching:
    """The default map of a prediction.

    Raises:
        BadTallies: they were taken after another map.
    """
    if tallies.origin.match_hash:
        raise BadTallies(
            f"{tallies.path} was taken after a map: its ids are categories, not generated ids"
        )
    return matching_from(overlap_of(tallies))


def matching_from(overlap: Overlap) -> Matching:
    """The default map, given how truth and unmapped prediction overlap."""
    images, pixels = overlap.category_images().T, overlap.category_pixels().T
    seen = overlap.pixels[:, OTHER + 1 : -1].any(axis=0)
    allowed = np.ones(images.shape, bool)
    for weights in (images, pixels):
        owned, allowed = best_pairs(weights, allowed)
    order = np.concatenate([np.flatnonzero(seen), np.flatnonzero(~seen)])
    owned = smallest_permutation(owned, allowed, order)
    every = np.arange(len(owned))
    return Matching(
        # "0" comes last, as the official scripts write it.
        match=MatchMap({**_numbered_from_1(owned), OTHER: OTHER}),
        image_sum=int(images[every, owned].sum()),
        pixel_sum=int(pixels[every, owned].sum()),
        unseen=tuple((np.flatnonzero(~seen) + 1).tolist()),
    )


def write_match(match: MatchMap, path: str | os.PathLike[str]) -> None:
    """Write a match.json in the form of the official scripts, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(f"{json.dumps(match.to_json())}\n", encoding="ascii")


def best_pairs(weights: Weights, allowed: Pairs) -> tuple[Owned, Pairs]:
    """The permutations of the largest sum: one of them, and the pairs that make up all of them.

    A permutation within `allowed` has the largest sum exactly when it uses only the returned
    pairs. So several sums can be maximised one after the other, without adding up weights of
    unlike size that no float could hold.

    Args:
        weights: what a pair adds to the sum.
        allowed: pairs that may be used; some permutation does with them.

    Raises:
        ArithmeticError: the weights are too large for scipy's solver.
    """
    # The solver counts in float64. Its numbers are sums of weights along a path, so they stay
    # whole while the sum of all is below 2**53; _prices would notice if they did not.
    _, owned = linear_sum_assignment(np.where(allowed, weights, -np.inf), maximize=True)
    return owned, allowed & (_surplus(weights, allowed, owned) == 0)


def _surplus(weights: Weights, allowed: Pairs, owned: Owned) -> Weights:
    """What a permutation loses by each pair, at least 0 on `allowed`; 0 on the pairs in `owned`.

    By linear programming duality a permutation is optimal exactly when there are prices for
    categories at which every id already owns what pays it best. Whoever prefers another category
    raises its price, until nobody does: the algorithm of Bellman and Ford, in integers. It ends
    within C rounds unless `owned` is not optimal, so it is also the proof that `owned` is.
    """
    size = len(owned)
    prices = np.zeros(size, np.int64)
    owned_weights = weights[np.arange(size), owned]
    never = np.iinfo(np.int64).min // 4
    gains = np.where(allowed, weights - owned_weights[:, np.newaxis], never)
    for _ in range(size + 1):
        # What each id would pay for each category rather than keep its own at today's price.
        bids = gains + prices[owned][:, np.newaxis]
        offered = bids.max(axis=0)
        if (offered <= prices).all():
            surplus: Weights = prices - bids
            return surplus
        prices = np.maximum(prices, offered)
    raise ArithmeticError("the weights are too large to be matched exactly")


def smallest_permutation(owned: Owned, allowed: Pairs, order: Owned) -> Owned:
    """The lexicographically smallest permutation, ids taken in `order`.

    Args:
        owned: any permutation within `allowed`.
        allowed: pairs that may be used.
        order: every id once, the one that chooses first at the front.
    """
    owned = owned.copy()
    owner = np.argsort(owned)
    free = np.ones(len(owned), bool)  # categories that nobody has chosen yet
    for chooser in order:
        given_up = owned[chooser]
        wanted = np.flatnonzero(allowed[chooser, :given_up] & free[:given_up])
        if wanted.size:
            chain = _chain(wanted, given_up, takes=allowed[owner], free=free)
            takers = [chooser, *owner[chain[:-1]]]
            owned[takers], owner[chain] = chain, takers
        free[owned[chooser]] = False
    return owned


def _chain(wanted: Owned, given_up: int, *, takes: Pairs, free: Pairs) -> list[int]:
    """Categories that change hands so that someone gets the smallest possible of `wanted`.

    The owner of each takes the next, that of the last but one takes `given_up`, the last. Found
    by breadth from the end; `given_up` alone where nobody wanted can be compensated.

    Args:
        takes: whether the owner of the first category may own the second, shape (C, C).
        free: categories that may change hands, shape (C,).
    """
    following = np.full(len(free), -1)
    unreached = free.copy()
    unreached[given_up] = False
    frontier = np.array([given_up])
    while frontier.size:
        into_frontier = takes[:, frontier] & unreached[:, np.newaxis]
        reached = np.flatnonzero(into_frontier.any(axis=1))
        following[reached] = frontier[into_frontier[reached].argmax(axis=1)]
        unreached[reached] = False
        frontier = reached
    possible = wanted[following[wanted] >= 0]
    chain = [int(possible[0]) if possible.size else given_up]
    while chain[-1] != given_up:
        chain.append(int(following[chain[-1]]))
    return chain


def _numbered_from_1(owned: Owned) -> dict[int, int]:
    return {generated + 1: category + 1 for generated, category in enumerate(owned.tolist())}
