"""Whole configurations of PASS. A recipe function returns everything that a run depends on.

`s50`, `s300` and `s919` are as published. Where the original has a slip, the recipe does what was
meant, and a switch (named below) brings the slip back where it changes results:

* pre-training normalises with a standard deviation of .228 in the red channel: `std_slip`;
* while the attention is learned, the frozen backbone's norms drift: `norms_drift`;
* a stage-1 head of deep-to-shallow supervision had the wrong width, and stages had to be given in
  one order; here any of 1, 2, 3 in any order;
* loss weights were divided by the sum of a list that could be longer than the losses: here by the
  sum over the losses that there are;
* large images were shrunk to a fixed height: here to a fixed longer side;
* S919's fine-tuning read images that have no pseudo-labels: here it reads the subset's own;
* the threshold was typed in by hand after a look at validation masks: here the code looks, or,
  with `threshold.choice = "otsu"`, uses no label at all;
* k-means was unseeded: here the recipe's seed decides.

S919 was pre-trained on all of ImageNet-1k; `pretrain.folder` names where these images lie.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from reference_model.data.crops import CropSize
from reference_model.data.folders import TRAIN
from reference_model.data.photometric import Photometric
from reference_model.networks.resnet import Depth
from reference_model.objectives.swapped import Assignment

PixelTerm = Literal["alignment", "contrastive", "clustering"]
LabelLevel = Literal["attention", "image", "pixel"]
ThresholdChoice = Literal["validation", "otsu", "fixed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    depth: Depth
    width: int = 64
    """Channels of the stem."""
    hidden: int
    """Width of every head's hidden layers."""
    dimension: int = 128
    """Of an embedding."""
    dilated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Momentum SGD with LARC, its rate along a cosine."""

    epochs: int
    batch: int
    """Images in a step, over all processes."""
    rate: float
    final_rate: float
    warmup_epochs: int = 0
    decay: float = 1e-6
    momentum: float = 0.9
    vectors_adapt: bool = True
    """False: biases and norms are neither adapted nor decayed (PixPro's rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """PixPro's term: widths of its heads, and how near positive pairs lie."""

    hidden: int = 4096
    dimension: int = 256
    threshold: float = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrain:
    training: Training
    large: CropSize
    small: CropSize | None = None
    photometric: tuple[Photometric, ...] = (Photometric(),)
    assignment: Assignment = field(default_factory=Assignment)
    prototypes: int
    frozen_steps: int
    """First steps in which the prototypes do not move."""
    queue: int
    """Embeddings over all processes; 0 for none."""
    queue_from_epoch: int = 15
    image_weight: float = 1.0
    """0: without swapped prediction, the prototypes do not learn."""
    pixel_term: PixelTerm | None = "alignment"
    contrast_temperature: float = 0.3
    """Of the contrastive pixel term."""
    shallow_stages: tuple[int, ...] = (3,)
    """Supervised by the deepest one; none for no deep-to-shallow term."""
    shallow_weight: float = 1.0
    propagation: Propagation | None = None
    std_slip: bool = False
    folder: str = TRAIN

    def __post_init__(self) -> None:
        if self.shallow_stages and not self.shallow_weight:
            raise ValueError("shallow_weight is 0; to leave the term out, empty shallow_stages")
        if not (self.image_weight or self.shallow_stages or self.pixel_term or self.propagation):
            raise ValueError(
                "no term is left to learn from; give image_weight, shallow_stages, pixel_term or"
                " propagation"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    training: Training
    crops: CropSize
    queue: int
    shared: bool = False
    """One map for all channels."""
    norms_drift: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """From features to ids: clusters, then a threshold between "other" and categories."""

    level: LabelLevel = "attention"
    """What is clustered: images pooled by attention, plainly pooled images, or pixels."""
    pool_normalised: bool = False
    """Pool normalised features when clustering, as the attention learned it."""
    iterations: int = 20
    restarts: int = 30
    short_side: int = 256
    square: int = 224
    """Middle square that is clustered."""
    threshold: ThresholdChoice = "validation"
    fixed_threshold: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finetune:
    training: Training
    side: int = 224
    label_side: int = 112
    area: tuple[float, float] = (0.08, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    short_side: int = 256
    longest_side: int = 1000
    """Larger images are read at this length and blown up with nearest neighbours."""
    before_finetuning: bool = False
    """Predict with the rule of the pseudo-labels instead of the network that learned them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistanceMatching:
    short_side: int = 256
    neighbours: int = 10
    temperature: float = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class SemiSupervised:
    """AdamW with smaller rates for deeper layers, on the annotated images."""

    epochs: int = 100
    warmup_epochs: int = 5
    batch: int = 256
    rate: float = 5e-4
    final_rate: float = 1e-6
    decay: float = 5e-4
    layer_decay: float = 0.40
    side: int = 224
    label_side: int = 28
    area: tuple[float, float] = (0.14, 1.0)
    photometric: Photometric = field(default_factory=Photometric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    name: str
    seed: int = 10010
    categories: int | None
    """How many the data set must have; None for as many as it has."""
    backbone: Backbone
    pretrain: Pretrain
    attention: Attention
    labels: Labels = field(default_factory=Labels)
    finetune: Finetune
    predict: Predict = field(default_factory=Predict)
    distance_matching: DistanceMatching = field(default_factory=DistanceMatching)
    semi_supervised: SemiSupervised = field(default_factory=SemiSupervised)


_LARGE = CropSize(count=2, side=224, area=(0.08, 1.0))


def _as_published(
    *, name: str, categories: int, depth: Depth, pretrain: Pretrain, attention_rate: float
) -> Recipe:
    return Recipe(
        name=name,
        categories=categories,
        backbone=Backbone(depth=depth, hidden=512 if depth == 18 else 2048),  # noqa: PLR2004  # ResNet-18's width
        pretrain=pretrain,
        attention=Attention(
            training=Training(epochs=20, batch=256, rate=attention_rate, final_rate=6e-4),
            crops=_LARGE,
            queue=3840,
        ),
        finetune=Finetune(training=Training(epochs=20, batch=256, rate=0.6, final_rate=6e-4)),
    )


def s50() -> Recipe:
    """ImageNet-S-50: ResNet-18, 200 epochs with six small crops."""
    pretrain = Pretrain(
        training=Training(epochs=200, batch=256, rate=0.6, final_rate=6e-4),
        large=CropSize(count=2, side=224, area=(0.14, 1.0)),
        small=CropSize(count=6, side=96, area=(0.05, 0.14)),
        prototypes=500,
        frozen_steps=1001,
        queue=2048,
    )
    return _as_published(name="s50", categories=50, depth=18, pretrain=pretrain, attention_rate=6.0)


def _large_scale() -> Pretrain:
    return Pretrain(
        training=Training(epochs=100, batch=256, rate=0.6, final_rate=6e-4),
        large=_LARGE,
        prototypes=3000,
        frozen_steps=5005,
        queue=3840,
    )


def s300() -> Recipe:
    """ImageNet-S-300: ResNet-50, 100 epochs."""
    return _as_published(
        name="s300", categories=300, depth=50, pretrain=_large_scale(), attention_rate=0.6
    )


def s919() -> Recipe:
    """ImageNet-S: ResNet-50, 100 epochs."""
    return _as_published(
        name="s919", categories=919, depth=50, pretrain=_large_scale(), attention_rate=0.6
    )


def with_propagation(recipe: Recipe) -> Recipe:
    """PASS-p: the recipe's losses and PixPro's, by PixPro's optimiser; stages 3 and 2 supervised.

    The authors published no code for it; widths, threshold, decay and momentum are PixPro's.
    """
    pretrain = recipe.pretrain
    training = replace(
        pretrain.training,
        rate=1.0,
        final_rate=1e-6,
        warmup_epochs=5,
        decay=1e-5,
        vectors_adapt=False,
    )
    return replace(
        recipe,
        name=f"{recipe.name}-p",
        pretrain=replace(
            pretrain, training=training, propagation=Propagation(), shallow_stages=(3, 2)
        ),
    )


def animals() -> Recipe:
    """A few thousand photographs, one GPU, minutes: ResNet-18 on crops of 160 pixels."""
    return Recipe(
        name="animals",
        categories=None,
        backbone=Backbone(depth=18, hidden=512),
        pretrain=Pretrain(
            training=Training(epochs=200, batch=256, rate=0.6, final_rate=6e-4),
            large=CropSize(count=2, side=160, area=(0.14, 1.0)),
            small=CropSize(count=6, side=96, area=(0.05, 0.14)),
            prototypes=100,
            frozen_steps=120,
            queue=1024,
        ),
        attention=Attention(
            training=Training(epochs=40, batch=256, rate=6.0, final_rate=6e-4),
            crops=CropSize(count=2, side=160, area=(0.14, 1.0)),
            queue=1024,
        ),
        labels=Labels(short_side=184, square=160),
        finetune=Finetune(
            training=Training(epochs=40, batch=256, rate=0.6, final_rate=6e-4),
            side=160,
            label_side=80,
        ),
        predict=Predict(short_side=184),
        distance_matching=DistanceMatching(short_side=184),
        semi_supervised=SemiSupervised(batch=32, side=160, label_side=20),
    )


def demo() -> Recipe:
    """The demo data set on two CPU cores in minutes: a narrow ResNet-18 on small crops.

    Colours tell nothing of the demo's categories, so crops are grey. Hues are turned and saturated
    before: what was the darker of two colours becomes the lighter one, and neither can two crops
    be known by their tones. About as many prototypes as dimensions, and sharper assignments than
    published, suit batches of 64 images.
    """
    tones = Photometric(
        jitter_probability=1.0,
        brightness=0.3,
        contrast=0.3,
        saturation=0.9,
        hue=0.5,
        grey_probability=1.0,
        blur_probability=0.0,
    )
    return Recipe(
        name="demo",
        categories=None,
        backbone=Backbone(depth=18, width=16, hidden=128, dimension=32, dilated=True),
        pretrain=Pretrain(
            training=Training(epochs=45, batch=64, rate=6.0, final_rate=0.06),
            large=CropSize(count=2, side=64, area=(0.3, 1.0)),
            photometric=(tones,),
            assignment=Assignment(epsilon=0.03),
            prototypes=30,
            frozen_steps=50,
            queue=256,
            queue_from_epoch=20,
        ),
        attention=Attention(
            training=Training(epochs=6, batch=64, rate=6.0, final_rate=6e-4),
            crops=CropSize(count=2, side=64, area=(0.08, 1.0)),
            queue=0,
        ),
        labels=Labels(short_side=96, square=96, restarts=10),
        finetune=Finetune(
            # 80 pixels of a middling crop show things as large as reading at 96 does.
            training=Training(epochs=5, batch=32, rate=4.8, final_rate=0.048),
            side=80,
            label_side=20,
            area=(0.4, 1.0),
        ),
        predict=Predict(short_side=96),
        distance_matching=DistanceMatching(short_side=96),
        semi_supervised=SemiSupervised(
            epochs=40,
            warmup_epochs=1,
            batch=16,
            rate=5e-3,
            side=80,
            label_side=20,
            area=(0.4, 1.0),
        ),
    )


def tiny() -> Recipe:
    """A few dozen images in seconds: shows that everything is set up, and learns nothing."""
    training = Training(epochs=2, batch=8, rate=0.6, final_rate=6e-4)
    crops = CropSize(count=2, side=32, area=(0.3, 1.0))
    return Recipe(
        name="tiny",
        categories=None,
        backbone=Backbone(depth=18, width=4, hidden=16, dimension=8),
        pretrain=Pretrain(
            training=replace(training, epochs=20),
            large=crops,
            prototypes=20,
            frozen_steps=10,
            queue=0,
        ),
        attention=Attention(training=training, crops=crops, queue=0),
        labels=Labels(short_side=32, square=32, iterations=5, restarts=1),
        finetune=Finetune(training=training, side=32, label_side=16),
        predict=Predict(short_side=32),
        distance_matching=DistanceMatching(short_side=32),
        semi_supervised=SemiSupervised(epochs=1, warmup_epochs=0, batch=8, side=32, label_side=4),
    )


def animals_on_cpu() -> Recipe:
    """The same photographs on a CPU core, in five minutes or so: too little to learn much.

    The demo's network and rates with the published changes of colour, and 10 epochs.
    """
    base = demo()
    return replace(
        base,
        name="animals-cpu",
        pretrain=replace(
            base.pretrain,
            training=replace(base.pretrain.training, epochs=10),
            photometric=(Photometric(),),
            queue_from_epoch=5,
        ),
        attention=replace(base.attention, training=replace(base.attention.training, epochs=2)),
        finetune=replace(base.finetune, training=replace(base.finetune.training, epochs=3)),
        semi_supervised=replace(base.semi_supervised, epochs=60),
    )


RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "s50": s50,
    "s300": s300,
    "s919": s919,
    "s50-p": lambda: with_propagation(s50()),
    "s300-p": lambda: with_propagation(s300()),
    "s919-p": lambda: with_propagation(s919()),
    "animals": animals,
    "animals-cpu": animals_on_cpu,
    "demo": demo,
    "tiny": tiny,
}
"""By the name that the command line takes."""
