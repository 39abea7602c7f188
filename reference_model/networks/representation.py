"""The network of pre-training: a backbone with every head that the chosen objectives need.

Rows of a batch are crop-major: the two large crops of all images, then the small ones. Shape
letters: B images, V crops of an image, K prototypes, D embedding channels, S x S shared points.
"""

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, normalize

from reference_model.networks.heads import (
    Prototypes,
    ShallowHead,
    image_projector,
    pixel_predictor,
    pixel_projector,
    pooled,
)
from reference_model.networks.propagation import PixelPropagation, propagation_projector
from reference_model.networks.resnet import STAGES, ResNet


class Features(NamedTuple):
    """What the objectives compare; None where no head was asked for it."""

    embeddings: Tensor
    """Shape (V * B, D), length 1."""
    scores: Tensor
    """Shape (V * B, K)."""
    shallow: tuple[Tensor, ...]
    """Scores of the two large crops for each shallow stage, shape (2 * B, K)."""
    projections: Tensor | None
    """At the shared points, shape (2 * B, D, S, S)."""
    predictions: Tensor | None
    """Likewise."""
    propagated: Tensor | None
    """Maps of the large crops, shape (2 * B, D', H, W)."""


class Representation(nn.Module):
    """A backbone, its image embedding and prototypes, and heads by choice.

    Args:
        hidden: width of every head's hidden layers.
        shallow_stages: stages (1 to 3) that the deepest one supervises.
        pixels: whether to have the heads of pixel alignment.
        propagation: hidden and output width of PixPro's heads; None for none.
    """

    def __init__(
        self,
        backbone: ResNet,
        *,
        hidden: int,
        dimension: int,
        prototypes: int,
        shallow_stages: Collection[int] = (),
        pixels: bool = False,
        propagation: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if not set(shallow_stages) <= set(range(1, STAGES)):
            raise ValueError(f"shallow stages are 1 to {STAGES - 1}, got {list(shallow_stages)}")
        deepest = backbone.channels[-1]
        self.backbone = backbone
        self.projector = image_projector(deepest, hidden, dimension)
        self.prototypes = Prototypes(dimension, prototypes)
        self.shallow = nn.ModuleDict(
            {
                str(stage): ShallowHead(backbone.channels[stage - 1], hidden, dimension)
                for stage in sorted(shallow_stages, reverse=True)
            }
        )
        self.pixel_projector = pixel_projector(deepest, hidden, dimension) if pixels else None
        self.pixel_predictor = pixel_predictor(dimension) if pixels else None
        self.propagation_projector = (
            propagation_projector(deepest, *propagation) if propagation else None
        )
        self.propagation = PixelPropagation(propagation[1]) if propagation else None

    def forward(self, large: Tensor, small: Tensor | None, points: Tensor | None) -> Features:
        """Everything that the heads say.

        Args:
            large: shape (2 * B, 3, H, W).
            small: further crops of one size, crop-major, or None.
            points: shared points of the large crops, shape (2 * B, S, S, 2).
        """
        maps = self.backbone(large)
        vectors = [pooled(maps[-1])]
        if small is not None:
            vectors.append(pooled(self.backbone(small)[-1]))
        embeddings = self.embed(*vectors)
        projections = self._at_points(maps[-1], points)
        predictions = None
        if projections is not None and self.pixel_predictor is not None:
            predictions = self.pixel_predictor(projections)
        return Features(
            embeddings=embeddings,
            scores=self.prototypes(embeddings),
            shallow=tuple(
                self.prototypes.of_detached(head(maps[int(stage) - 1]))
                for stage, head in self.shallow.items()
            ),
            projections=projections,
            predictions=predictions,
            propagated=self._propagated(maps[-1]),
        )

    def embed(self, *vectors: Tensor) -> Tensor:
        """Embeddings of length 1; large and small crops are one batch to the projector's norms."""
        return normalize(self.projector(torch.cat(vectors)), dim=1)

    def _at_points(self, map_BCHW: Tensor, points: Tensor | None) -> Tensor | None:
        if self.pixel_projector is None or points is None:
            return None
        projected = self.pixel_projector(map_BCHW)
        return grid_sample(projected, points.to(projected.dtype), align_corners=False)

    def _propagated(self, map_BCHW: Tensor) -> Tensor | None:
        if self.propagation is None or self.propagation_projector is None:
            return None
        propagated: Tensor = self.propagation(self.propagation_projector(map_BCHW))
        return propagated
