"""Step 3: a network that learns its own pseudo-labels."""

from torch import nn
from torch.nn.functional import cross_entropy

from reference_model.data.folders import TRAIN
from reference_model.data.labelled import Labelled, LabelledCrops
from reference_model.data.loading import steps_in_epoch
from reference_model.engine.checkpoints import Trained
from reference_model.engine.loop import TOTAL, Learner, Losses
from reference_model.engine.processes import Processes
from reference_model.networks.segmenter import ImageClassifier, Segmenter
from reference_model.recipes import Recipe
from reference_model.stages import pretrain, pseudo_labels
from reference_model.stages.building import (
    WEIGHTS,
    larc,
    load,
    rate_of,
    representation,
    segmenter,
)
from reference_model.stages.place import Place, categories
from reference_model.stages.training import logits_and_ids, pixel_cross_entropy, train_to_weights

NAME = "finetune"


def run(recipe: Recipe, place: Place) -> None:
    """Train a segmenter from the pre-trained backbone on the masks of step 2.4."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    settings = recipe.finetune
    place.run.stage(pseudo_labels.NAME).done()
    images = place.data.images(TRAIN)
    in_epoch = steps_in_epoch(len(images), settings.training.batch)
    network = segmenter(recipe, categories=categories(recipe, place))
    network.backbone.load_state_dict(pretrained_backbone(recipe, place).state_dict())
    crops = LabelledCrops(
        images,
        place.run.stage(pseudo_labels.NAME) / pseudo_labels.MASKS,
        side=settings.side,
        label_side=settings.label_side,
        area=settings.area,
        seed=recipe.seed + 2,
    )
    learner = FinetuneLearner(recipe, network, processes=place.processes, steps_in_epoch=in_epoch)
    steps = train_to_weights(
        learner.as_learner(),
        network,
        crops,
        batch=settings.training.batch,
        epochs=settings.training.epochs,
        seed=recipe.seed + 2,
        recipe=recipe,
        stage=stage,
        place=place,
    )
    place.finish(stage, lambda: {"steps": steps})


class FinetuneLearner:
    """Cross-entropy against ids, of pixels or, for labels at the level of images, of images."""

    def __init__(
        self, recipe: Recipe, network: Segmenter, *, processes: Processes, steps_in_epoch: int
    ) -> None:
        self._training = recipe.finetune.training
        self._processes = processes
        self.network = network
        processes.place(network)
        self._of_images = recipe.labels.level == "image"
        called: nn.Module = ImageClassifier(network) if self._of_images else network
        self._called = processes.share(called)
        self._rate = rate_of(self._training, steps_in_epoch=steps_in_epoch)

    def as_learner(self) -> Learner:
        return Learner(
            trained=Trained(
                shared={"network": self.network},
                own={},
                optimizer=larc(self.network, self._training),
            ),
            compute=self.compute,
            rate=self._rate,
        )

    def compute(self, batch: Labelled, _: int) -> Losses:
        logits, ids = logits_and_ids(self._called, batch, self._processes)
        if self._of_images:
            return {TOTAL: cross_entropy(logits, ids[:, 0, 0])}
        return {TOTAL: pixel_cross_entropy(logits, ids)}


def pretrained_backbone(recipe: Recipe, place: Place) -> nn.Module:
    """The backbone as step 1 left it."""
    network = representation(recipe)
    load(network, place.run.stage(pretrain.NAME) / WEIGHTS)
    return network.backbone


def reader(recipe: Recipe, place: Place) -> Segmenter:
    """The trained network, on the device, for reading."""
    place.run.stage(NAME).done()
    network = segmenter(recipe, categories=categories(recipe, place))
    load(network, place.run.stage(NAME) / WEIGHTS)
    place.processes.place(network)
    return network.eval()
