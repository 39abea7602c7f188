"""Each training learns one batch by heart: its loss falls far below where it begins."""

from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
import torch

from evaluator import IGNORE
from reference_model.data.crops import CropSize
from reference_model.data.folders import DataFolder
from reference_model.data.labelled import Labelled
from reference_model.data.photometric import Photometric
from reference_model.data.views import Drawn, MultiCrop, Views
from reference_model.engine.loop import TOTAL, Learner, take_step
from reference_model.engine.processes import Processes
from reference_model.recipes import PixelTerm, Propagation, Recipe, SemiSupervised
from reference_model.stages.attention import AttentionLearner
from reference_model.stages.building import attentive, representation, segmenter
from reference_model.stages.finetune import FinetuneLearner
from reference_model.stages.pretrain import PretrainLearner
from reference_model.stages.semi_supervised import SemiSupervisedLearner

BATCH = 6
HERE = Processes(torch.device("cpu"))


@pytest.fixture(scope="module")
def views(data: DataFolder) -> Views:
    return views_of(data, side=32)


def views_of(data: DataFolder, *, side: int) -> Views:
    dataset = MultiCrop(
        data.images("train")[:: len(data.images("train")) // BATCH][:BATCH],
        large=CropSize(count=2, side=side, area=(0.5, 1.0)),
        small=CropSize(count=1, side=16, area=(0.2, 0.5)),
        photometric=(Photometric(jitter_probability=0, grey_probability=0),),
        seed=0,
    )
    drawn = [dataset[Drawn(0, index)] for index in range(BATCH)]
    return Views(*(torch.stack(part) for part in zip(*drawn, strict=True)))


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    """Crops whose left half is dark and "other", whose right half has the colour of its id."""
    ids = torch.zeros(BATCH, 16, 16, dtype=torch.long)
    image = torch.zeros(BATCH, 32, 32, 3, dtype=torch.uint8)
    for index in range(BATCH):
        category = index % 3
        ids[index, :, 8:] = category + 1
        image[index, :, 16:, category] = 220
    ids[0, 0] = IGNORE
    return Labelled(image, ids)


def losses(learner: Learner, batch: Any, steps: int) -> list[dict[str, float]]:
    taken = (take_step(learner, each, step) for step, each in enumerate(repeat(batch, steps)))
    return [{name: loss.item() for name, loss in of.items()} for of in taken]


def pretraining(recipe: Recipe) -> Learner:
    learner = PretrainLearner(
        recipe, representation(recipe), processes=HERE, steps=60, steps_in_epoch=60
    )
    return replace(learner.as_learner(), rate=lambda _: 0.5)


def without_queue(recipe: Recipe, **changes: object) -> Recipe:
    """Without a queue that goes stale on one batch."""
    return replace(recipe, pretrain=replace(recipe.pretrain, queue=0, **changes))


def test_pretraining_learns_every_term(tiny: Recipe, views: Views) -> None:
    taken = losses(pretraining(without_queue(tiny)), views, 60)

    first, last = taken[0], taken[-1]
    for term in ("image", "shallow_2", "shallow_3", "pixel"):
        assert last[term] < first[term] - 0.1, term
    assert last["pixel"] < -0.5


@pytest.mark.parametrize(("term", "side"), [("contrastive", 64), ("clustering", 32)])
def test_other_pixel_terms_are_learned(
    tiny: Recipe, data: DataFolder, term: PixelTerm, side: int
) -> None:
    """To tell positions apart, a map must have some: 32 pixels make one position, 64 four."""
    views = views_of(data, side=side)

    taken = losses(pretraining(without_queue(tiny, pixel_term=term)), views, 30)

    assert taken[-1]["pixel"] < taken[0]["pixel"] - 0.1


def test_propagation_is_learned(tiny: Recipe, views: Views) -> None:
    recipe = without_queue(tiny, propagation=Propagation(hidden=16, dimension=8))

    taken = losses(pretraining(recipe), views, 40)

    assert taken[-1]["propagation"] < min(-0.5, taken[0]["propagation"] - 0.2)


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({"pixel_term": None}, {"image", "shallow_2", "shallow_3"}),
        ({"shallow_stages": ()}, {"image", "pixel"}),
        ({"shallow_stages": (1,), "pixel_term": None}, {"image", "shallow_1"}),
        ({"image_weight": 0.0}, {"pixel", "shallow_2", "shallow_3"}),
    ],
)
def test_terms_can_be_switched_off(
    tiny: Recipe, views: Views, changes: dict[str, object], terms: set[str]
) -> None:
    (taken,) = losses(pretraining(without_queue(tiny, **changes)), views, 1)

    assert set(taken) == {TOTAL, *terms}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image_weight": 0.0},
        {"image_weight": 0.0, "pixel_term": "clustering"},
        {"image_weight": 0.0, "shallow_stages": ()},
        {"pixel_term": "contrastive"},
        {"pixel_term": None, "shallow_stages": ()},
        {"propagation": Propagation(hidden=16, dimension=8)},
    ],
)
def test_every_parameter_that_may_move_gets_a_gradient(
    tiny: Recipe, views: Views, changes: dict[str, object]
) -> None:
    """Processes that train together would wait for a gradient that never comes."""
    learner = pretraining(without_queue(tiny, **{"frozen_steps": 0, **changes}))

    losses(learner, views, 1)

    network = learner.trained.shared["network"]
    parameters = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
    assert [name for name, parameter in parameters if parameter.grad is None] == []
    assert len(parameters) > 30


