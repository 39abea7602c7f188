"""The recipes of the reference model that organizers may choose; reference_model has them."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.models import Protocol

PROTOCOL = Protocol.FULLY_UNSUPERVISED
"""What whole runs make entries for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChoice:
    """A recipe in words; ``classes`` is what the data set must have, None for as many as it has."""

    title: str
    classes: int | None = None


RECIPES: Mapping[str, RecipeChoice] = {
    "s50": RecipeChoice(title="ImageNet-S-50 as published, ResNet-18", classes=50),
    "s300": RecipeChoice(title="ImageNet-S-300 as published, ResNet-50", classes=300),
    "s919": RecipeChoice(title="ImageNet-S as published, ResNet-50", classes=919),
    "s50-p": RecipeChoice(title="ImageNet-S-50 with pixel propagation", classes=50),
    "s300-p": RecipeChoice(title="ImageNet-S-300 with pixel propagation", classes=300),
    "s919-p": RecipeChoice(title="ImageNet-S with pixel propagation", classes=919),
    "animals": RecipeChoice(title="A few thousand photographs, one GPU, minutes"),
    "animals-cpu": RecipeChoice(title="The same, one processor core: too short to learn much"),
    "demo": RecipeChoice(title="The demo data set, two processor cores, minutes"),
    "tiny": RecipeChoice(title="A few dozen images, seconds: shows that runs work here"),
}

STAGES = (
    "pretrain",
    "attention",
    "cluster",
    "threshold",
    "pseudo-labels",
    "finetune",
    "predict",
)
"""In their order, by the names that a run reports."""
