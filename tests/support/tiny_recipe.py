"""A recipe that has everything and takes a second."""

from reference_model.data.crops import CropSize
from reference_model.recipes import (
    Attention,
    Backbone,
    DistanceMatching,
    Finetune,
    Labels,
    Predict,
    Pretrain,
    Recipe,
    SemiSupervised,
    Training,
)


def tiny_recipe() -> Recipe:
    """Everything that PASS-s has, so small that a stage takes a second."""
    training = Training(epochs=2, batch=6, rate=0.6, final_rate=6e-4)
    crops = CropSize(count=2, side=32, area=(0.3, 1.0))
    return Recipe(
        name="tiny",
        seed=3,
        categories=3,
        backbone=Backbone(depth=18, width=4, hidden=16, dimension=8),
        pretrain=Pretrain(
            training=training,
            large=crops,
            small=CropSize(count=1, side=16, area=(0.1, 0.3)),
            prototypes=6,
            frozen_steps=1,
            queue=6,
            queue_from_epoch=0,
            shallow_stages=(2, 3),
        ),
        attention=Attention(training=training, crops=crops, queue=6),
        labels=Labels(short_side=32, square=32, restarts=2),
        finetune=Finetune(training=training, side=32, label_side=16),
        predict=Predict(short_side=32),
        distance_matching=DistanceMatching(short_side=32),
        semi_supervised=SemiSupervised(epochs=2, warmup_epochs=1, batch=3, side=32, label_side=4),
    )
