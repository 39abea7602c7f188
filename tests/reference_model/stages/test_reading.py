"""How logits become ids."""

from typing import cast

import torch

from reference_model.networks.segmenter import Segmenter
from reference_model.stages.reading import SegmenterRule

HALVES = torch.tensor([0.4, 0.3, 0.3]).log().view(1, 3, 1, 1)
"""Probably an object, but of which category nobody knows."""


def test_other_need_only_be_likelier_than_the_best_category() -> None:
    of_its_logits = SegmenterRule(cast("Segmenter", torch.nn.Identity()), longest_side=1000)

    assert of_its_logits(HALVES, (1, 1)).ids.item() == 0
