"""Step 2.1: learn where in a map the meaning is; the representation stays as it is."""

from reference_model.data.loading import steps_in_epoch
from reference_model.data.pictures import MEAN, STD
from reference_model.data.views import MultiCrop, Views, as_images, crop_major
from reference_model.engine.checkpoints import Trained
from reference_model.engine.loop import TOTAL, Learner, Losses
from reference_model.engine.processes import Processes
from reference_model.networks.segmenter import AttentiveRepresentation
from reference_model.objectives.swapped import swapped_loss
from reference_model.recipes import Recipe
from reference_model.stages import pretrain
from reference_model.stages.building import WEIGHTS, attentive, larc, load, rate_of
from reference_model.stages.place import Place
from reference_model.stages.targets import Targets
from reference_model.stages.training import train_to_weights

NAME = "attention"


def run(recipe: Recipe, place: Place) -> None:
    """Train the attention and the prototypes by swapped prediction of two crops."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    settings = recipe.attention
    place.run.stage(pretrain.NAME).done()
    images = place.data.images("train")
    in_epoch = steps_in_epoch(len(images), settings.training.batch)
    network = attentive(recipe)
    load(network.representation, place.run.stage(pretrain.NAME) / WEIGHTS)
    learner = AttentionLearner(recipe, network, processes=place.processes, steps_in_epoch=in_epoch)
    views = MultiCrop(
        images,
        large=settings.crops,
        small=None,
        photometric=recipe.pretrain.photometric,
        seed=recipe.seed + 1,
    )
    steps = train_to_weights(
        learner.as_learner(),
        network,
        views,
        batch=settings.training.batch,
        epochs=settings.training.epochs,
        seed=recipe.seed + 1,
        recipe=recipe,
        stage=stage,
        place=place,
    )
    place.finish(stage, lambda: {"steps": steps})


class AttentionLearner:
    """Swapped prediction of embeddings that are pooled by attention."""

    def __init__(
        self,
        recipe: Recipe,
        network: AttentiveRepresentation,
        *,
        processes: Processes,
        steps_in_epoch: int,
    ) -> None:
        self._settings, self._assignment = recipe.attention, recipe.pretrain.assignment
        self._processes = processes
        self.network = network
        network.requires_grad_(requires_grad=False)
        for trained in (network.attention, network.representation.prototypes):
            trained.requires_grad_(requires_grad=True)
        processes.place(network)
        self._called = processes.share(network)
        self._rate = rate_of(self._settings.training, steps_in_epoch=steps_in_epoch)
        self._targets = Targets(
            self._assignment,
            queue=self._settings.queue,
            batch=self._settings.training.batch // processes.ranks,
            dimension=recipe.backbone.dimension,
            first_step=0,
            processes=processes,
        )

    def as_learner(self) -> Learner:
        return Learner(
            trained=Trained(
                shared={"network": self.network},
                own=self._targets.state,
                optimizer=larc(self.network, self._settings.training),
            ),
            compute=self.compute,
            rate=self._rate,
            before=self._prepare,
        )

    def compute(self, batch: Views, step: int) -> Losses:
        crops = crop_major(batch.large).to(self._processes.device, non_blocking=True)
        with self._processes.autocast():
            embeddings, scores = self._called(as_images(crops, mean=MEAN, std=STD))
        weight = self.network.representation.prototypes.weight
        targets = self._targets.of(embeddings, scores, weight, step)
        loss = swapped_loss(scores, targets, temperature=self._assignment.temperature)
        return {TOTAL: loss}

    def _prepare(self, _: int) -> None:
        """Set what learns to learning.

        The projector's norms keep to the batch, as they have to: attention pools other vectors
        than those that they were learned with. The backbone's drift only where that is asked for.
        """
        self.network.train()
        self.network.representation.backbone.train(self._settings.norms_drift)
        self.network.representation.prototypes.renew()


def reader(recipe: Recipe, place: Place) -> AttentiveRepresentation:
    """The trained network, on the device, for reading."""
    network = attentive(recipe)
    load(network, place.run.stage(NAME) / WEIGHTS)
    place.processes.place(network)
    return network.eval()
