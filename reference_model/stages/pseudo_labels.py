"""Step 2.4: masks of the training images, made by the model itself."""

import numpy as np

from reference_model.data.folders import TRAIN
from reference_model.data.pictures import OpenPicture
from reference_model.engine.progress import followed
from reference_model.engine.run_dir import StageDir
from reference_model.recipes import Recipe
from reference_model.stages import cluster, threshold
from reference_model.stages.place import Place
from reference_model.stages.reading import mask_writer, write_masks

NAME = "pseudo-labels"
MASKS = "masks"


def run(recipe: Recipe, place: Place) -> None:
    """Write a mask for every training image; processes share the images."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    images = place.data.images(TRAIN)
    if recipe.labels.level == "image":
        _write_clusters(place, stage)
    else:
        write_masks(
            stage / MASKS,
            images,
            threshold.centroid_rule(recipe, place),
            short_side=recipe.predict.short_side,
            threshold=threshold.chosen(place) or 0.0,
            stage=stage,
            place=place,
        )
    place.finish(stage, lambda: {"images": len(images)})


def _write_clusters(place: Place, stage: StageDir) -> None:
    """Masks of one id: the image's cluster. The fine-tuning reads one id of them."""
    clusters = cluster.read_centroids(place)["clusters"].tolist()
    labelled = place.part(list(zip(place.data.images(TRAIN), clusters, strict=True)))
    shown = followed(labelled, len(labelled), stage=stage, processes=place.processes)
    with mask_writer(stage / MASKS) as writer:
        for image, of_image in shown:
            picture = OpenPicture(image.path)
            writer.write(image, np.full((picture.height, picture.width), of_image + 1, np.uint16))
