"""Step 1: a representation of images and pixels, learned without labels."""

from functools import partial

import torch
from torch import Tensor

from reference_model.data.loading import steps_in_epoch
from reference_model.data.pictures import MEAN, STD
from reference_model.data.views import MultiCrop, Views, as_images, crop_major
from reference_model.engine.checkpoints import Trained
from reference_model.engine.loop import TOTAL, Learner, Losses
from reference_model.engine.processes import Processes
from reference_model.engine.schedules import momentum_share
from reference_model.networks.propagation import Momentum
from reference_model.networks.representation import Features, Representation
from reference_model.objectives.deep_to_shallow import deep_to_shallow_loss
from reference_model.objectives.pixel_alignment import (
    alignment_loss,
    clustering_loss,
    contrastive_loss,
)
from reference_model.objectives.pixel_propagation import near_pairs, propagation_loss
from reference_model.objectives.swapped import swapped_loss
from reference_model.recipes import Pretrain, Recipe
from reference_model.stages.building import larc, rate_of, representation
from reference_model.stages.place import Place
from reference_model.stages.targets import Targets
from reference_model.stages.training import train_to_weights

NAME = "pretrain"
SLIPPED_STD = (0.228, 0.224, 0.225)
"""What the original divides by in this step alone."""


def run(recipe: Recipe, place: Place) -> None:
    """Pre-train, or go on with it; leaves the weights of the whole representation."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    settings = recipe.pretrain
    images = place.data.images(settings.folder)
    in_epoch = steps_in_epoch(len(images), settings.training.batch)
    steps = settings.training.epochs * in_epoch
    network = representation(recipe)
    learner = PretrainLearner(
        recipe, network, processes=place.processes, steps=steps, steps_in_epoch=in_epoch
    )
    views = MultiCrop(
        images,
        large=settings.large,
        small=settings.small,
        photometric=settings.photometric,
        seed=recipe.seed,
    )
    train_to_weights(
        learner.as_learner(),
        learner.network,
        views,
        batch=settings.training.batch,
        epochs=settings.training.epochs,
        seed=recipe.seed,
        recipe=recipe,
        stage=stage,
        place=place,
    )
    place.finish(stage, lambda: {"images": len(images), "steps": steps})


class PretrainLearner:
    """The losses of a batch of views, as the recipe switches them."""

    def __init__(
        self,
        recipe: Recipe,
        network: Representation,
        *,
        processes: Processes,
        steps: int,
        steps_in_epoch: int,
    ) -> None:
        self.settings: Pretrain = recipe.pretrain
        self._processes, self._steps = processes, steps
        self._std = SLIPPED_STD if self.settings.std_slip else STD
        self._rate = rate_of(self.settings.training, steps_in_epoch=steps_in_epoch)
        placed = processes.place(network)
        assert isinstance(placed, Representation)  # noqa: S101  # place keeps the kind
        self.network = placed
        self._rest_what_no_loss_moves()
        self._called = processes.share(self.network)
        self._targets = Targets(
            self.settings.assignment,
            queue=self.settings.queue,
            batch=self.settings.training.batch // processes.ranks,
            dimension=recipe.backbone.dimension,
            first_step=self.settings.queue_from_epoch * steps_in_epoch,
            processes=processes,
        )
        self._momentum: Momentum | None = None
        if self.settings.propagation is not None:
            self._momentum = Momentum(*self._followed())
            processes.place(self._momentum)

    def _rest_what_no_loss_moves(self) -> None:
        """Without the image term, targets come from a projector and prototypes as drawn.

        Processes that train together wait for the gradient of every parameter that may move.
        """
        if not self.settings.image_weight:
            self.network.projector.requires_grad_(requires_grad=False)
            moved = self.settings.pixel_term == "clustering"
            self.network.prototypes.requires_grad_(requires_grad=moved)

    def as_learner(self) -> Learner:
        momentum = {"momentum": self._momentum} if self._momentum is not None else {}
        return Learner(
            trained=Trained(
                shared={"network": self.network, **momentum},
                own=self._targets.state,
                optimizer=larc(self.network, self.settings.training),
            ),
            compute=self.compute,
            rate=self._rate,
            before=lambda _: self.network.prototypes.renew(),
            adjust=self._freeze,
        )

    def compute(self, batch: Views, step: int) -> Losses:
        device = self._processes.device
        large, points = (
            crop_major(each).to(device, non_blocking=True) for each in (batch.large, batch.points)
        )
        small = (
            crop_major(batch.small).to(device, non_blocking=True) if batch.small.numel() else None
        )
        normalised = partial(as_images, mean=MEAN, std=self._std)
        with self._processes.autocast():
            views = normalised(large)
            features: Features = self._called(
                views, None if small is None else normalised(small), points
            )
            propagation = self._propagation(features, views, batch.corners.to(device), step)
        losses = {**self._clustering(features, step), **self._pixels(features), **propagation}
        return {TOTAL: self._total(losses), **losses}

    def _clustering(self, features: Features, step: int) -> dict[str, Tensor]:
        settings = self.settings
        temperature = settings.assignment.temperature
        targets = self._targets.of(
            features.embeddings, features.scores, self.network.prototypes.weight, step
        )
        losses = {}
        if settings.image_weight:
            losses["image"] = swapped_loss(features.scores, targets, temperature=temperature)
        for stage, scores in zip(self.network.shallow, features.shallow, strict=True):
            losses[f"shallow_{stage}"] = deep_to_shallow_loss(
                scores, targets, temperature=temperature
            )
        return losses

    def _pixels(self, features: Features) -> dict[str, Tensor]:
        settings = self.settings
        if features.projections is None or features.predictions is None:
            return {}
        if settings.pixel_term == "alignment":
            return {"pixel": alignment_loss(features.predictions, features.projections)}
        if settings.pixel_term == "contrastive":
            loss = contrastive_loss(features.predictions, temperature=settings.contrast_temperature)
            return {"pixel": loss}
        prototypes = self.network.prototypes.weight
        return {
            "pixel": clustering_loss(features.predictions, prototypes, settings=settings.assignment)
        }

    def _propagation(
        self, features: Features, views: Tensor, corners: Tensor, step: int
    ) -> dict[str, Tensor]:
        settings = self.settings.propagation
        if settings is None or self._momentum is None or features.propagated is None:
            return {}
        share = momentum_share(step, self._steps)
        self._momentum.follow(*self._followed(), share=share)
        targets = self._momentum(views)
        side = features.propagated.shape[-1]
        boxes_1, boxes_2 = corners.unbind(dim=1)
        positive = near_pairs(boxes_1, boxes_2, side=side, threshold=settings.threshold)
        online_1, online_2 = features.propagated.chunk(2)
        target_1, target_2 = targets.chunk(2)
        loss = propagation_loss((online_1, online_2), (target_1, target_2), positive)
        return {"propagation": loss}

    def _followed(self) -> tuple[torch.nn.Module, torch.nn.Module]:
        projector = self.network.propagation_projector
        assert projector is not None  # noqa: S101  # asked for together with the momentum
        return self.network.backbone, projector

    def _total(self, losses: dict[str, Tensor]) -> Tensor:
        """Weighted mean of the clustering terms, and the pixel terms added to it."""
        settings = self.settings
        weights = {
            name: settings.image_weight if name == "image" else settings.shallow_weight
            for name in losses
            if name == "image" or name.startswith("shallow")
        }
        total = torch.zeros((), device=self._processes.device)
        for name, weight in weights.items():
            total = total + losses[name] * weight / sum(weights.values())
        return total + sum(loss for name, loss in losses.items() if name not in weights)

    def _freeze(self, step: int) -> None:
        if step < self.settings.frozen_steps:
            self.network.prototypes.weight.grad = None
