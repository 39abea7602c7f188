"""The benchmark's scores, counted pixel by pixel from its definition.

Written from the definition's sentences and in its order, with none of the evaluator's code and
none of its ideas (no tables of counts, no change maps). Slow, and meant to be obvious: images are
lists of rows, pixels are visited one at a time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Rows = list[list[int]]

IGNORE = 1000
SIZES = (("s", 0, 5), ("ms", 5, 25), ("ml", 25, 50), ("l", 50, 100))


@dataclass(frozen=True)
class Pixel:
    truth: int
    prediction: int
    on_truth_boundary: bool
    on_predicted_boundary: bool


Image = list[Pixel]
"""The scored pixels of one image."""


def mapped(prediction: Rows, match: Mapping[int, int] | None) -> Rows:
    """Ids after match.json; an unmatched id becomes a number that is no class."""
    if match is None:
        return prediction
    meaning = {0: 0, **match}
    return [[meaning.get(id_, 1_000_000 + id_) for id_ in row] for row in prediction]


def is_boundary(ids: Rows, y: int, x: int) -> bool:
    height, width = len(ids), len(ids[0])
    reach = max(1, round(0.03 * math.sqrt(height * height + width * width)))
    for near_y in range(y - reach, y + reach + 1):
        for near_x in range(x - reach, x + reach + 1):
            inside = 0 <= near_y < height and 0 <= near_x < width
            if not inside or ids[near_y][near_x] != ids[y][x]:
                return True
    return False


def scored_pixels(truth: Rows, prediction: Rows) -> Image:
    return [
        Pixel(
            truth[y][x],
            prediction[y][x],
            is_boundary(truth, y, x),
            is_boundary(prediction, y, x),
        )
        for y in range(len(truth))
        for x in range(len(truth[0]))
        if truth[y][x] != IGNORE
    ]


def region_iou(pixels: Image, class_: int) -> float:
    hit = sum(p.truth == class_ == p.prediction for p in pixels)
    union = sum(class_ in (p.truth, p.prediction) for p in pixels)
    return hit / union if union else 0.0


def boundary_iou(pixels: Image, class_: int) -> float:
    truth = sum(p.truth == class_ and p.on_truth_boundary for p in pixels)
    predicted = sum(p.prediction == class_ and p.on_predicted_boundary for p in pixels)
    hit = sum(
        p.truth == class_ == p.prediction and p.on_truth_boundary and p.on_predicted_boundary
        for p in pixels
    )
    union = truth + predicted - hit
    return hit / union if union else 0.0


def size_of(image: Image, category: int) -> str | None:
    """The size bin of a category in one image; None when the truth does not hold it."""
    pixels = sum(p.truth == category for p in image)
    if not pixels:
        return None
    for size, above, limit in SIZES:
        # ceil(100 * share) is in (above, limit] exactly when 100 * share is.
        if above * len(image) < 100 * pixels <= limit * len(image):
            return size
    raise AssertionError(f"{pixels} of {len(image)} pixels")


def pixels_of_size(images: list[Image], size: str, classes: int) -> Image:
    chosen: Image = []
    for image in images:
        categories = {c for c in range(1, classes + 1) if size_of(image, c) == size}
        if categories:
            chosen += [p for p in image if p.truth == 0 or p.truth in categories]
    return chosen


def image_is_right(image: Image, classes: int) -> bool:
    areas = {c: sum(p.prediction == c for p in image) for c in range(1, classes + 1)}
    largest = max(areas.values(), default=0)
    if largest == 0:
        return False
    chosen = min(c for c, area in areas.items() if area == largest)
    return any(p.truth == chosen for p in image)


def f_beta(image: Image) -> float:
    both = sum(p.truth > 0 and p.prediction > 0 for p in image)
    truth = sum(p.truth > 0 for p in image)
    predicted = sum(p.prediction > 0 for p in image)
    if not truth or not predicted or not both:
        return 0.0
    precision, recall = both / predicted, both / truth
    return 1.3 * precision * recall / (0.3 * precision + recall)


def naive_scores(
    pairs: list[tuple[Rows, Rows]], classes: int, match: Mapping[int, int] | None = None
) -> dict[str, float | list[float] | None]:
    """All scores of (truth, prediction) pairs, by their JSON names."""
    images = [scored_pixels(truth, mapped(prediction, match)) for truth, prediction in pairs]
    pixels = [pixel for image in images for pixel in image]
    every = range(classes + 1)
    iou = [100 * region_iou(pixels, c) for c in every]
    biou = [100 * boundary_iou(pixels, c) for c in every]
    scores: dict[str, float | list[float] | None] = {
        "miou": sum(iou) / (classes + 1),
        "bmiou": sum(biou) / (classes + 1),
        "img_acc": 100 * sum(image_is_right(i, classes) for i in images) / len(images),
        "f_beta": 100 * sum(map(f_beta, images)) / len(images),
        "miou_no_other": sum(iou[1:]) / classes,
        "bmiou_no_other": sum(biou[1:]) / classes,
        "per_class_iou": iou,
        "per_class_biou": biou,
    }
    for size, _, _ in SIZES:
        chosen = pixels_of_size(images, size, classes)
        present = [c for c in every if any(p.truth == c for p in chosen)]
        for name, measure in (("miou", region_iou), ("bmiou", boundary_iou)):
            values = [100 * measure(chosen, c) for c in present]
            scores[f"{name}_{size}"] = sum(values) / len(values) if values else None
    return scores


def naive_resampled_scores(
    images: list[Image], drawn: Sequence[int], classes: int
) -> dict[str, float | None]:
    """The twelve headline scores of the images drawn, some of them several times.

    None where no image that was drawn has an object of that size.
    """
    resampled = [images[index] for index in drawn]
    pixels = [pixel for image in resampled for pixel in image]
    split = [pixel for image in images for pixel in image]
    scores: dict[str, float | None] = {
        "img_acc": 100 * sum(image_is_right(i, classes) for i in resampled) / len(resampled),
        "f_beta": 100 * sum(map(f_beta, resampled)) / len(resampled),
    }
    for name, measure, occurs in (
        ("miou", region_iou, occurs_as_region),
        ("bmiou", boundary_iou, occurs_as_boundary),
    ):
        values = [
            100 * measure(pixels, c)
            for c in range(classes + 1)
            if occurs(pixels, c) or not occurs(split, c)
        ]
        scores[name] = sum(values) / len(values) if values else None
        for size, _, _ in SIZES:
            chosen = pixels_of_size(resampled, size, classes)
            present = [c for c in range(classes + 1) if any(p.truth == c for p in chosen)]
            values = [100 * measure(chosen, c) for c in present]
            scores[f"{name}_{size}"] = sum(values) / len(values) if values else None
    return scores


def occurs_as_region(pixels: Image, class_: int) -> bool:
    return any(class_ in (p.truth, p.prediction) for p in pixels)


def occurs_as_boundary(pixels: Image, class_: int) -> bool:
    return any(
        (p.truth == class_ and p.on_truth_boundary)
        or (p.prediction == class_ and p.on_predicted_boundary)
        for p in pixels
    )
