"""Scores: pure functions of tallies. METRICS.md tells each formula and its empty cases.

Conventions: classes are 0 ("other") to C; all arrays per class have C + 1 entries and index = id.
Pixels are counted in integers over the whole split, and divided once. Scores are percentages,
0..100, at full precision.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evaluator.protocol import (
    BETA_SQUARED_TENTHS,
    HEADLINE_SCORES,
    OTHER,
    SIZE_BINS,
)
from evaluator.tally import ON_PREDICTION, ON_TRUTH, Tallies, TallyGroup

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

_BIN_LIMITS = np.array([limit for _, limit in SIZE_BINS])
_NO_BIN = -1


@dataclass(frozen=True, slots=True, eq=False)
class ClassCounts:
    """Pixels per class; all three arrays have shape (..., C + 1)."""

    hit: Counts
    truth: Counts
    predicted: Counts

    def __add__(self, other: Self) -> "ClassCounts":
        return ClassCounts(
            self.hit + other.hit, self.truth + other.truth, self.predicted + other.predicted
        )

    def iou(self) -> Shares:
        """Intersection over union per class, 0..1; 0 where a class never occurs."""
        union = self.truth + self.predicted - self.hit
        iou = np.zeros(union.shape)
        np.divide(self.hit, union, out=iou, where=union > 0)
        return iou


@dataclass(frozen=True, slots=True, eq=False)
class SplitCounts:
    """Everything that the scores of a set of images need; sums of it are the same for their union.

    `regions_by_size` and `boundaries_by_size` have shape (size bins, C + 1).
    """

    regions: ClassCounts
    boundaries: ClassCounts
    regions_by_size: ClassCounts
    boundaries_by_size: ClassCounts
    images: int
    images_right: int
    f_betas: tuple[Shares, ...]
    """F per image, 0..1, in pieces of any length."""

    def __add__(self, other: Self) -> "SplitCounts":
        return SplitCounts(
            self.regions + other.regions,
            self.boundaries + other.boundaries,
            self.regions_by_size + other.regions_by_size,
            self.boundaries_by_size + other.boundaries_by_size,
            self.images + other.images,
            self.images_right + other.images_right,
            self.f_betas + other.f_betas,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All figures of one prediction, in percent; None for a size that no object has."""

    miou: float
    bmiou: float
    img_acc: float
    f_beta: float
    miou_s: float | None
    miou_ms: float | None
    miou_ml: float | None
    miou_l: float | None
    bmiou_s: float | None
    bmiou_ms: float | None
    bmiou_ml: float | None
    bmiou_l: float | None
    miou_no_other: float
    bmiou_no_other: float
    per_class_iou: tuple[float, ...]
    per_class_biou: tuple[float, ...]

    def headline(self) -> dict[str, float | None]:
        """The twelve scores of a board, in its order."""
        return {name: getattr(self, name) for name in HEADLINE_SCORES}

    def to_json(self) -> dict[str, float | list[float] | None]:
        return {
            **self.headline(),
            "miou_no_other": self.miou_no_other,
            "bmiou_no_other": self.bmiou_no_other,
            "per_class_iou": list(self.per_class_iou),
            "per_class_biou": list(self.per_class_biou),
        }


def scores_of(tallies: Tallies) -> Scores:
    """The scores of all images in `tallies`."""
    groups = (split_counts(group, classes=tallies.origin.classes) for group in tallies.groups())
    return scores_from(groups)


def scores_from(counts: Iterable[SplitCounts]) -> Scores:
    """The scores of the union of some sets of images.

    Raises:
        ValueError: there are no images.
    """
    total = reduce(SplitCounts.__add__, counts)
    iou, biou = total.regions.iou(), total.boundaries.iou()
    by_size = {
        f"{name}_{size}": score
        for name, counted in (
            ("miou", total.regions_by_size),
            ("bmiou", total.boundaries_by_size),
        )
        for (size, _), score in zip(SIZE_BINS, _means_where_truth(counted), strict=True)
    }
    return Scores(
        miou=_percent(iou.mean()),
        bmiou=_percent(biou.mean()),
        img_acc=_percent(total.images_right / total.images),
        # fsum rounds once, so the order of the images cannot show.
        f_beta=_percent(math.fsum(np.concatenate(total.f_betas)) / total.images),
        miou_no_other=_percent(iou[1:].mean()),
        bmiou_no_other=_percent(biou[1:].mean()),
        per_class_iou=tuple((100 * iou).tolist()),
        per_class_biou=tuple((100 * biou).tolist()),
        **by_size,
    )


def split_counts(group: TallyGroup, *, classes: int) -> SplitCounts:
    """Sum up the tallies of a group of images."""
    images = len(group.names)
    image = group.image_of_row()
    size_bin, has_bin = size_bins(group, image)
    rows_by_size = [
        np.where(group.truth == OTHER, has_bin[image, b], size_bin == b)
        for b in range(len(SIZE_BINS))
    ]
    everything = np.ones(len(group.pixels), bool)
    return SplitCounts(
        regions=_region_counts(group, everything, classes),
        boundaries=_boundary_counts(group, everything, classes),
        regions_by_size=_stacked([_region_counts(group, rows, classes) for rows in rows_by_size]),
        boundaries_by_size=_stacked(
            [_boundary_counts(group, rows, classes) for rows in rows_by_size]
        ),
        images=images,
        images_right=int(images_right(group, image, classes).sum()),
        f_betas=(f_betas(group, image, images),),
    )


