"""The semi-supervised protocol: fine-tune a backbone on the annotated images, then predict.

Rates shrink layer by layer from the classifier down to the stem.
"""

from pathlib import Path
from typing import Any

from torch.optim import AdamW

from evaluator import MethodCard
from reference_model.data.folders import TRAIN_SEMI
from reference_model.data.labelled import Labelled, LabelledCrops
from reference_model.data.loading import steps_in_epoch
from reference_model.engine.checkpoints import Trained
from reference_model.engine.errors import Refused
from reference_model.engine.loop import TOTAL, Learner, Losses
from reference_model.engine.processes import Processes
from reference_model.engine.schedules import Cosine
from reference_model.networks.resnet import ResNet
from reference_model.networks.segmenter import Segmenter
from reference_model.recipes import Recipe, SemiSupervised
from reference_model.stages.distance_matching import backbone
from reference_model.stages.entry import Entries
from reference_model.stages.place import Place, seeded
from reference_model.stages.reading import SegmenterRule
from reference_model.stages.training import logits_and_ids, pixel_cross_entropy, train_to_weights

NAME = "semi-supervised"


def run(recipe: Recipe, place: Place, *, weights: Path, name: str, only: str | None = None) -> None:
    """Train on the annotated images from a ResNet's weights, and predict every split.

    Args:
        weights: a safetensors file of a backbone.
        name: of the method, for the entry's card.
        only: the one split to predict; None for every one that is there.

    Raises:
        Refused: the weights are of no ResNet.
    """
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    settings = recipe.semi_supervised
    images = place.data.images(TRAIN_SEMI)
    classes = len(place.data.categories)
    in_epoch = steps_in_epoch(len(images), settings.batch, fills_up=True)
    found = backbone(weights)
    if not isinstance(found, ResNet):
        raise Refused(f"{weights} holds a vision transformer; here only a ResNet can be trained")
    with seeded(recipe.seed):
        network = Segmenter(found, classes + 1)
    crops = LabelledCrops(
        images,
        place.data.masks(TRAIN_SEMI),
        side=settings.side,
        label_side=settings.label_side,
        area=settings.area,
        seed=recipe.seed,
        photometric=settings.photometric,
    )
    learner = SemiSupervisedLearner(
        settings, network, processes=place.processes, steps_in_epoch=in_epoch
    )
    train_to_weights(
        learner.as_learner(),
        network,
        crops,
        batch=settings.batch,
        epochs=settings.epochs,
        seed=recipe.seed,
        recipe=recipe,
        stage=stage,
        place=place,
        fills_up=True,
    )
    card = MethodCard(
        name=name,
        training_data=f"{place.data.root.name}, {len(images)} annotated images",
        training_scheme="SSL+Sup",
        networks=f"resnet, {sum(found.blocks)} blocks",
        description="fine-tuned on the annotated training images with layer-wise rates",
    )
    entries = Entries(
        stage=stage,
        data=place.data,
        classes=classes,
        protocol=NAME,
        card=card,
        matched=False,
        only=only,
    )
    rule = SegmenterRule(network.eval(), longest_side=recipe.predict.longest_side)
    entries.predict(rule, short_side=recipe.predict.short_side, place=place)
    place.finish(stage, entries.finish)


class SemiSupervisedLearner:
    """Cross-entropy against masks at the resolution of the labels."""

    def __init__(
        self,
        settings: SemiSupervised,
        network: Segmenter,
        *,
        processes: Processes,
        steps_in_epoch: int,
    ) -> None:
        self._settings, self._processes = settings, processes
        self.network = network
        processes.place(network)
        self._called = processes.share(network)
        self._rate = Cosine(
            base=settings.rate,
            final=settings.final_rate,
            steps=settings.epochs * steps_in_epoch,
            warmup=settings.warmup_epochs * steps_in_epoch,
        )

    def as_learner(self) -> Learner:
        groups = layer_groups(self.network, self._settings)
        return Learner(
            trained=Trained(
                shared={"network": self.network},
                own={},
                optimizer=AdamW(groups, lr=self._settings.rate, fused=True),
            ),
            compute=self.compute,
            rate=self._rate,
        )

    def compute(self, batch: Labelled, _: int) -> Losses:
        return {TOTAL: pixel_cross_entropy(*logits_and_ids(self._called, batch, self._processes))}


def layer_groups(network: Segmenter, settings: SemiSupervised) -> list[dict[str, Any]]:
    """Parameters by layer and by whether they decay, each with its share of the rate.

    Layer 0 is the stem, then the blocks are counted; a layer that is n below the classifier has
    `layer_decay` to the power of n. Biases and norms do not decay.
    """
    blocks = network.backbone.blocks
    top = sum(blocks) + 1
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        layer, decays = _layer_of(name, blocks), parameter.ndim > 1
        group = groups.setdefault(
            (layer, decays),
            {
                "params": [],
                "weight_decay": settings.decay if decays else 0.0,
                "rate_share": settings.layer_decay ** (top - layer),
            },
        )
        group["params"].append(parameter)
    return list(groups.values())


def _layer_of(name: str, blocks: tuple[int, ...]) -> int:
    owner, part, *rest = name.split(".")
    if owner != "backbone":
        return sum(blocks) + 1
    if not part.startswith("layer"):
        return 0
    stage = int(part.removeprefix("layer")) - 1
    return 1 + sum(blocks[:stage]) + int(rest[0])
