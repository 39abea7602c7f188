"""Step 2.3: how much attention makes an object; chosen by code and written down."""

import cv2
import numpy as np
from numpy.typing import NDArray

from reference_model.data.folders import TRAIN, VALIDATION
from reference_model.data.pictures import read_mask
from reference_model.engine.errors import Refused
from reference_model.engine.run_dir import StageDir
from reference_model.recipes import Recipe
from reference_model.stages import attention, cluster
from reference_model.stages.place import Place, categories
from reference_model.stages.reading import CentroidRule, Rule, read_all
from reference_model.stages.sweep import THRESHOLDS, Sweep

NAME = "threshold"
_OTSU_IMAGES = 2000
"""Training images whose scores Otsu's method looks at; evenly spread over the categories."""
_LEVELS = 65_535


def run(recipe: Recipe, place: Place) -> None:
    """Choose the threshold as the recipe says; `done.json` holds it and how it was chosen."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    if place.processes.is_first:
        choose(recipe, place.alone(), stage)
    place.processes.wait()


def choose(recipe: Recipe, place: Place, stage: StageDir) -> None:
    if recipe.labels.level != "attention":
        stage.finish(threshold=None, choice="none", uses_validation_masks=False)
        return
    rule = centroid_rule(recipe, place)
    if recipe.labels.threshold == "validation":
        threshold, miou = swept(recipe, place, stage, rule)
        stage.finish(
            threshold=threshold,
            choice="validation",
            validation_miou=miou,
            uses_validation_masks=True,
        )
    elif recipe.labels.threshold == "otsu":
        stage.finish(
            threshold=_otsu(recipe, place, stage, rule), choice="otsu", uses_validation_masks=False
        )
    else:
        if recipe.labels.fixed_threshold is None:
            raise Refused('the recipe says threshold = "fixed" and gives no fixed_threshold')
        stage.finish(
            threshold=recipe.labels.fixed_threshold, choice="fixed", uses_validation_masks=False
        )


def chosen(place: Place) -> float | None:
    """The threshold of the run; None where labels need none."""
    threshold: float | None = place.run.stage(NAME).done()["threshold"]
    return threshold


def centroid_rule(recipe: Recipe, place: Place) -> CentroidRule:
    centroids = cluster.read_centroids(place)["centroids"].to(place.processes.device)
    network = attention.reader(recipe, place)
    return CentroidRule(network, centroids, attends=recipe.labels.level == "attention")


def swept(recipe: Recipe, place: Place, stage: StageDir, rule: Rule) -> tuple[float, float]:
    """The threshold with the best validation mIoU, and that mIoU; all are in `sweep.json`."""
    masks = place.data.masks(VALIDATION)
    sweep = Sweep(categories(recipe, place))
    images = place.data.images(VALIDATION)
    short_side = recipe.predict.short_side
    for image, read in read_all(images, rule, short_side=short_side, stage=stage, place=place):
        height, width = read.ids.shape
        sweep.add(read_mask(masks, image, height=height, width=width), read)
    mious = sweep.mious()
    stage.write_json(
        "sweep.json", {f"{t:.2f}": m for t, m in zip(THRESHOLDS, mious.tolist(), strict=True)}
    )
    return sweep.best()


def _otsu(recipe: Recipe, place: Place, stage: StageDir, rule: Rule) -> float:
    """Where scores of training images fall apart into two groups, without any label."""
    images = place.data.images(TRAIN)
    some = images[:: max(1, len(images) // _OTSU_IMAGES)]
    short_side = recipe.predict.short_side
    scores = [
        read.score[::8, ::8].ravel()
        for _, read in read_all(some, rule, short_side=short_side, stage=stage, place=place)
    ]
    return otsu(np.concatenate(scores))


def otsu(scores: NDArray[np.float32]) -> float:
    """Otsu's threshold of scores in [0, 1]: the split with the least spread within both parts."""
    levels = np.round(scores * _LEVELS).astype(np.uint16)[np.newaxis]
    threshold, _ = cv2.threshold(levels, 0, _LEVELS, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float((threshold + 1) / _LEVELS)
