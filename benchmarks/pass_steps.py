"""Steps of PASS and of the bare backbone on the same crops, as `benchmarks.pass` times them.

Both take the crops of the S50 recipe: two of 224 pixels and six of 96 for each image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode

from reference_model.data.pictures import MEAN, STD
from reference_model.data.views import POINTS, Views, as_images, crop_major
from reference_model.engine.loop import take_step
from reference_model.engine.processes import Processes
from reference_model.networks.resnet import ResNet
from reference_model.recipes import s50
from reference_model.stages.building import representation
from reference_model.stages.pretrain import PretrainLearner

STEPS_IN_EPOCH = 251
LATE = 100 * STEPS_IN_EPOCH
"""A step at which the queue is full and nothing is frozen any more."""

Step = Callable[[], Any]


def views(batch: int) -> Views:
    """Noise in place of crops: a step takes as long for any pixels."""
    rng = torch.Generator().manual_seed(0)
    pretrain = s50().pretrain
    small = pretrain.small
    assert small is not None  # noqa: S101  # the recipe has small crops

    def noise(count: int, side: int) -> Tensor:
        shape = (batch, count, side, side, 3)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)

    return Views(
        large=noise(pretrain.large.count, pretrain.large.side),
        small=noise(small.count, small.side),
        points=torch.rand(batch, 2, POINTS, POINTS, 2, generator=rng) * 2 - 1,
        corners=torch.rand(batch, 2, 4, generator=rng),
    )


def pass_step(batch: Views, processes: Processes, *, compiled: bool) -> Step:
    """A whole step of pre-training: every loss, the queue, LARC."""
    recipe = s50()
    training = replace(recipe.pretrain.training, batch=len(batch.large))
    recipe = replace(recipe, pretrain=replace(recipe.pretrain, training=training))
    network = representation(recipe)
    made = PretrainLearner(
        recipe,
        network,
        processes=processes,
        steps=training.epochs * STEPS_IN_EPOCH,
        steps_in_epoch=STEPS_IN_EPOCH,
    )
    if compiled:
        network.backbone.compile()
    return partial(take_step, made.as_learner(), batch, LATE)


def bare_step(
    batch: Views, processes: Processes, *, channels_last: bool, fused: bool, compiled: bool
) -> Step:
    """Forward, backward and a momentum step of the backbone alone, with a mean for a loss."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    crops = [
        as_images(crop_major(each).to(processes.device), mean=MEAN, std=STD).contiguous(
            memory_format=layout
        )
        for each in (batch.large, batch.small)
    ]
    backbone: nn.Module = ResNet(s50().backbone.depth)
    backbone.to(processes.device, memory_format=layout)  # type: ignore[call-overload]  # torch does not declare this pair of arguments
    optimizer = SGD(backbone.parameters(), lr=1e-4, momentum=0.9, fused=fused)
    if compiled:
        backbone.compile()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with processes.autocast():
            loss = torch.stack([backbone(each)[-1].float().mean() for each in crops]).sum()
        loss.backward()
        optimizer.step()

    return step


def variants(batch: int, processes: Processes, *, compiled: bool) -> Iterator[tuple[str, Step]]:
    """Steps to compare, by what they are; the first two are the ones that count."""
    made = views(batch)
    bare = partial(bare_step, made, processes)
    chosen = {"channels_last": True, "fused": True, "compiled": False}
    yield "pass", pass_step(made, processes, compiled=False)
    yield "bare", bare(**chosen)
    yield "bare_plain_optimizer", bare(**{**chosen, "fused": False})
    yield "bare_channels_first", bare(**{**chosen, "channels_last": False})
    if compiled:
        yield "pass_compiled", pass_step(made, processes, compiled=True)
        yield "bare_compiled", bare(**{**chosen, "compiled": True})


def operations(step: Step) -> int:
    """Floating-point operations of a step, in matrix products and convolutions."""
    with FlopCounterMode(display=False) as counted:
        step()
    return int(counted.get_total_flops())


@contextmanager
def finished(processes: Processes) -> Iterator[None]:
    """Leave the block only when the device has done what was asked for in it."""
    yield
    if processes.is_cuda:
        torch.cuda.synchronize(processes.device)


def peak_operations_per_s(processes: Processes, seconds: Callable[[Step], float]) -> float:
    """What the device reaches in a large product of bfloat16 matrices."""
    side = 8192
    matrix = torch.randn(side, side, device=processes.device, dtype=torch.bfloat16)
    return 2 * side**3 / seconds(lambda: matrix @ matrix)
