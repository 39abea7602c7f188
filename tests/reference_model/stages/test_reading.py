"""How logits become ids."""

import torch

from reference_model.stages.reading import best_class

HALVES = torch.tensor([0.4, 0.3, 0.3]).log().view(1, 3, 1, 1)
"""Probably an object, but of which category nobody knows."""


def test_other_need_only_be_likelier_than_the_best_category() -> None:
    assert best_class(HALVES, objects_first=False).item() == 0


def test_other_must_be_likelier_than_all_categories_where_objects_come_first() -> None:
    other = torch.tensor([0.6, 0.3, 0.1]).log().view(1, 3, 1, 1)
    second = torch.tensor([0.4, 0.1, 0.5]).log().view(1, 3, 1, 1)

    found = [best_class(logits, objects_first=True) for logits in (HALVES, other, second)]

    assert [ids.item() for ids in found] == [1, 0, 2]
    assert found[0].shape == (1, 1, 1, 1)
