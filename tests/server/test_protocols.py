import pytest

from server.errors import DeclarationsContradict, DeclarationsIncomplete
from server.models import Protocol
from server.protocols import FACT_KEYS, allowed_facts, check_declarations
from tests.support.database import NO_TO_ALL

# The table of benchmark rules, written out a second time: yes may be declared or not.
ALLOWED = {
    "extra_data": [False, False, False, True],
    "cross_subset_pretraining": [False, False, False, True],
    "label_generation": [True, False, True, True],
    "semi_masks": [False, False, True, True],
    "supervised_weights": [False, False, False, True],
    "supervised_priors": [False, False, False, True],
    "val_test_annotations": [False, False, False, False],
}
CELLS = [
    (protocol, key, allowed)
    for key, row in ALLOWED.items()
    for protocol, allowed in zip(Protocol, row, strict=True)
]


def test_the_table_is_the_benchmarks() -> None:
    assert tuple(ALLOWED) == FACT_KEYS
    for protocol, key, allowed in CELLS:
        assert allowed_facts(protocol)[key] is allowed


@pytest.mark.parametrize(("protocol", "key", "allowed"), CELLS)
def test_every_cell_takes_or_refuses_a_yes(protocol: Protocol, key: str, allowed: bool) -> None:
    declared = {**NO_TO_ALL, key: True}

    if allowed:
        check_declarations(protocol, declared)
    else:
        with pytest.raises(DeclarationsContradict, match=key) as refused:
            check_declarations(protocol, declared)
        assert refused.value.details["broken"] == [key]


@pytest.mark.parametrize("protocol", Protocol)
def test_no_to_everything_is_always_allowed(protocol: Protocol) -> None:
    check_declarations(protocol, NO_TO_ALL)


@pytest.mark.parametrize(
    ("yes", "taker"),
    [
        (["label_generation"], "fully-unsupervised"),
        (["semi_masks"], "semi-supervised"),
        (["semi_masks", "label_generation"], "semi-supervised"),
        (["extra_data", "semi_masks"], "free"),
        (["val_test_annotations"], None),
        (["val_test_annotations", "extra_data"], None),
    ],
)
def test_a_refusal_names_the_protocol_that_would_take_the_entry(
    yes: list[str], taker: str | None
) -> None:
    with pytest.raises(DeclarationsContradict) as refused:
        check_declarations(Protocol.DISTANCE_MATCHING, {**NO_TO_ALL, **dict.fromkeys(yes, True)})

    assert refused.value.details["taken_by"] == taker
    assert (taker or "No protocol takes") in refused.value.message


def test_a_fact_left_undeclared_is_refused_and_named() -> None:
    declared = {key: False for key in FACT_KEYS if key != "semi_masks"}

    with pytest.raises(DeclarationsIncomplete, match="semi_masks"):
        check_declarations(Protocol.FREE, declared)


def test_a_fact_that_does_not_exist_is_refused_and_named() -> None:
    with pytest.raises(DeclarationsIncomplete, match="no fact named: sponsored"):
        check_declarations(Protocol.FREE, {**NO_TO_ALL, "sponsored": False})
