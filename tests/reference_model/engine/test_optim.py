from itertools import product

import numpy as np
import pytest
import torch

from reference_model.engine.optim import Larc, matrices_and_vectors

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def test_larc_agrees_with_its_formula() -> None:
    """One step of two parameters, by hand; the second is zero and takes its raw gradient."""
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    bias = torch.nn.Parameter(torch.zeros(2))
    optimizer = Larc([weight, bias], lr=0.5, decay=0.1, trust=0.01)
    weight.grad, bias.grad = torch.tensor([0.6, 0.8]), torch.tensor([1.0, 2.0])

    optimizer.step()

    rate = 0.01 * 5 / (1 + 0.1 * 5 + 1e-8)
    wanted = np.array([3, 4]) - 0.5 * rate * (np.array([0.6, 0.8]) + 0.1 * np.array([3, 4]))
    np.testing.assert_allclose(weight.detach(), wanted, rtol=1e-6)
    np.testing.assert_allclose(bias.detach(), [-0.5, -1.0], rtol=1e-6)


@pytest.mark.parametrize("size", [2, 100_000])  # in a list with others, and by itself
def test_larc_agrees_with_its_formula_over_steps(size: int) -> None:
    """Three steps of two parameters; the second is zero at first, and adapted from then on."""
    rng = np.random.default_rng(0)
    values, slopes = rng.standard_normal(size), rng.standard_normal((3, size))
    weight = torch.nn.Parameter(torch.tensor(values, dtype=torch.float32))
    bias = torch.nn.Parameter(torch.zeros(size))
    optimizer = Larc([weight, bias], lr=0.5, momentum=0.9, decay=0.1, trust=0.01)
    wanted = {weight: values.copy(), bias: np.zeros(size)}
    velocities = {weight: np.zeros(size), bias: np.zeros(size)}

    for slope in slopes:
        for parameter, position in wanted.items():
            parameter.grad = torch.tensor(slope, dtype=torch.float32)
            length, moved = np.linalg.norm(position), slope
            if length:
                rate = 0.01 * length / (np.linalg.norm(slope) + 0.1 * length + 1e-8)
                moved = rate * (slope + 0.1 * position)
            velocities[parameter] = 0.9 * velocities[parameter] + moved
            np.subtract(position, 0.5 * velocities[parameter], out=position)
        optimizer.step()

    for parameter, position in wanted.items():
        np.testing.assert_allclose(parameter.detach(), position, rtol=1e-5, atol=1e-6)


def test_larc_passes_over_what_has_no_gradient() -> None:
    frozen = torch.nn.Parameter(torch.ones(2))
    optimizer = Larc([frozen], lr=1.0)

    optimizer.step()

    assert frozen.tolist() == [1, 1]


@pytest.mark.parametrize("layouts", list(product(LAYOUTS, repeat=2)))
@pytest.mark.parametrize("channels", [3, 300])  # in a list with others, and by itself
def test_no_layout_in_memory_changes_a_step(
    layouts: tuple[torch.memory_format, ...], channels: int
) -> None:
    """Parameter and gradient may lie in memory as they like."""
    rng = torch.Generator().manual_seed(0)
    values, gradients = (torch.randn(2, 60, channels, 2, 2, generator=rng) for _ in range(2))
    plain = torch.nn.Parameter(values[0].clone())
    other = torch.nn.Parameter(values[0].to(memory_format=layouts[0], copy=True))
    optimizers = Larc([plain], lr=0.5, decay=0.1), Larc([other], lr=0.5, decay=0.1)

    for gradient in gradients:
        plain.grad, other.grad = gradient.clone(), gradient.to(memory_format=layouts[1], copy=True)
        for optimizer in optimizers:
            optimizer.step()

    np.testing.assert_allclose(other.detach(), plain.detach(), rtol=1e-5, atol=1e-6)


def test_norms_and_biases_may_be_left_alone() -> None:
    layer = torch.nn.Linear(2, 2)
    optimizer = Larc(matrices_and_vectors(layer), lr=1.0)
    before = layer.bias.detach().clone()
    layer.weight.grad, layer.bias.grad = torch.ones(2, 2), torch.ones(2)

    optimizer.step()

    np.testing.assert_allclose(layer.bias.detach(), before - 1)
