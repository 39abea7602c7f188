"""What networks that say something about every pixel promise beyond their shapes."""

from dataclasses import replace

import torch

from reference_model.recipes import Recipe
from reference_model.stages.building import attentive


def test_inverted_attention_is_read_and_not_learned(tiny: Recipe) -> None:
    inverted = replace(tiny, labels=replace(tiny.labels, inverted=True))
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    one, other = (attentive(recipe).eval() for recipe in (tiny, inverted))

    with torch.inference_mode():
        (features, attention), (same, turned) = one.read(images), other.read(images)
        learned = [network(images)[0] for network in (one, other)]

    assert torch.equal(features, same)
    torch.testing.assert_close(turned, 1 - attention)
    assert torch.equal(*learned)
