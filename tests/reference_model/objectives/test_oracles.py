"""Every objective against a second one, written from its definition with loops over scalars."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from reference_model.objectives.deep_to_shallow import deep_to_shallow_loss
from reference_model.objectives.pixel_alignment import (
    alignment_loss,
    clustering_loss,
    contrastive_loss,
)
from reference_model.objectives.pixel_propagation import near_pairs, propagation_loss
from reference_model.objectives.queue import EmbeddingQueue
from reference_model.objectives.sinkhorn import sinkhorn
from reference_model.objectives.swapped import Assignment, assignments, swapped_loss

Array = NDArray[np.float64]
SEEDS = st.integers(0, 2**16)
SETTINGS = Assignment()


def directions(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(*shape, generator=generator), dim=1)


def naive_sinkhorn(scores: Array, *, temperature: float, iterations: int) -> Array:
    plan = np.exp(scores / temperature)
    rows, columns = plan.shape
    for _ in range(iterations):
        for column in range(columns):
            plan[:, column] /= plan[:, column].sum() * columns
        for row in range(rows):
            plan[row] /= plan[row].sum() * rows
    return plan * rows


def naive_cross_entropy(targets: Array, scores: Array) -> float:
    total = 0.0
    for target, row in zip(targets, scores / SETTINGS.temperature, strict=True):
        logs = row - np.log(np.exp(row).sum())
        total -= sum(t * log for t, log in zip(target, logs, strict=True))
    return total / len(targets)


def cosine(a: Array, b: Array) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@settings(max_examples=20)
@given(seed=SEEDS, rows=st.integers(1, 12), columns=st.integers(1, 7))
def test_sinkhorn_agrees_with_its_definition(seed: int, rows: int, columns: int) -> None:
    scores = directions(seed, rows, 5) @ directions(seed + 1, columns, 5).T

    plan = sinkhorn(scores, temperature=0.05, iterations=3)

    wanted = naive_sinkhorn(scores.double().numpy(), temperature=0.05, iterations=3)
    np.testing.assert_allclose(plan.numpy(), wanted, atol=2e-5)


def test_sinkhorn_uses_every_prototype_equally_in_the_limit() -> None:
    plan = sinkhorn(torch.rand(12, 4) * 0.2, temperature=0.05, iterations=500)

    np.testing.assert_allclose(plan.sum(0).numpy(), 3, atol=1e-3)


def test_sinkhorn_survives_the_largest_cosines() -> None:
    plan = sinkhorn(torch.tensor([[1.0, -1.0], [1.0, -1.0]]), temperature=0.03, iterations=3)

    np.testing.assert_allclose(plan.numpy(), 0.5, rtol=1e-4)


@settings(max_examples=10)
@given(seed=SEEDS, crops=st.integers(2, 4), queued=st.booleans())
def test_swapped_prediction_agrees_with_its_definition(seed: int, crops: int, queued: bool) -> None:
    batch, prototypes = 3, 4
    scores = directions(seed, crops * batch, prototypes)
    earlier = directions(seed + 1, 2 * 6, prototypes).view(2, 6, prototypes)

    targets = assignments(
        scores, batch=batch, settings=SETTINGS, queued=earlier if queued else None
    )
    loss = swapped_loss(scores, targets, temperature=SETTINGS.temperature)

    blocks = [block.double().numpy() for block in scores.split(batch)]
    total = 0.0
    for assigned in range(2):
        pool = np.concatenate([earlier[assigned].double().numpy(), blocks[assigned]])
        pool = pool if queued else blocks[assigned]
        target = naive_sinkhorn(pool, temperature=SETTINGS.epsilon, iterations=3)[-batch:]
        others = [naive_cross_entropy(target, b) for i, b in enumerate(blocks) if i != assigned]
        total += sum(others) / len(others)
    assert loss.item() == pytest.approx(total / 2, rel=1e-4)


def test_swapped_prediction_needs_two_crops() -> None:
    with pytest.raises(ValueError, match="at least 2 crops"):
        swapped_loss(torch.zeros(3, 4), [torch.zeros(3, 4)] * 2, temperature=0.1)


def test_queue_counts_whole_batches_and_fills_up() -> None:
    queue = EmbeddingQueue(length=7, batch=3, dimension=2)
    assert queue.embeddings.shape == (2, 6, 2)

    for step in range(queue.steps_to_fill):
        queue.push((step + 1) * torch.ones(6, 2))

    assert queue.embeddings[0, :, 0].tolist() == [2, 2, 2, 1, 1, 1]


def test_queue_smaller_than_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="does not hold a batch of 8"):
        EmbeddingQueue(length=4, batch=8, dimension=2)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_deep_to_shallow_agrees_with_its_definition(seed: int) -> None:
    scores, targets = directions(seed, 8, 5), directions(seed + 1, 8, 5).softmax(1).split(4)

    loss = deep_to_shallow_loss(scores, list(targets), temperature=SETTINGS.temperature)

    views = [view.double().numpy() for view in scores.split(4)]
    wanted = [targets[i].double().numpy() for i in range(2)]
    both = naive_cross_entropy(wanted[0], views[1]) + naive_cross_entropy(wanted[1], views[0])
    assert loss.item() == pytest.approx(both / 2, rel=1e-4)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_alignment_agrees_with_its_definition(seed: int) -> None:
    predictions, projections = directions(seed, 4, 6, 3, 3), directions(seed + 1, 4, 6, 3, 3)

    loss = alignment_loss(predictions, projections)

    p, z = predictions.double().numpy(), projections.double().numpy()
    total = 0.0
    for image, row, column in product(range(2), range(3), range(3)):
        for here, there in ((0, 2), (2, 0)):
            total -= cosine(p[image + here, :, row, column], z[image + there, :, row, column])
    assert loss.item() == pytest.approx(total / (2 * 2 * 9), rel=1e-4)


def test_pairs_without_overlap_add_nothing_to_alignment() -> None:
    both = directions(0, 4, 6, 2, 2)
    both[[1, 3]] = 0

    loss = alignment_loss(both, both)

    assert loss.item() == pytest.approx(alignment_loss(both[[0, 2]], both[[0, 2]]).item() / 2)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_contrastive_loss_agrees_with_its_definition(seed: int) -> None:
    maps = directions(seed, 4, 5, 2, 2)
    maps[[1, 3]] = 0  # the second pair does not overlap and is left out

    loss = contrastive_loss(maps, temperature=0.3)

    points = maps.double().numpy().reshape(4, 5, 4)
    total = 0.0
    for one, other in ((points[0], points[2]), (points[2], points[0])):
        for here in range(4):
            likeness = np.array([cosine(one[:, here], other[:, there]) for there in range(4)])
            total -= np.log(np.exp(likeness[here] / 0.3) / np.exp(likeness / 0.3).sum())
    assert loss.item() == pytest.approx(total / 8, rel=1e-4)


def test_contrastive_loss_of_no_overlap_is_zero() -> None:
    maps = torch.zeros(2, 5, 2, 2, requires_grad=True)

    assert contrastive_loss(maps, temperature=0.3).item() == 0


@given(seed=SEEDS)
@settings(max_examples=10)
def test_pixel_clustering_is_swapped_prediction_of_points(seed: int) -> None:
    maps, prototypes = directions(seed, 4, 5, 2, 2), directions(seed + 1, 3, 5)

    loss = clustering_loss(maps, prototypes, settings=SETTINGS)

    rows = [
        [
            maps[image, :, y, x].double().numpy()
            for image in pair
            for y, x in product((0, 1), (0, 1))
        ]
        for pair in ((0, 1), (2, 3))
    ]
    scores = [np.stack(view) @ prototypes.double().numpy().T for view in rows]
    plans = [naive_sinkhorn(s, temperature=SETTINGS.epsilon, iterations=3) for s in scores]
    both = naive_cross_entropy(plans[0], scores[1]) + naive_cross_entropy(plans[1], scores[0])
    assert loss.item() == pytest.approx(both / 2, rel=1e-4)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_propagation_agrees_with_its_definition(seed: int) -> None:
    """PixPro's rule of positive pairs and its loss; the second image's first view is mirrored."""
    side, threshold = 3, 0.7
    boxes_1 = torch.tensor([[0.0, 0.0, 6.0, 6.0], [9.0, 1.0, 3.0, 7.0]])
    boxes_2 = torch.tensor([[1.0, 2.0, 7.0, 8.0], [50.0, 50.0, 60.0, 60.0]])
    maps = [directions(seed + i, 2, 4, side, side) for i in range(4)]

    positive = near_pairs(boxes_1, boxes_2, side=side, threshold=threshold)
    loss = propagation_loss((maps[0], maps[1]), (maps[2], maps[3]), positive)

    def centre(box: list[float], row: int, column: int) -> Array:
        wide, high = (box[2] - box[0]) / side, (box[3] - box[1]) / side
        return np.array([box[0] + (column + 0.5) * wide, box[1] + (row + 0.5) * high])

    def diagonal(box: list[float]) -> float:
        return float(np.hypot(box[2] - box[0], box[3] - box[1]) / side)

    total = 0.0
    places = list(product(range(side), range(side)))
    arrays = [m.double().numpy() for m in maps]
    for image in range(2):
        box_1, box_2 = boxes_1[image].tolist(), boxes_2[image].tolist()
        unit = max(diagonal(box_1), diagonal(box_2))
        pairs = [
            (a, b)
            for a, b in product(places, places)
            if np.linalg.norm(centre(box_1, *a) - centre(box_2, *b)) / unit < threshold
        ]
        assert int(positive[image].sum()) == len(pairs)
        for online, target, turn in ((0, 3, 1), (1, 2, -1)):
            sums = sum(
                cosine(
                    arrays[online][image][:, *pair[::turn][0]],
                    arrays[target][image][:, *pair[::turn][1]],
                )
                for pair in pairs
            )
            total -= 2 * sums / (len(pairs) + 1e-6) / 2
    assert loss.item() == pytest.approx(total, rel=1e-4, abs=1e-6)