def test_total_is_the_mean_of_clustering_terms_and_the_pixel_term(
    tiny: Recipe, views: Views
) -> None:
    (taken,) = losses(pretraining(without_queue(tiny)), views, 1)

    clustering = (taken["image"] + taken["shallow_2"] + taken["shallow_3"]) / 3
    assert taken[TOTAL] == pytest.approx(clustering + taken["pixel"], rel=1e-5)


def test_prototypes_rest_while_they_are_frozen(tiny: Recipe, views: Views) -> None:
    learner = PretrainLearner(
        without_queue(tiny, frozen_steps=2),
        representation(tiny),
        processes=HERE,
        steps=60,
        steps_in_epoch=60,
    )
    learner.network.prototypes.renew()
    before = learner.network.prototypes.weight.detach().clone()

    losses(learner.as_learner(), views, 2)
    torch.testing.assert_close(learner.network.prototypes.weight.detach(), before)
    losses(learner.as_learner(), views, 3)

    assert not torch.allclose(learner.network.prototypes.weight.detach(), before)


def test_attention_is_learned_and_the_rest_stays(tiny: Recipe, views: Views) -> None:
    recipe = replace(tiny, attention=replace(tiny.attention, queue=0))
    network = attentive(recipe)
    before = {n: t.clone() for n, t in network.representation.backbone.state_dict().items()}
    made = AttentionLearner(recipe, network, processes=HERE, steps_in_epoch=60)

    taken = losses(replace(made.as_learner(), rate=lambda _: 2.0), views, 40)

    assert taken[-1][TOTAL] < taken[0][TOTAL] - 0.1
    for name, tensor in network.representation.backbone.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_norms_drift_where_that_is_asked_for(tiny: Recipe, views: Views) -> None:
    recipe = replace(tiny, attention=replace(tiny.attention, norms_drift=True))
    network = attentive(recipe)
    before = network.representation.backbone.bn1.running_mean.clone()

    losses(
        AttentionLearner(recipe, network, processes=HERE, steps_in_epoch=60).as_learner(), views, 1
    )

    assert not torch.equal(network.representation.backbone.bn1.running_mean, before)


@pytest.mark.parametrize("level", ["attention", "image"])
def test_finetuning_is_learned(tiny: Recipe, labelled: Labelled, level: str) -> None:
    recipe = replace(tiny, labels=replace(tiny.labels, level=level))
    if level == "image":
        labelled = Labelled(labelled.image, labelled.ids.clamp(max=3).amax((1, 2), keepdim=True))
    network = segmenter(recipe, categories=3)
    made = FinetuneLearner(recipe, network, processes=HERE, steps_in_epoch=60)

    taken = losses(replace(made.as_learner(), rate=lambda _: 1.0), labelled, 40)

    assert taken[-1][TOTAL] < 0.5 * taken[0][TOTAL]


def test_semi_supervised_finetuning_is_learned(tiny: Recipe, labelled: Labelled) -> None:
    settings = SemiSupervised(layer_decay=0.9)
    network = segmenter(tiny, categories=3)
    made = SemiSupervisedLearner(settings, network, processes=HERE, steps_in_epoch=60)
    learner: Learner = replace(made.as_learner(), rate=lambda _: 0.01)

    taken = losses(learner, labelled, 40)

    assert taken[-1][TOTAL] < 0.5 * taken[0][TOTAL]
