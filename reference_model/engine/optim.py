"""Momentum SGD whose step length follows the length of each parameter (LARC)."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_EPSILON = 1e-8
_MANY = 1 << 16
_VELOCITY = "momentum_buffer"
# The kernels that torch's own optimisers use; they have no public names.
_norms, _scale, _add_products = torch._foreach_norm, torch._foreach_mul_, torch._foreach_addcmul_  # noqa: SLF001
_fused_step = torch._fused_sgd_


class Larc(Optimizer):
    """Layer-wise adaptive rate control, then the ordinary momentum step.

    For a parameter p with gradient g, both of them other than zero, the gradient becomes
    (g + decay * p) * trust * |p| / (|g| + decay * |p| + 1e-8). Otherwise it stays as it is, without
    decay: so zero-initialised biases leave zero in their first step. A group with
    `adaptive=False` takes plain momentum steps without decay.

    Source: You et al., arXiv:1708.03888; the treatment of zeros is NVIDIA apex' LARC, clip=False.
    """

    def __init__(
        self,
        groups: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.9,
        decay: float = 1e-6,
        trust: float = 0.001,
    ) -> None:
        super().__init__(groups, {"lr": lr, "adaptive": True})
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter][_VELOCITY] = torch.zeros_like(parameter)
        self._momentum, self._decay, self._trust = momentum, decay, trust

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closure, no loss
        """Take a step; gradients may be changed in place, so there is no closure to call again."""
        if closure is not None:
            raise ValueError("Larc takes no closure")
        for group in self.param_groups:
            rows = [
                _Rows(
                    _row(parameter),
                    _row(laid_out(parameter.grad, like=parameter)),
                    _row(self.state[parameter][_VELOCITY]),
                )
                for parameter in group["params"]
                if parameter.grad is not None
            ]
            if group["adaptive"]:
                for row in rows:
                    if row.waits_for_memory:
                        self._adapt_and_move(row, rate=group["lr"])
                rows = [row for row in rows if not row.waits_for_memory]
            if not rows:
                continue
            if group["adaptive"]:
                self._adapt(rows)
            self._move(rows, rate=group["lr"])

    def _adapt_and_move(self, row: "_Rows", *, rate: float) -> None:
        """All that a step does with a parameter, while it is at hand."""
        # As a product with itself: torch's norms take three times as long.
        length, slope = (math.sqrt(each.dot(each).item()) for each in (row.parameter, row.gradient))
        if length and slope:
            scale = self._trust * length / (slope + self._decay * length + _EPSILON)
            self._move([row], rate=rate, decay=self._decay * scale, divisor=1 / scale)
        else:
            self._move([row], rate=rate)

    def _adapt(self, rows: "list[_Rows]") -> None:
        """All gradients at once, without waiting for the device to say a number."""
        parameters, gradients = [row.parameter for row in rows], [row.gradient for row in rows]
        lengths, slopes = (torch.stack(_norms(tensors)) for tensors in (parameters, gradients))
        moving = (lengths != 0) & (slopes != 0)
        rates = self._trust * lengths / (slopes + self._decay * lengths + _EPSILON)
        scales = torch.where(moving, rates, 1).unbind()
        decays = torch.where(moving, self._decay * rates, 0).unbind()
        _scale(gradients, scales)
        _add_products(gradients, parameters, decays)

    def _move(
        self, rows: "list[_Rows]", *, rate: float, decay: float = 0, divisor: float | None = None
    ) -> None:
        """Take a momentum step; gradients are divided by ``divisor`` before all else."""
        _fused_step(
            [row.parameter for row in rows],
            [row.gradient for row in rows],
            [row.velocity for row in rows],
            weight_decay=decay,
            momentum=self._momentum,
            lr=rate,
            dampening=0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
            grad_scale=None if divisor is None else torch.tensor(divisor),
        )


class _Rows(NamedTuple):
    """The values of a parameter, its gradient and its momentum, each as a row."""

    parameter: Tensor
    gradient: Tensor
    velocity: Tensor

    @property
    def waits_for_memory(self) -> bool:
        """Whether calls cost little beside reading it, and the device says numbers at once."""
        return self.parameter.is_cpu and self.parameter.numel() >= _MANY


def laid_out(tensor: Tensor, *, like: Tensor) -> Tensor:
    """The tensor, or a copy of it whose values lie in memory as those of ``like`` do.

    Fused steps on a CPU go through memory as it lies, whatever the strides say.
    """
    if tensor.stride() == like.stride():
        return tensor
    return torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)


def _row(tensor: Tensor) -> Tensor:
    """The values of a dense tensor as they lie in memory, as a view of one dimension.

    Of gradients in channels-last memory torch's fused step on a CPU first makes a copy that it does
    not look at.
    """
    return tensor.as_strided((tensor.numel(),), (1,))


def matrices_and_vectors(network: nn.Module) -> list[dict[str, Any]]:
    """Groups for PixPro's rule: biases and norms are neither adapted nor decayed."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1]},
        {"params": [p for p in trained if p.ndim <= 1], "adaptive": False},
    ]