def _region_counts(group: TallyGroup, rows: NDArray[np.bool_], classes: int) -> ClassCounts:
    hit = rows & (group.truth == group.prediction)
    return ClassCounts(
        hit=_pixels_per(group.truth, group.pixels, hit, classes),
        truth=_pixels_per(group.truth, group.pixels, rows, classes),
        predicted=_pixels_per(group.prediction, group.pixels, rows, classes),
    )


def _boundary_counts(group: TallyGroup, rows: NDArray[np.bool_], classes: int) -> ClassCounts:
    on_truth = rows & (group.boundary & ON_TRUTH > 0)
    on_prediction = rows & (group.boundary & ON_PREDICTION > 0)
    hit = on_truth & on_prediction & (group.truth == group.prediction)
    return ClassCounts(
        hit=_pixels_per(group.truth, group.pixels, hit, classes),
        truth=_pixels_per(group.truth, group.pixels, on_truth, classes),
        predicted=_pixels_per(group.prediction, group.pixels, on_prediction, classes),
    )


def _pixels_per(
    ids: NDArray[np.uint16], pixels: NDArray[np.uint32], rows: NDArray[np.bool_], classes: int
) -> Counts:
    """Pixels of the chosen rows per class, shape (C + 1,); ids above C have no class."""
    return _sums(pixels[rows], ids[rows], classes + 2)[: classes + 1]


def _sums(pixels: NDArray[np.uint32], keys: NDArray[np.integer], length: int) -> Counts:
    """Pixels per key, shape (length,)."""
    # bincount adds in float64, which is exact below 2**53: more pixels than all splits have.
    return np.bincount(keys, weights=pixels, minlength=length).astype(np.int64)


def size_bins(
    group: TallyGroup, image: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The size bin of the object to which each row belongs, and which bins each image has.

    Returns:
        The bin per row, `_NO_BIN` where the truth is "other"; and shape (images, bins), whether
        the image has an object of that size.
    """
    images = len(group.names)
    span = int(group.truth.max(initial=0)) + 1
    objects, object_of_row = np.unique(image * span + group.truth, return_inverse=True)
    object_image, object_class = objects // span, objects % span
    pixels = _sums(group.pixels, object_of_row, len(objects))
    scored = _sums(group.pixels, image, images)
    percent = -(-100 * pixels // scored[object_image])  # rounded up, in integers
    size_bin = np.searchsorted(_BIN_LIMITS, percent)
    size_bin[object_class == OTHER] = _NO_BIN
    has_bin = np.zeros((images, len(SIZE_BINS)), bool)
    is_object = size_bin != _NO_BIN
    has_bin[object_image[is_object], size_bin[is_object]] = True
    return size_bin[object_of_row], has_bin


def images_right(group: TallyGroup, image: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Whether the largest predicted category of each image occurs in its truth."""
    span = classes + 2
    chosen = (group.prediction != OTHER) & (group.prediction <= classes)
    keys, key_of_row = np.unique(
        image[chosen] * span + group.prediction[chosen], return_inverse=True
    )
    pixels = _sums(group.pixels[chosen], key_of_row, len(keys))
    # By image, then the largest first; a stable sort leaves the lowest id first among equals.
    order = np.lexsort((-pixels, keys // span))
    _, first = np.unique((keys // span)[order], return_index=True)
    largest = keys[order][first]
    right = np.zeros(len(group.names), bool)
    right[largest // span] = np.isin(largest, image * span + group.truth)
    return right


def f_betas(group: TallyGroup, image: NDArray[np.int64], images: int) -> Shares:
    """F per image, 0..1; 0 where precision or recall is undefined or both are 0.

    With precision h/p and recall h/t, F = (1 + b) P R / (b P + R) is (1 + b) h / (b t + p).
    """
    in_truth, in_prediction = group.truth != OTHER, group.prediction != OTHER
    hit = _sums(group.pixels * (in_truth & in_prediction), image, images)
    truth = _sums(group.pixels * in_truth, image, images)
    predicted = _sums(group.pixels * in_prediction, image, images)
    f_beta = np.zeros(images)
    np.divide(
        (10 + BETA_SQUARED_TENTHS) * hit,
        BETA_SQUARED_TENTHS * truth + 10 * predicted,
        out=f_beta,
        where=hit > 0,
    )
    return f_beta


def _stacked(counts: list[ClassCounts]) -> ClassCounts:
    return ClassCounts(
        hit=np.stack([c.hit for c in counts]),
        truth=np.stack([c.truth for c in counts]),
        predicted=np.stack([c.predicted for c in counts]),
    )


def _means_where_truth(counts: ClassCounts) -> list[float | None]:
    """Per size bin, the mean IoU over the classes that the truth has there, in percent."""
    return [
        _percent(iou[truth > 0].mean()) if truth.any() else None
        for iou, truth in zip(counts.iou(), counts.truth, strict=True)
    ]


def _percent(share: float | np.floating) -> float:
    return float(100 * share)
