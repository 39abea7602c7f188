"""What each image adds to the scores of its split, and the scores of many sets of images at once.

Conventions: percentages, as in `scores`. The pixels that each image adds to each total of the split
are one matrix, (images, columns), sparse because an image holds few classes. It is float64: sums of
integers are exact in it up to 2**53, whatever their order (a split holds about 2**33 pixels, and
float32 ends at 2**24), and it multiplies faster than int64.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from evaluator.protocol import HEADLINE_SCORES, OTHER, SIZE_BINS
from evaluator.scores import Shares, f_betas, images_right, size_bins
from evaluator.tally import ON_PREDICTION, ON_TRUTH, TallyGroup

Percentages = NDArray[np.float64]

_SIZES = tuple(size for size, _ in SIZE_BINS)
_IOU_SCORES = ("miou", "bmiou", *(f"{of}_{size}" for size in _SIZES for of in ("miou", "bmiou")))
"""Scores that are means of IoU over classes, in the order of the totals' columns."""
_KINDS = ("hit", "truth", "predicted")
_HIT, _TRUTH, _PREDICTED = range(len(_KINDS))


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


def together(blocks: Sequence[ImageStatistics]) -> ImageStatistics:
    """The statistics of all images in `blocks`, in order."""
    return ImageStatistics(
        names=tuple(name for block in blocks for name in block.names),
        pixels=sparse.vstack([block.pixels for block in blocks], format="csr"),
        right=np.concatenate([block.right for block in blocks]),
        f_beta=np.concatenate([block.f_beta for block in blocks]),
    )
