"""Networks as a recipe wants them, their weights, and their optimisers."""

from pathlib import Path

from torch import nn

from reference_model.engine.errors import Refused
from reference_model.engine.optim import Larc, matrices_and_vectors
from reference_model.engine.schedules import Cosine
from reference_model.engine.weights import read_weights
from reference_model.networks.pixel_attention import PixelAttention
from reference_model.networks.representation import Representation
from reference_model.networks.resnet import ResNet
from reference_model.networks.segmenter import AttentiveRepresentation, Segmenter
from reference_model.recipes import Recipe, Training
from reference_model.stages.place import seeded

WEIGHTS = "weights.safetensors"
"""What a training stage leaves in its folder."""


def resnet(recipe: Recipe) -> ResNet:
    backbone = recipe.backbone
    return ResNet(backbone.depth, width=backbone.width, dilated=backbone.dilated)


def representation(recipe: Recipe) -> Representation:
    """The network of pre-training, with the recipe's initial weights."""
    pretrain, backbone = recipe.pretrain, recipe.backbone
    propagation = pretrain.propagation
    with seeded(recipe.seed):
        return Representation(
            resnet(recipe),
            hidden=backbone.hidden,
            dimension=backbone.dimension,
            prototypes=pretrain.prototypes,
            shallow_stages=pretrain.shallow_stages,
            pixels=pretrain.pixel_term is not None,
            propagation=(propagation.hidden, propagation.dimension) if propagation else None,
        )


def attentive(recipe: Recipe) -> AttentiveRepresentation:
    """The representation with a new attention head."""
    network = representation(recipe)
    with seeded(recipe.seed + 1):
        attention = PixelAttention(network.backbone.channels[-1], shared=recipe.attention.shared)
    return AttentiveRepresentation(network, attention)


def segmenter(recipe: Recipe, *, categories: int) -> Segmenter:
    """A backbone with a new classifier for the categories and "other"."""
    with seeded(recipe.seed + 2):
        return Segmenter(resnet(recipe), categories + 1)


def load(network: nn.Module, path: Path) -> None:
    """Give a network all weights of a file, and no others.

    Raises:
        Refused: the file is of another network.
    """
    try:
        network.load_state_dict(read_weights(path))
    except RuntimeError as error:
        raise Refused(f"{path} holds weights of another network: {error}") from error


def larc(network: nn.Module, training: Training) -> Larc:
    """The optimiser of a training, over what has gradients."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    return Larc(
        parameters if training.vectors_adapt else matrices_and_vectors(network),
        lr=training.rate,
        momentum=training.momentum,
        decay=training.decay,
    )


def rate_of(training: Training, *, steps_in_epoch: int) -> Cosine:
    return Cosine(
        base=training.rate,
        final=training.final_rate,
        steps=training.epochs * steps_in_epoch,
        warmup=training.warmup_epochs * steps_in_epoch,
        start=training.rate / 100,
    )
