"""What every training stage does with its learner."""

from typing import Any

from torch import nn
from torch.utils.data import Dataset

from reference_model.engine.loop import Learner, train
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
    steps: int,
    seed: int,
    recipe: Recipe,
    stage: StageDir,
    place: Place,
) -> None:
    """Train, or go on with it, and leave the network's weights in the stage's folder."""
    train(
        learner,
        place.batches(images, batch=batch, seed=seed),
        steps=steps,
        stage=stage,
        processes=place.processes,
        rhythm=place.rhythm,
    )
    if place.processes.is_first:
        write_weights(stage / WEIGHTS, network.state_dict(), recipe=recipe.name)
