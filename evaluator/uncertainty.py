"""Uncertainty: what the scores would have been on other images of the same kind.

The bootstrap over images: a resample draws as many images as the split has, with replacement, and
is scored like the split; the spread of the resampled scores tells how far the score may be off.
METRICS.md gives the formulas and says why the intervals are basic ones.

All predictions of a split share their resamples, so that comparing two of them image by image is
a subtraction of resampled values.

Conventions: percentages, as in `scores`. Sums of pixels are products of two matrices: how often
each image was drawn, (images, resamples), and the pixels that each image adds to each total of
the split, (images, columns), which is sparse because an image holds few classes. Both are float64:
sums of integers are exact in it up to 2**53, whatever their order (a split holds about 2**33
pixels, and float32 ends at 2**24), and it multiplies faster than int64.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evaluator.errors import BadTallies
from evaluator.protocol import CONFIDENCE, HEADLINE_SCORES, OTHER, RESAMPLES, SIZE_BINS
from evaluator.scores import (
    Scores,
    Shares,
    f_betas,
    images_right,
    scores_of,
    size_bins,
)
from evaluator.tally import ON_PREDICTION, ON_TRUTH, Tallies, TallyGroup

Interval = tuple[float, float]
Percentages = NDArray[np.float64]

_SIZES = tuple(size for size, _ in SIZE_BINS)
_IOU_SCORES = ("miou", "bmiou", *(f"{of}_{size}" for size in _SIZES for of in ("miou", "bmiou")))
"""Scores that are means of IoU over classes, in the order of the totals' columns."""
_KINDS = ("hit", "truth", "predicted")
_HIT, _TRUTH, _PREDICTED = range(len(_KINDS))

_ENTRIES_AT_ONCE = 2**21
"""Entries of the sparse matrix that are kept until they are multiplied: 24 MB."""
_RESAMPLES_AT_ONCE = 125
"""Resamples of one product: a row of the dense operand is then 1 kB, and the operand 27 MB."""


class Resamples:
    """How often each image of a split is drawn in each resample.

    Images count in the order of their sorted names. The draws depend on nothing but the seed and
    the number of images, and not on the version of any library: the k-th resample reads 32-bit
    words from SHAKE-256 of the seed and k, and word w stands for image floor(w * images / 2**32).
    Some images are thus likelier than others by a share of images / 2**32, which is nothing.
    Whoever has only resampled values cannot tell the seed, so a secret one stays secret.
    """

    def __init__(self, seed: bytes, images: int, *, count: int = RESAMPLES) -> None:
        """Draw `count` resamples.

        Raises:
            ValueError: there is no image to draw, or no resample asked for.
        """
        if images < 1 or count < 1:
            raise ValueError(f"cannot draw {count} resamples of {images} images")
        self.images = images
        self.count = count
        times = np.empty((count, images), np.min_scalar_type(images))
        for k in range(count):
            times[k] = np.bincount(_drawn(seed, k, images), minlength=images)
        self.times: NDArray[np.unsignedinteger] = np.ascontiguousarray(times.T)
        """Shape (images, resamples); each column sums to `images`."""

    @classmethod
    def of_tallies(cls, tallies: Tallies, *, seed: bytes | None = None) -> Self:
        """The resamples of the images in `tallies`, by default from the public seed."""
        if seed is None:
            seed = public_seed(tallies.origin.truth_version)
        return cls(seed, tallies.images)


def public_seed(truth_version: str) -> bytes:
    """The seed that anybody can derive, for work offline.

    A service must use a secret seed instead: with a known one, the resampled values of several
    predictions would tell of single images.
    """
    return f"luss resamples\n{truth_version}".encode()


