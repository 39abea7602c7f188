"""PixPro's layers: the pixel propagation module and the momentum network that it chases."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from reference_model.networks.resnet import initialise


def propagation_projector(channels: int, hidden: int, dimension: int) -> nn.Sequential:
    layers = nn.Sequential(
        nn.Conv2d(channels, hidden, 1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, dimension, 1),
    )
    initialise(layers)
    return layers


class PixelPropagation(nn.Module):
    """Every position becomes a sum over all positions, weighted by how alike they are.

    The weight of two positions is max(cosine, 0) ** 2.

    Source: Xie et al., arXiv:2011.10043, equations 3 and 4.
    """

    _SHARPNESS = 2

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.transform = nn.Conv2d(dimension, dimension, 1)
        initialise(self.transform)

    def forward(self, map_BDHW: Tensor) -> Tensor:
        directions = normalize(map_BDHW, dim=1).flatten(2)
        alike = (directions.transpose(1, 2) @ directions).clamp(min=0) ** self._SHARPNESS
        values = normalize(self.transform(map_BDHW), dim=1).flatten(2)
        return (values @ alike.to(values.dtype)).view_as(map_BDHW)


class Momentum(nn.Module):
    """A slow copy of a backbone and its projector.

    Its parameters follow theirs; its norms count for themselves.
    """

    def __init__(self, backbone: nn.Module, projector: nn.Module) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copy.deepcopy(network) for network in (backbone, projector))
        self.copies.requires_grad_(requires_grad=False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """What a backbone and the projector of its last map say."""
        backbone, projector = self.copies
        projected: Tensor = projector(backbone(images)[-1])
        return projected

    @torch.no_grad()
    def follow(self, backbone: nn.Module, projector: nn.Module, *, share: float) -> None:
        """Keep `share` of what the copies are and take the rest from the networks."""
        followed = _parameters([backbone, projector])
        torch._foreach_lerp_(_parameters(self.copies), followed, 1 - share)


def _parameters(networks: Iterable[nn.Module]) -> list[Tensor]:
    return [parameter for network in networks for parameter in network.parameters()]
