"""Small networks on top of a backbone's maps.

Convolutions and linear layers before a norm have no bias: the norm would take it out again.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, linear, normalize

from reference_model.networks.resnet import initialise


def pooled(map_BCHW: Tensor) -> Tensor:
    """The mean over positions, shape (B, C).

    Its gradient is laid out like the map. That of `Tensor.mean` is one vector seen from every
    position, and norms take five times as long for it.
    """
    return avg_pool2d(map_BCHW, map_BCHW.shape[-2:]).flatten(1)


class PlainBatchNorm2d(nn.BatchNorm2d):
    """Without scale and shift of its own.

    On a CPU torch has a fast way back through a norm only if there are some, hence the constants.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=False)
        for name, constant in (("weight", torch.ones(channels)), ("bias", torch.zeros(channels))):
            delattr(self, name)
            self.register_buffer(name, constant, persistent=False)


def image_projector(channels: int, hidden: int, dimension: int) -> nn.Sequential:
    """From a pooled map to an embedding, before its normalisation."""
    return nn.Sequential(
        nn.Linear(channels, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, dimension, bias=False),
        nn.BatchNorm1d(dimension, affine=False),
    )


def pixel_projector(channels: int, hidden: int, dimension: int) -> nn.Sequential:
    """The same for every position of a map, one layer deeper."""
    layers = nn.Sequential(
        nn.Conv2d(channels, hidden, 1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, hidden, 1, bias=False),
        nn.BatchNorm2d(hidden),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden, dimension, 1, bias=False),
        PlainBatchNorm2d(dimension),
    )
    initialise(layers)
    return layers


def pixel_predictor(dimension: int) -> nn.Sequential:
    """Predicts one view's positions from the other's."""
    layers = nn.Sequential(
        nn.Conv2d(dimension, dimension, 1, bias=False),
        nn.BatchNorm2d(dimension),
        nn.ReLU(inplace=True),
        nn.Conv2d(dimension, dimension, 1),
    )
    initialise(layers)
    return layers


class ShallowHead(nn.Module):
    """From a shallow stage's map to embeddings; without its pixel layers they collapse."""

    def __init__(self, channels: int, hidden: int, dimension: int) -> None:
        super().__init__()
        self.pixels = pixel_projector(channels, hidden, channels)
        self.image = image_projector(channels, hidden, dimension)

    def forward(self, map_BCHW: Tensor) -> Tensor:
        """Embeddings of length 1, shape (B, D)."""
        return normalize(self.image(pooled(self.pixels(map_BCHW))), dim=1)


class Prototypes(nn.Module):
    """Directions that embeddings are compared with, one for each of K fine categories."""

    def __init__(self, dimension: int, count: int) -> None:
        super().__init__()
        # Drawn as torch draws a linear layer.
        self.weight = nn.Linear(dimension, count, bias=False).weight

    @torch.no_grad()
    def renew(self) -> None:
        """Bring the rows back to length 1, as is due before every step."""
        self.weight.copy_(normalize(self.weight, dim=1))

    def forward(self, embeddings_BD: Tensor) -> Tensor:
        """Similarities, shape (B, K), in full precision: an assignment is sharp in them."""
        return self._compared(embeddings_BD, self.weight)

    def of_detached(self, embeddings_BD: Tensor) -> Tensor:
        """Similarities that move the embeddings alone."""
        return self._compared(embeddings_BD, self.weight.detach())

    @staticmethod
    def _compared(embeddings_BD: Tensor, weight_KD: Tensor) -> Tensor:
        with torch.autocast(embeddings_BD.device.type, enabled=False):
            return linear(embeddings_BD.float(), weight_KD)
