"""Networks that say something about every pixel."""

from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from reference_model.networks.pixel_attention import PixelAttention
from reference_model.networks.representation import Representation
from reference_model.networks.resnet import ResNet, initialise

UPSAMPLING = 4
"""How much finer a map is read than the backbone makes it: stride 32 becomes 8."""


def finer(map_BCHW: Tensor) -> Tensor:
    return interpolate(map_BCHW, scale_factor=UPSAMPLING, mode="bilinear", align_corners=False)


class Segmenter(nn.Module):
    """A backbone and one linear classifier for all positions; class 0 is "other"."""

    def __init__(self, backbone: ResNet, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = nn.Conv2d(backbone.channels[-1], classes, 1)
        initialise(self.classifier)

    def forward(self, images: Tensor) -> Tensor:
        """Logits at the stride of the backbone, shape (B, classes, h, w)."""
        logits: Tensor = self.classifier(self.backbone(images)[-1])
        return logits


class ImageClassifier(nn.Module):
    """The same network trained on one label for each image; its maps are class activations."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images, shape (B, classes).

        The classifier is linear, so the mean of its map is its answer to the pooled feature.
        """
        logits: Tensor = self.segmenter(images)
        return logits.mean(dim=(2, 3))


class AttentiveRepresentation(nn.Module):
    """A representation whose pooling is weighted by pixel attention."""

    def __init__(self, representation: Representation, attention: PixelAttention) -> None:
        super().__init__()
        self.representation = representation
        self.attention = attention

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings and scores of shape (B, D) and (B, K), for learning the attention."""
        features = finer(self.representation.backbone(images)[-1])
        normalised = normalize(features, dim=1)
        pooled = (normalised * self.attention(normalised)).mean(dim=(2, 3))
        embeddings = self.representation.embed(pooled)
        return embeddings, self.representation.prototypes(embeddings)

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The finer map of features, not normalised, and how much of each is object."""
        features = finer(self.representation.backbone(images)[-1])
        attention: Tensor = self.attention(normalize(features, dim=1))
        return features, attention
