import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from server.errors import DeclarationsContradict, DeclarationsIncomplete
from server.models import Protocol
from server.protocols import FACT_KEYS, allowed_facts, check_declarations
from tests.support.database import NO_TO_ALL
from tests.support.site import site_in

Form = Callable[[Protocol, Mapping[str, bool]], Response]

# The benchmark's table of rules, a second time: may a yes be declared?
TABLE = """
                            fully-unsupervised  distance-matching  semi-supervised  free
extra_data                  no                  no                 no               yes
cross_subset_pretraining    no                  no                 no               yes
label_generation            yes                 no                 yes              yes
semi_masks                  no                  no                 yes              yes
supervised_weights          no                  no                 no               yes
supervised_priors           no                  no                 no               yes
val_test_annotations        no                  no                 no               no
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
ALLOWED = {
    (Protocol(protocol), key): word == "yes"
    for key, *words in LINES
    for protocol, word in zip(HEAD, words, strict=True)
}
CELLS = [pytest.param(*cell, id="-".join(cell)) for cell in ALLOWED]


def test_the_table_is_the_benchmarks() -> None:
    assert tuple(Protocol) == tuple(Protocol(word) for word in HEAD)
    assert tuple(key for key, *_ in LINES) == FACT_KEYS
    assert len(ALLOWED) == 28
    for (protocol, key), allowed in ALLOWED.items():
        assert allowed_facts(protocol)[key] is allowed


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Form]:
    """Enter an archive with these declarations; the tests here share one site."""
    with site_in(tmp_path_factory.mktemp("site")) as site:
        client = site.client({"Authorization": f"Bearer {site.token()}"})

        def enter(protocol: Protocol, declared: Mapping[str, bool]) -> Response:
            fields = {"protocol": protocol, "subset": "tiny", "split": "test"}
            fields["declarations"] = json.dumps(declared)
            fields["upload_id"] = "none"  # what comes after the declarations: there is no archive
            return client.post("/api/v1/submissions", json=fields)

        yield enter


@pytest.mark.parametrize(("protocol", "key"), CELLS)
class TestEveryCell:
    def test_accepts(self, form: Form, protocol: Protocol, key: str) -> None:
        """A yes where the table says yes, and a no everywhere, comes as far as the archive."""
        for answer in {False, ALLOWED[protocol, key]}:
            check_declarations(protocol, {**NO_TO_ALL, key: answer})
            taken = form(protocol, {**NO_TO_ALL, key: answer})
            assert (taken.status_code, taken.json()["code"]) == (404, "not_found")

    def test_refuses(self, form: Form, protocol: Protocol, key: str) -> None:
        """A yes where the table says no, and no answer anywhere, is told by its key."""
        unsaid = {fact: answer for fact, answer in NO_TO_ALL.items() if fact != key}
        refused = form(protocol, unsaid)
        assert (refused.status_code, refused.json()["missing"]) == (422, [key])
        if not ALLOWED[protocol, key]:
            refused = form(protocol, {**NO_TO_ALL, key: True})
            assert refused.status_code == 422
            assert refused.json()["code"] == "declarations_contradict"
            assert refused.json()["broken"] == [key]


@given(st.sampled_from(Protocol), st.fixed_dictionaries(dict.fromkeys(FACT_KEYS, st.booleans())))
def test_any_answers_are_judged_fact_by_fact(protocol: Protocol, said: dict[str, bool]) -> None:
    yes = [key for key in FACT_KEYS if said[key]]
    broken = [key for key in yes if not ALLOWED[protocol, key]]
    takers = [each for each in Protocol if all(ALLOWED[each, key] for key in yes)]

    if not broken:
        check_declarations(protocol, said)
        return
    with pytest.raises(DeclarationsContradict) as refused:
        check_declarations(protocol, said)
    assert refused.value.details["broken"] == broken
    assert refused.value.details["taken_by"] == (takers[0] if takers else None)


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
