"""Step 2.4: masks of the training images, made by the model itself."""

import numpy as np

from reference_model.data.folders import TRAIN
from reference_model.data.pictures import OpenPicture
from reference_model.engine.progress import followed
from reference_model.engine.run_dir import StageDir
from reference_model.recipes import Recipe
from reference_model.stages import cluster, threshold
from reference_model.stages.place import Place
from reference_model.stages.reading import MaskWriter, mask_writer, read_all, thresholded

NAME = "pseudo-labels"
MASKS = "masks"


def run(recipe: Recipe, place: Place) -> None:
    """Write a mask for every training image; processes share the images."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    with mask_writer(stage / MASKS) as writer:
        if recipe.labels.level == "image":
            _write_images(place, stage, writer)
        else:
            _write_pixels(recipe, place, stage, writer)
    place.processes.wait()
    if place.processes.is_first:
        stage.finish(images=len(place.data.images(TRAIN)))
    place.processes.wait()


def _write_pixels(recipe: Recipe, place: Place, stage: StageDir, writer: MaskWriter) -> None:
    limit = threshold.chosen(place) or 0.0
    rule = threshold.centroid_rule(recipe, place)
    images = place.data.images(TRAIN)
    short_side = recipe.predict.short_side
    for image, read in read_all(images, rule, short_side=short_side, stage=stage, place=place):
        writer.write(image, thresholded(read, limit))


def _write_images(place: Place, stage: StageDir, writer: MaskWriter) -> None:
    """Masks of one id: the image's cluster. The fine-tuning reads one id of them."""
    clusters = cluster.read_centroids(place)["clusters"].tolist()
    labelled = place.part(list(zip(place.data.images(TRAIN), clusters, strict=True)))
    for image, of_image in followed(
        labelled, len(labelled), stage=stage, processes=place.processes
    ):
        picture = OpenPicture(image.path)
        writer.write(image, np.full((picture.height, picture.width), of_image + 1, np.uint16))
