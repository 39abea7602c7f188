"""The scorer against the ImageNet-S toolbox's own figures (tests/golden/*/expected.json)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluator import Truth, evaluate, open_truth

GOLDEN = Path(__file__).parents[1] / "golden"
SETS = ("s50", "s919")
PREDICTIONS = ("good", "messy", "generated")


def expected(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((GOLDEN / name / "expected.json").read_text())
    return found


@pytest.fixture(scope="module", params=SETS)
def golden(request: pytest.FixtureRequest) -> Iterator[tuple[str, Truth]]:
    classes = expected(request.param)["classes"]
    assert isinstance(classes, int)
    with open_truth(GOLDEN / request.param / "masks", classes=classes) as truth:
        yield request.param, truth


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_every_score_equals_the_toolbox(golden: tuple[str, Truth], prediction: str) -> None:
    name, truth = golden
    result = evaluate(GOLDEN / name / f"{prediction}.zip", truth, intervals=False)
    scores = result.scores.to_json()

    wanted = expected(name)["scores"][prediction]  # type: ignore[index]  # plain JSON
    assert {key: scores[key] for key in wanted} == {
        key: pytest.approx(value, rel=1e-5) for key, value in wanted.items()
    }
