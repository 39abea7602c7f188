"""What configurations refuse, and what those of this project keep to."""

import math
from dataclasses import replace

import pytest

from reference_model.recipes import RECIPES, s50


def test_every_recipe_can_be_made() -> None:
    """By a name of its own."""
    assert {name: make().name for name, make in RECIPES.items()} == {name: name for name in RECIPES}


def test_something_must_be_learned_from() -> None:
    with pytest.raises(ValueError, match="no term is left to learn from"):
        replace(s50().pretrain, image_weight=0, shallow_stages=(), pixel_term=None)


def test_a_term_of_no_weight_is_left_out_in_one_way() -> None:
    with pytest.raises(ValueError, match="empty shallow_stages"):
        replace(s50().pretrain, shallow_weight=0)


@pytest.mark.parametrize("name", ["demo", "animals-cpu"])
def test_small_recipes_are_fine_tuned_on_things_as_large_as_they_are_read(name: str) -> None:
    """Of a square image, a middling crop."""
    recipe = RECIPES[name]()
    for trained in (recipe.finetune, recipe.semi_supervised):
        whole_image = trained.side / math.sqrt(sum(trained.area) / 2)
        assert whole_image == pytest.approx(recipe.predict.short_side, rel=0.05)