def _drawn(seed: bytes, k: int, images: int) -> NDArray[np.int64]:
    """The images of the k-th resample, as indices."""
    stream = hashlib.shake_256(seed + k.to_bytes(4, "little")).digest(4 * images)
    words = np.frombuffer(stream, "<u4").astype(np.uint64)
    return (words * np.uint64(images) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ImageStatistics:
    """What each of some images adds to the scores of the split.

    `pixels` has shape (images, columns), a column for each score in `_IOU_SCORES`, kind of pixel
    in `_KINDS` and class, in this order; `right` and `f_beta` have shape (images,).
    """

    names: tuple[str, ...]
    pixels: sparse.csr_array[np.float64]
    right: NDArray[np.bool_]
    f_beta: Shares
    """0..1."""


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


def image_statistics(group: TallyGroup, *, classes: int) -> ImageStatistics:
    """Add up the rows of each image."""
    image = group.image_of_row()
    entries = list(_entries(group, image, classes))
    columns = np.concatenate([column for column, _ in entries])
    rows = np.concatenate([row for _, row in entries])
    pixels = group.pixels[rows].astype(np.float64)
    shape = (len(group.names), _columns(classes))
    return ImageStatistics(
        names=group.names,
        pixels=sparse.coo_array((pixels, (image[rows], columns)), shape=shape).tocsr(),
        right=images_right(group, image, classes),
        f_beta=f_betas(group, image, len(group.names)),
    )


def headline_scores(
    totals: NDArray[np.float64], *, occurs: NDArray[np.bool_], right: Shares, f_beta: Shares
) -> dict[str, Percentages]:
    """Scores of several sets of images at once.

    Args:
        totals: pixels, shape (columns, sets), the columns as in `ImageStatistics`.
        occurs: shape (2, C + 1), whether the whole split has any region and any boundary of each
            class. Those that it has are left out of the mean of a set that does not have them;
            those that it lacks score 0 everywhere, as they do in the score itself.
        right: share of images that are right, shape (sets,).
        f_beta: mean of F, shape (sets,).

    Returns:
        Percentages by name, each of shape (sets,), NaN where a set has no such score.
    """
    totals = totals.reshape(len(_IOU_SCORES), len(_KINDS), -1, totals.shape[-1])
    scores = {"img_acc": 100 * right, "f_beta": 100 * f_beta}
    for index, name in enumerate(_IOU_SCORES):
        hit, truth, predicted = totals[index]
        union = truth + predicted - hit
        iou = np.divide(hit, union, out=np.zeros(union.shape), where=union > 0)
        is_by_size = index >= len(occurs)
        averaged = truth > 0 if is_by_size else (union > 0) | ~occurs[index][:, np.newaxis]
        scores[name] = 100 * _mean_where(averaged, iou)
    return {name: scores[name] for name in HEADLINE_SCORES}


def _entries(
    group: TallyGroup, image: NDArray[np.int64], classes: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Columns of `ImageStatistics`, and the rows of the group that each adds to one of them."""
    for measure, (on_truth, on_prediction) in enumerate(_pixels_of_scores(group, image)):
        hit = on_truth & on_prediction & (group.truth == group.prediction)
        of_class = on_prediction & (group.prediction <= classes)
        for kind, ids, chosen in (
            (_HIT, group.truth, hit),
            (_TRUTH, group.truth, on_truth),
            (_PREDICTED, group.prediction, of_class),
        ):
            rows = np.flatnonzero(chosen)
            yield (measure * len(_KINDS) + kind) * (classes + 1) + ids[rows].astype(np.int64), rows


def _pixels_of_scores(
    group: TallyGroup, image: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """For each of `_IOU_SCORES`, which rows count as truth and which as prediction."""
    everywhere = np.ones(len(group.pixels), bool)
    on_truth = group.boundary & ON_TRUTH > 0
    on_prediction = group.boundary & ON_PREDICTION > 0
    yield everywhere, everywhere
    yield on_truth, on_prediction
    size_bin, has_bin = size_bins(group, image)
    for index in range(len(SIZE_BINS)):
        of_size = np.where(group.truth == OTHER, has_bin[image, index], size_bin == index)
        yield of_size, of_size
        yield of_size & on_truth, of_size & on_prediction


def _columns(classes: int) -> int:
    return len(_IOU_SCORES) * len(_KINDS) * (classes + 1)


def _in_large_blocks(blocks: Iterable[ImageStatistics]) -> Iterator[ImageStatistics]:
    """The same images in blocks that are worth a product, and still small."""
    waiting: list[ImageStatistics] = []
    entries = 0
    for block in blocks:
        waiting.append(block)
        entries += block.pixels.nnz
        if entries >= _ENTRIES_AT_ONCE:
            yield _together(waiting)
            waiting, entries = [], 0
    if waiting:
        yield _together(waiting)


def _together(blocks: list[ImageStatistics]) -> ImageStatistics:
    return ImageStatistics(
        names=tuple(name for block in blocks for name in block.names),
        pixels=sparse.vstack([block.pixels for block in blocks], format="csr"),
        right=np.concatenate([block.right for block in blocks]),
        f_beta=np.concatenate([block.f_beta for block in blocks]),
    )


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


def occurring(whole: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each class has any region, and any boundary, shape (2, C + 1).

    Args:
        whole: pixels of the whole split, shape (columns,), as in `ImageStatistics`.
    """
    totals = whole.reshape(len(_IOU_SCORES), len(_KINDS), -1)
    occurs: NDArray[np.bool_] = totals[:2, _TRUTH] + totals[:2, _PREDICTED] > 0
    return occurs


def _mean_where(chosen: NDArray[np.bool_], values: Shares) -> Shares:
    """Means of columns over the chosen entries; NaN where none is chosen."""
    sums, numbers = np.where(chosen, values, 0).sum(axis=0), chosen.sum(axis=0)
    means: Shares = np.full(sums.shape, np.nan)
    np.divide(sums, numbers, out=means, where=numbers > 0)
    return means


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
