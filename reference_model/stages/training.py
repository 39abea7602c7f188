"""What every training stage does with its learner."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate
from torch.utils.data import Dataset

from evaluator import IGNORE
from reference_model.data.labelled import Labelled
from reference_model.data.loading import steps_in_epoch
from reference_model.data.pictures import MEAN, STD
from reference_model.data.views import as_images
from reference_model.engine.loop import Learner, train
from reference_model.engine.processes import Processes
from reference_model.engine.run_dir import StageDir
from reference_model.engine.weights import write_weights
from reference_model.recipes import Recipe
from reference_model.stages.building import WEIGHTS
from reference_model.stages.place import Place


def train_to_weights(
    learner: Learner,
    network: nn.Module,
    images: Dataset[Any],
    *,
    batch: int,
    epochs: int,
    seed: int,
    recipe: Recipe,
    stage: StageDir,
    place: Place,
    fills_up: bool = False,
) -> int:
    """Train, or go on with it, and leave the network's weights in the stage's folder.

    Args:
        fills_up: leave no image of an epoch out (see `data.loading.Batches`).

    Returns:
        Steps of the whole training.
    """
    count = len(images)  # type: ignore[arg-type]  # all of ours have a length
    steps = epochs * steps_in_epoch(count, batch, fills_up=fills_up)
    train(
        learner,
        place.batches(images, batch=batch, seed=seed, fills_up=fills_up),
        steps=steps,
        stage=stage,
        processes=place.processes,
        rhythm=place.rhythm,
    )
    if place.processes.is_first:
        write_weights(stage / WEIGHTS, network.state_dict(), recipe=recipe.name)
    return steps


def logits_and_ids(
    network: nn.Module, batch: Labelled, processes: Processes
) -> tuple[Tensor, Tensor]:
    """What the network says of the crops of a batch, and their ids; on the device."""
    ids = batch.ids.to(processes.device, non_blocking=True)
    crops = batch.image.to(processes.device, non_blocking=True)
    with processes.autocast():
        logits: Tensor = network(as_images(crops, mean=MEAN, std=STD))
    return logits.float(), ids


def pixel_cross_entropy(logits: Tensor, ids: Tensor) -> Tensor:
    """Mean over the ids that are known, at their resolution; 0 if none is.

    Args:
        logits: shape (B, classes, h, w), brought to the size of the ids.
        ids: shape (B, H, W); 1000 where nothing is known.
    """
    logits = interpolate(logits, ids.shape[1:], mode="bilinear", align_corners=False)
    if not bool(torch.any(ids != IGNORE)):
        return logits.sum() * 0
    return cross_entropy(logits, ids, ignore_index=IGNORE)
