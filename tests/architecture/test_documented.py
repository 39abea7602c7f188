"""What the documents say is what the code does."""

import re
from pathlib import Path

from evaluator import HEADLINE_SCORES as SCORED
from evaluator import PROTOCOLS, Code, protocol
from server.docs.finding_codes import FINDINGS
from server.models import HEADLINE_SCORES, MAX_METHOD_NAME, Protocol, SubmissionState
from server.models.benchmark import MAX_CLASSES
from server.submissions import states

ROOT = Path(__file__).parents[2]


def diagram() -> str:
    """Draw the table of states as README shows it."""
    order = list(SubmissionState)
    width = max(len(state) for state in order)
    return "\n".join(
        f"{state:<{width}} -> {', '.join(s for s in order if s in states.TRANSITIONS[state])}"
        if states.TRANSITIONS[state]
        else f"{state:<{width}} (final)"
        for state in order
    )


def test_readme_draws_the_states_as_they_are() -> None:
    assert f"```\n{diagram()}\n```" in (ROOT / "README.md").read_text()


def test_scorer_and_server_speak_of_the_same_scores_and_protocols() -> None:
    assert HEADLINE_SCORES == SCORED
    assert tuple(Protocol) == PROTOCOLS
    assert MAX_METHOD_NAME == protocol.MAX_METHOD_NAME
    assert MAX_CLASSES == protocol.MAX_CLASSES


def test_every_finding_of_the_scorer_is_documented_on_the_site() -> None:
    documented = [(each.code, each.severity, each.meaning) for each in FINDINGS]

    assert documented == [(code.value, code.severity.value, code.meaning) for code in Code]


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = re.findall(r"^## (\d+)\. ", (ROOT / "DECISIONS.md").read_text(), re.MULTILINE)

    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))


def test_every_make_target_says_what_it_does() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    (phony,) = [line.split()[1:] for line in lines if line.startswith(".PHONY:")]
    helped = {line.split(":")[0] for line in lines if re.match(r"[a-z-]+:.*## ", line)}

    assert set(phony) == helped


def test_the_layout_is_the_one_that_readme_maps() -> None:
    mapped = set(re.findall(r"^\| \[(\w+)/\]", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert mapped == {
        "benchmarks",
        "client",
        "evaluator",
        "frontend",
        "migrations",
        "reference_model",
        "server",
        "tests",
        "worker",
    }
