"""Step 4: masks of validation and test images, and the entry made of them."""

from evaluator import MethodCard
from reference_model.engine.run_dir import StageDir
from reference_model.recipes import Recipe
from reference_model.stages import finetune, threshold
from reference_model.stages.entry import Entries
from reference_model.stages.place import Place, categories
from reference_model.stages.reading import ActivationRule, Rule, SegmenterRule

NAME = "predict"


def run(recipe: Recipe, place: Place) -> None:
    """Predict every split that is there; leaves one folder and one zip for each."""
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    rule, limit = _rule(recipe, place, stage)
    entries = Entries(
        stage=stage,
        data=place.data,
        classes=categories(recipe, place),
        protocol="fully-unsupervised",
        card=card(recipe, place),
        matched=True,
    )
    entries.predict(rule, short_side=recipe.predict.short_side, place=place, threshold=limit)
    place.finish(stage, entries.finish)


def card(recipe: Recipe, place: Place) -> MethodCard:
    """What the entry says of itself, the use of validation masks included."""
    variant = "PASS-p" if recipe.pretrain.propagation else "PASS-s"
    labels = {
        "attention": "pixel attention",
        "image": "image-level labels and class activation maps",
        "pixel": "pixel-level labels",
    }[recipe.labels.level]
    choice = {"attention": recipe.labels.threshold, "image": "validation", "pixel": "none"}
    chosen = {
        "validation": "the threshold between other and categories was chosen by validation mIoU",
        "fixed": "the threshold between other and categories was given",
        "otsu": "no mask was looked at to choose a threshold",
        "none": "no threshold was needed",
    }[choice[recipe.labels.level]]
    return MethodCard(
        name=f"{variant} (reference, {recipe.name})",
        training_data=place.data.root.name,
        training_scheme="SSL",
        networks=f"resnet{recipe.backbone.depth}",
        link="https://arxiv.org/abs/2106.03149",
        description=f"{variant} with {labels}; {chosen}",
    )


def _rule(recipe: Recipe, place: Place, stage: StageDir) -> tuple[Rule, float]:
    """How pixels are read, and the score below which they are "other"."""
    if recipe.predict.before_finetuning:
        return threshold.centroid_rule(recipe, place), threshold.chosen(place) or 0.0
    network = finetune.reader(recipe, place)
    if recipe.labels.level == "image":
        activations = ActivationRule(network)
        if place.processes.is_first:
            best, miou = threshold.swept(recipe, place.alone(), stage, activations)
            stage.write_json("activation.json", {"threshold": best, "validation_miou": miou})
        place.processes.wait()
        return activations, stage.read_json("activation.json")["threshold"]
    return SegmenterRule(network, longest_side=recipe.predict.longest_side), 0.0
