"""Momentum SGD whose step length follows the length of each parameter (LARC)."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD

_EPSILON = 1e-8
# The kernels over many tensors that torch's own optimisers use; they have no public names.
_norms, _scale, _add_products = torch._foreach_norm, torch._foreach_mul_, torch._foreach_addcmul_  # noqa: SLF001


class Larc(SGD):
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
        fused: bool = True,
    ) -> None:
        super().__init__(groups, lr=lr, momentum=momentum, fused=fused)
        for group in self.param_groups:
            group.setdefault("adaptive", True)
            for parameter in group["params"]:
                # From rest: torch's fused step cannot start some parameters later than others.
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        self._decay, self._trust = decay, trust

    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closure, no loss
        """Take a step; gradients are changed in place, so there is no closure to call again."""
        if closure is not None:
            raise ValueError("Larc takes no closure")
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if group["adaptive"] and parameters:
                self._adapt(parameters, [p.grad for p in parameters])
        super().step()

    @torch.no_grad()
    def _adapt(self, parameters: list[Tensor], gradients: list[Tensor]) -> None:
        lengths, slopes = (torch.stack(_norms(tensors)) for tensors in (parameters, gradients))
        moving = (lengths != 0) & (slopes != 0)
        rates = self._trust * lengths / (slopes + self._decay * lengths + _EPSILON)
        scales = torch.where(moving, rates, 1).unbind()
        decays = torch.where(moving, self._decay * rates, 0).unbind()
        _scale(gradients, scales)
        _add_products(gradients, parameters, decays)


def matrices_and_vectors(network: nn.Module) -> list[dict[str, Any]]:
    """Groups for PixPro's rule: biases and norms are neither adapted nor decayed."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1]},
        {"params": [p for p in trained if p.ndim <= 1], "adaptive": False},
    ]
