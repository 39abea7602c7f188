"""PASS against the original's own functions: every array of parity.npz, to 1e-5 of its largest.

`LUSS_PARITY_NPZ` names another file of the same keys; sizes are read from the arrays.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from reference_model.data.correspondence import shared_points
from reference_model.engine.optim import Larc
from reference_model.networks.pixel_attention import PixelAttention
from reference_model.objectives.deep_to_shallow import deep_to_shallow_loss
from reference_model.objectives.pixel_alignment import alignment_loss
from reference_model.objectives.queue import EmbeddingQueue
from reference_model.objectives.sinkhorn import sinkhorn
from reference_model.objectives.swapped import Assignment, assignments, swapped_loss
from reference_model.stages.neighbours import vote

GOLDEN = Path(__file__).parents[1] / "golden" / "pass" / "parity.npz"
PARITY = Path(os.environ.get("LUSS_PARITY_NPZ", GOLDEN))  # noqa: TID251  # not a setting of ours
SETTINGS = Assignment()
ATTENTION_NAMES = {
    "threshold": "bias",
    **{
        f"atten.{layer}.{name}": f"layers.{layer}.{name}"
        for layer, names in {
            0: ("weight", "bias"),
            1: ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
            3: ("weight", "bias"),
            4: ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
        }.items()
        for name in names
    },
}
"""The original's names of the attention's state, and ours."""


class Golden:
    """The arrays, and which of them were read."""

    def __init__(self) -> None:
        with np.load(PARITY, allow_pickle=False) as arrays:
            self._arrays = dict(arrays)

    @property
    def keys(self) -> list[str]:
        return list(self._arrays)

    def array(self, key: str) -> NDArray[np.generic]:
        return self._arrays[key]

    def tensor(self, key: str) -> Tensor:
        return torch.from_numpy(self._arrays[key].copy())

    def assert_equal(self, key: str, value: Tensor | NDArray[np.generic]) -> None:
        wanted = self._arrays[key]
        got = value.detach().numpy() if isinstance(value, Tensor) else value
        assert got.shape == wanted.shape, key
        limit = 1e-5 * np.abs(wanted).max(initial=0)
        assert np.abs(got.astype(np.float64) - wanted).max(initial=0) <= limit, key


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden()


def test_sinkhorn(golden: Golden) -> None:
    plan = sinkhorn(golden.tensor("sinkhorn/scores"), temperature=0.05, iterations=3)

    golden.assert_equal("sinkhorn/q", plan)


@pytest.mark.parametrize("case", ["no_queue", "queue"])
def test_swapped_prediction(golden: Golden, case: str) -> None:
    batch = len(golden.array(f"swav/q0_{case}"))
    prototypes = golden.tensor("swav/prototypes")
    scores = golden.tensor("swav/scores").requires_grad_()
    queue = filled_queue(golden, batch=batch)
    queued = queue.scores(prototypes) if case == "queue" else None

    targets = assignments(scores, batch=batch, settings=SETTINGS, queued=queued)
    loss = swapped_loss(scores, targets, temperature=SETTINGS.temperature)
    loss.backward()

    golden.assert_equal(f"swav/q0_{case}", targets[0])
    golden.assert_equal(f"swav/q1_{case}", targets[1])
    golden.assert_equal(f"swav/loss_{case}", loss)
    assert scores.grad is not None
    golden.assert_equal(f"swav/grad_{case}", scores.grad)


def test_scores_are_embeddings_times_prototypes(golden: Golden) -> None:
    scores = golden.tensor("swav/embeddings") @ golden.tensor("swav/prototypes").T

    golden.assert_equal("swav/scores", scores)


def test_queue_takes_the_newest_in_front(golden: Golden) -> None:
    batch = len(golden.array("swav/q0_queue"))
    queue = filled_queue(golden, batch=batch)

    queue.push(golden.tensor("swav/embeddings")[: 2 * batch])

    golden.assert_equal("swav/queue_after", queue.embeddings)


def filled_queue(golden: Golden, *, batch: int) -> EmbeddingQueue:
    before = golden.tensor("swav/queue_before")
    queue = EmbeddingQueue(length=before.shape[1], batch=batch, dimension=before.shape[2])
    queue.load_state_dict({"embeddings": before})
    return queue


def test_deep_to_shallow(golden: Golden) -> None:
    targets = [golden.tensor("d2s/q0"), golden.tensor("d2s/q1")]
    scores = golden.tensor("d2s/scores").requires_grad_()

    losses = [
        deep_to_shallow_loss(stage, targets, temperature=SETTINGS.temperature)
        for stage in scores.chunk(2)
    ]
    torch.stack(losses).sum().backward()

    golden.assert_equal("d2s/loss_stage3", losses[0])
    golden.assert_equal("d2s/loss_stage2", losses[1])
    assert scores.grad is not None
    golden.assert_equal("d2s/grad_of_sum", scores.grad)


def test_pixel_alignment(golden: Golden) -> None:
    predictions = golden.tensor("p2p/predictions").requires_grad_()

    loss = alignment_loss(predictions, golden.tensor("p2p/projections"))
    loss.backward()

    golden.assert_equal("p2p/loss", loss)
    assert predictions.grad is not None
    golden.assert_equal("p2p/grad", predictions.grad)


def test_shared_points(golden: Golden) -> None:
    pairs = golden.array("grid/rects_left_top_width_height_flipped")
    side = golden.array("grid/view1").shape[1]

    grids = np.stack([shared_points(*pair, side=side) for pair in pairs])

    golden.assert_equal("grid/view1", grids[:, 0])
    golden.assert_equal("grid/view2", grids[:, 1])


def test_vote_of_neighbours(golden: Golden) -> None:
    labels = golden.tensor("knn/labels")

    voted = vote(
        golden.tensor("knn/features"),
        golden.tensor("knn/bank"),
        labels,
        classes=int(labels.max()) + 1,
        neighbours=10,
        temperature=0.07,
    )

    np.testing.assert_array_equal(voted.numpy(), golden.array("knn/predicted_k10_T007"))


def test_pixel_attention(golden: Golden) -> None:
    normalised = golden.tensor("attention/input")
    attention = PixelAttention(normalised.shape[1]).eval()
    attention.load_state_dict(
        {ours: golden.tensor(f"attention/state/{name}") for name, ours in ATTENTION_NAMES.items()}
    )

    golden.assert_equal("attention/output", attention(normalised))


def test_larc(golden: Golden) -> None:
    names = ("w", "b", "zero")
    parameters = [torch.nn.Parameter(golden.tensor(f"larc/{name}0")) for name in names]
    rates = golden.array("larc/lrs").tolist()
    optimizer = Larc(parameters, lr=rates[0], momentum=0.9, decay=1e-6)

    for step, rate in enumerate(rates):
        optimizer.param_groups[0]["lr"] = rate
        for index, parameter in enumerate(parameters):
            parameter.grad = golden.tensor(f"larc/grad{step}_{index}")
        optimizer.step()

    for name, parameter in zip(names, parameters, strict=True):
        golden.assert_equal(f"larc/{name}{len(rates)}", parameter)


def test_no_array_is_left_out(golden: Golden) -> None:
    """Every key is an input or an output of a test above."""
    groups = {"sinkhorn", "swav", "d2s", "p2p", "grid", "knn", "attention", "larc"}

    assert {key.split("/")[0] for key in golden.keys} == groups
