"""Simulated truth and predictions as tallies: splits of any size without a single mask.

What matters for uncertainty is kept: classes of very unlike frequency, few objects an image, errors
that go together within an image and between methods, classes that a method never finds and others
that it takes for them, false positives of any class, and objects of all sizes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from evaluator import SCORER_VERSION, Tallies
from evaluator.tally import ON_PREDICTION, ON_TRUTH, Origin, TallyGroup

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

IMAGE_PIXELS = 500 * 375
BOUNDARY_WIDTH = 19
SECOND_OBJECT = 0.2
STRAYS = 2
TAIL = 0.5
"""Standard deviation of the logarithm of how common a category is."""
USUAL_MISTAKE = 0.6
IMAGES_PER_GROUP = 2000
SPLITS = {"s50": (1_682, 50), "s300": (9_088, 300), "s919": (27_423, 919)}
"""Images and categories of the ImageNet-S test splits."""


class SimulatedTallies(Tallies):
    """Tallies that were never counted; `evaluator.concatenate` writes them to a file."""

    def __init__(self, groups: Iterable[TallyGroup], *, images: int, classes: int) -> None:
        origin = Origin(
            classes=classes,
            scorer_version=SCORER_VERSION,
            truth_version="simulated",
            match_hash="",
            archive_hash="",
        )
        super().__init__(Path("simulated"), origin, images=images)
        self._groups = groups

    def groups(self) -> Iterator[TallyGroup]:
        return iter(self._groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """What the truth shows, and how hard each image is for any method; arrays of one length.

    An image holds one or two objects; `second` is 0 where there is one.
    """

    classes: int
    pixels: Ints
    first: Ints
    second: Ints
    first_pixels: Ints
    second_pixels: Ints
    difficulty: Floats

    @classmethod
    def drawn(cls, count: int, *, classes: int, rng: np.random.Generator) -> Self:
        """Images of `classes` categories, the rarest of 919 a fifth as common as the average."""
        weight = rng.lognormal(sigma=TAIL, size=classes)
        first, second = rng.choice(classes, (2, count), p=weight / weight.sum()) + 1
        has_second = (rng.random(count) < SECOND_OBJECT) & (first != second)
        pixels = (IMAGE_PIXELS * rng.lognormal(sigma=0.2, size=count)).astype(np.int64)
        first_pixels = (pixels * np.minimum(expit(rng.normal(-1, 1.2, count)), 0.9)).astype(int) + 1
        second_pixels = (0.08 * pixels * rng.random(count)).astype(int) + 1
        return cls(
            classes=classes,
            pixels=pixels,
            first=first,
            second=np.where(has_second, second, 0),
            first_pixels=first_pixels,
            second_pixels=np.where(has_second, second_pixels, 0),
            difficulty=rng.normal(size=count),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How well each category is found (log odds), and for which other one it is taken if not."""

    found: Floats
    taken_for: Ints
    missed: NDArray[np.bool_]
    coverage: float
    """Log odds of an object's pixel to be predicted as foreground."""

    @classmethod
    def drawn(cls, classes: int, *, missed: float, rng: np.random.Generator) -> Self:
        """A method that never predicts a share of the categories."""
        is_missed = rng.random(classes + 1) < missed
        is_missed[0] = False
        kept = np.flatnonzero(~is_missed)[1:]
        return cls(
            found=np.where(is_missed, -np.inf, rng.normal(0, 1.2, classes + 1)),
            taken_for=rng.choice(kept, classes + 1),
            missed=is_missed,
            coverage=1.0,
        )

    def improved(self, by: float, *, rng: np.random.Generator) -> "Method":
        """A method akin to this one; `by` is the mean gain in log odds."""
        return Method(
            found=self.found + rng.normal(by, 0.5, len(self.found)),
            taken_for=self.taken_for,
            missed=self.missed,
            coverage=self.coverage + by / 2,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Areas of one truth and one prediction each, arrays of one length."""

    image: Ints
    truth: Ints
    prediction: Ints
    pixels: Ints


def tallies_of(images: Images, method: Method, *, seed: int) -> Iterator[TallyGroup]:
    """Tallies of a method's prediction of all images, in groups."""
    rng = np.random.default_rng(seed)
    cells = _together(list(_cells(images, method, rng)))
    order = np.argsort(cells.image, kind="stable")
    cells = _Cells(
        cells.image[order], cells.truth[order], cells.prediction[order], cells.pixels[order]
    )
    count = len(images.pixels)
    bounds = [*range(0, count, IMAGES_PER_GROUP), count]
    for first, last in pairwise(bounds):
        some = slice(*np.searchsorted(cells.image, [first, last]))
        yield _group(
            _Cells(
                cells.image[some] - first,
                cells.truth[some],
                cells.prediction[some],
                cells.pixels[some],
            ),
            names=tuple(f"{index:07d}.png" for index in range(first, last)),
            rng=rng,
        )


def _cells(images: Images, method: Method, rng: np.random.Generator) -> Iterator[_Cells]:
    count = len(images.pixels)
    every = np.arange(count)
    ground = images.pixels - images.first_pixels - images.second_pixels
    for truth, area in (
        (images.first, images.first_pixels),
        (images.second, images.second_pixels),
    ):
        label = _labels(truth, images, method, rng)
        share = expit(method.coverage - 0.8 * images.difficulty + 0.6 * rng.normal(size=count))
        covered = (area * share).astype(np.int64)
        yield _Cells(every, truth, label, covered)
        yield _Cells(every, truth, np.zeros(count, np.int64), area - covered)
        spill = expit(-1.5 + 0.8 * images.difficulty + 0.6 * rng.normal(size=count))
        spilt = np.minimum((area * spill).astype(np.int64), ground)
        yield _Cells(every, np.zeros(count, np.int64), label, spilt)
        ground = ground - spilt
    for _ in range(STRAYS):
        label = rng.choice(np.flatnonzero(~method.missed)[1:], count)
        stray = (ground * 0.1 * rng.random(count) ** 4).astype(np.int64)
        yield _Cells(every, np.zeros(count, np.int64), label, stray)
        ground = ground - stray
    yield _Cells(every, np.zeros(count, np.int64), np.zeros(count, np.int64), ground)


def _labels(truth: Ints, images: Images, method: Method, rng: np.random.Generator) -> Ints:
    """What each object is predicted as."""
    luck = rng.logistic(size=len(truth))
    is_found = method.found[truth] - images.difficulty + luck > 0
    kept = np.flatnonzero(~method.missed)[1:]
    elsewhere = rng.choice(kept, len(truth))
    usual = rng.random(len(truth)) < USUAL_MISTAKE
    return np.where(is_found, truth, np.where(usual, method.taken_for[truth], elsewhere))


def _together(cells: list[_Cells]) -> _Cells:
    joined = _Cells(
        *(
            np.concatenate([getattr(part, name) for part in cells])
            for name in ("image", "truth", "prediction", "pixels")
        )
    )
    kept = joined.pixels > 0
    return _Cells(
        joined.image[kept], joined.truth[kept], joined.prediction[kept], joined.pixels[kept]
    )


def _group(cells: _Cells, *, names: tuple[str, ...], rng: np.random.Generator) -> TallyGroup:
    """Split every cell by its boundary bits; sorted by image."""
    width = 4 * BOUNDARY_WIDTH / np.sqrt(cells.pixels)
    on_truth, on_prediction = (
        np.minimum(1, width * rng.uniform(0.5, 1, len(width))) for _ in range(2)
    )
    agree = np.minimum(on_truth, on_prediction) * rng.uniform(0.3, 0.9, len(width))
    both = (cells.pixels * agree).astype(np.int64)
    truth_only = (cells.pixels * (on_truth - agree) * (on_prediction < 1)).astype(np.int64)
    left = cells.pixels - both - truth_only
    prediction_only = np.minimum((cells.pixels * (on_prediction - agree)).astype(np.int64), left)
    pixels = np.stack([left - prediction_only, truth_only, prediction_only, both], axis=1)
    bits = np.broadcast_to([0, ON_TRUTH, ON_PREDICTION, ON_TRUTH | ON_PREDICTION], pixels.shape)
    kept = pixels > 0
    rows = kept.sum(axis=1)
    starts = np.searchsorted(np.repeat(cells.image, rows), np.arange(len(names) + 1))
    return TallyGroup(
        names=names,
        outside=np.zeros(len(names), np.uint32),
        starts=starts,
        truth=np.repeat(cells.truth, rows).astype(np.uint16),
        prediction=np.repeat(cells.prediction, rows).astype(np.uint16),
        boundary=bits[kept].astype(np.uint8),
        pixels=pixels[kept].astype(np.uint32),
    )


def noise(images: int, *, classes: int, seed: int) -> Iterator[TallyGroup]:
    """Tallies of masks in which every pixel is another category: the most rows an image can have.

    Each image shows one object that fills half of it, and every category is predicted everywhere.
    """
    rng = np.random.default_rng(seed)
    ids = np.arange(classes + 1, dtype=np.uint16)
    rows = 4 * len(ids)
    for index in range(images):
        object_ = rng.integers(1, classes + 1)
        on_truth = np.array([0, ON_TRUTH, 0, ON_TRUTH], np.uint8)
        yield TallyGroup(
            names=(f"{index:07d}.png",),
            outside=np.zeros(1, np.uint32),
            starts=np.array([0, rows]),
            truth=np.repeat(np.array([0, 0, object_, object_], np.uint16), len(ids)),
            prediction=np.tile(ids, 4),
            boundary=np.repeat(on_truth | ON_PREDICTION, len(ids)),
            pixels=rng.poisson(IMAGE_PIXELS / rows, rows).astype(np.uint32) + 1,
        )
