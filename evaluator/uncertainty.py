"""Uncertainty: what the scores would have been on other images of the same kind.

The bootstrap over images: a resample draws as many images as the split has, with replacement, and
is scored like the split; the spread of the resampled scores tells how far the score may be off.
METRICS.md gives the formulas and says why the intervals are basic ones.

All predictions of a split share their resamples, so that comparing two of them image by image is
a subtraction of resampled values.

Conventions: percentages, as in `scores`. Sums of pixels are products of two matrices: how often
each image was drawn, (images, resamples), and what each image adds, (images, columns).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evaluator.errors import BadTallies
from evaluator.image_statistics import (
    ImageStatistics,
    Percentages,
    headline_scores,
    image_statistics,
    occurring,
    together,
)
from evaluator.protocol import CONFIDENCE, HEADLINE_SCORES
from evaluator.resamples import Resamples
from evaluator.scores import Scores, Shares, scores_of
from evaluator.tally import Tallies

Interval = tuple[float, float]

_ENTRIES_AT_ONCE = 2**21
"""Entries of the sparse matrix that are kept until they are multiplied: 24 MB."""
_RESAMPLES_AT_ONCE = 125
"""Resamples of one product: a row of the dense operand is then 1 kB, and the operand 27 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class ResampledScores:
    """The headline scores of each resample, by name, shape (resamples,), in percent.

    NaN where a resample has no such score: none of its images has an object of that size.
    """

    values: Mapping[str, Percentages]

    def intervals(self, scores: Scores) -> dict[str, Interval]:
        """The 95 % interval around each of `scores`, in percent.

        A score that is None has no interval.
        """
        return {
            name: basic_interval(score, self.values[name], limits=(0, 100))
            for name, score in scores.headline().items()
            if score is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One score of two predictions, in percent; `difference` is a - b, so negative if b is better.

    `low` and `high` are the 95 % interval of the difference. `b_wins` is the share of resamples in
    which b is better, 0..1; those in which both are equal count half.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    b_wins: float

    @property
    def is_tie(self) -> bool:
        """Whether the resamples cannot tell the two apart."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two predictions of the same images; scores that the truth does not allow are left out."""

    scores: Mapping[str, Difference]
    resamples: int

    def to_json(self) -> dict[str, object]:
        return {
            "scores": {
                name: {key: getattr(found, key) for key in Difference.__dataclass_fields__}
                for name, found in self.scores.items()
            },
            "resamples": self.resamples,
        }


def resample(tallies: Tallies, resamples: Resamples) -> ResampledScores:
    """Score every resample of the images in `tallies`.

    Raises:
        ValueError: the resamples are of another number of images.
    """
    classes = tallies.origin.classes
    blocks = (image_statistics(group, classes=classes) for group in tallies.groups())
    return resample_statistics(blocks, resamples, order=sorted(tallies.names()))


def resample_statistics(
    blocks: Iterable[ImageStatistics], resamples: Resamples, *, order: Sequence[str]
) -> ResampledScores:
    """Score every resample of the images in `blocks`, whose names `order` lists as they count.

    Raises:
        ValueError: the resamples are of another number of images.
    """
    images = len(order)
    if images != resamples.images:
        raise ValueError(f"resamples of {resamples.images} images for {images}")
    place = {name: index for index, name in enumerate(order)}
    totals, whole = np.zeros((0, resamples.count)), np.zeros(0)
    right, f_beta = np.zeros(images), np.zeros(images)
    for block in _in_large_blocks(blocks):
        places = np.array([place[name] for name in block.names])
        right[places], f_beta[places] = block.right, block.f_beta
        if not len(whole):
            columns = block.pixels.shape[1]
            totals, whole = np.zeros((columns, resamples.count)), np.zeros(columns)
        whole += block.pixels.sum(axis=0)
        _add_product(totals, block.pixels, resamples, places)
    return ResampledScores(
        headline_scores(
            totals,
            occurs=occurring(whole),
            right=_means(right, resamples),
            f_beta=_means(f_beta, resamples),
        )
    )


def compare(a: Tallies, b: Tallies, *, seed: bytes | None = None) -> Comparison:
    """Compare two predictions by the same resamples of their common images.

    Args:
        seed: where the resamples come from; by default the public seed of the truth.

    Raises:
        BadTallies: they are of unlike truth, images or scorer version, or damaged.
    """
    _refuse_unlike(a, b)
    resamples = Resamples.of_tallies(a, seed=seed)
    return difference(scores_of(a), resample(a, resamples), scores_of(b), resample(b, resamples))


def difference(
    a: Scores, resampled_a: ResampledScores, b: Scores, resampled_b: ResampledScores
) -> Comparison:
    """Compare two predictions whose scores were resampled alike."""
    of_a, of_b = a.headline(), b.headline()
    found = {}
    for name in HEADLINE_SCORES:
        score_a, score_b = of_a[name], of_b[name]
        if score_a is None or score_b is None:
            continue
        gaps = resampled_a.values[name] - resampled_b.values[name]
        low, high = basic_interval(score_a - score_b, gaps, limits=(-100, 100))
        known = gaps[~np.isnan(gaps)]
        found[name] = Difference(
            a=score_a,
            b=score_b,
            difference=score_a - score_b,
            low=low,
            high=high,
            b_wins=float(np.mean((1 - np.sign(known)) / 2)),
        )
    return Comparison(scores=found, resamples=len(resampled_a.values[HEADLINE_SCORES[0]]))


def basic_interval(
    value: float, resampled: Percentages, *, limits: tuple[float, float]
) -> Interval:
    """[2 x - q97.5, 2 x - q2.5], cut off at `limits`.

    Args:
        value: x, what was found on the whole split.
        resampled: what was found on each resample, shape (resamples,); NaN is left out.

    Raises:
        ValueError: no resample has a value.
    """
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        raise ValueError("no resample has this score")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.clip(2 * value - np.quantile(known, [1 - tail, tail]), *limits)
    return float(low), float(high)


def _in_large_blocks(blocks: Iterable[ImageStatistics]) -> Iterator[ImageStatistics]:
    """The same images in blocks that are worth a product, and still small."""
    waiting: list[ImageStatistics] = []
    entries = 0
    for block in blocks:
        waiting.append(block)
        entries += block.pixels.nnz
        if entries >= _ENTRIES_AT_ONCE:
            yield together(waiting)
            waiting, entries = [], 0
    if waiting:
        yield together(waiting)


def _add_product(
    totals: NDArray[np.float64],
    pixels: sparse.csr_array[np.float64],
    resamples: Resamples,
    places: NDArray[np.int64],
) -> None:
    """Add what these images contribute to each resample."""
    by_column = pixels.tocsc().T
    for start in range(0, resamples.count, _RESAMPLES_AT_ONCE):
        some = slice(start, start + _RESAMPLES_AT_ONCE)
        totals[:, some] += by_column @ resamples.times[places, some].astype(np.float64)


def _means(values: NDArray[np.float64], resamples: Resamples) -> Shares:
    """Means over the images of each resample, shape (resamples,)."""
    some = range(0, resamples.count, _RESAMPLES_AT_ONCE)
    times = (resamples.times[:, start : start + _RESAMPLES_AT_ONCE] for start in some)
    return np.concatenate([values @ part.astype(np.float64) for part in times]) / resamples.images


def _refuse_unlike(a: Tallies, b: Tallies) -> None:
    for what in ("truth_version", "scorer_version", "classes"):
        of_a, of_b = getattr(a.origin, what), getattr(b.origin, what)
        if of_a != of_b:
            raise BadTallies(
                f"{a.path} and {b.path} cannot be compared:"
                f" their {what.replace('_', ' ')} is {of_a} and {of_b}"
            )
    if sorted(a.names()) != sorted(b.names()):
        raise BadTallies(f"{a.path} and {b.path} cannot be compared: their images are not the same")
