"""What other packages may rely on: names, errors, codes, and that each score is explained."""

import inspect
import re
from pathlib import Path

import evaluator
from evaluator import Code, EvaluatorError, Scores, errors


def tree(root: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    below = (line for child in root.__subclasses__() for line in tree(child, depth + 1))
    return [(depth, root.__name__), *below]


def test_every_exported_name_exists_and_is_sorted_as_ruff_does() -> None:
    assert all(hasattr(evaluator, name) for name in evaluator.__all__)
    assert len(set(evaluator.__all__)) == len(evaluator.__all__)


def test_the_tree_of_errors_is_the_one_in_the_docstring() -> None:
    drawn = re.findall(r"^( *)[*+-] (\w+)", inspect.getdoc(errors) or "", re.MULTILINE)

    assert [(len(indent) // 4, name) for indent, name in drawn] == tree(EvaluatorError)


def test_codes_are_unique_words_and_explained() -> None:
    assert len({code.value for code in Code}) == len(Code.__members__)
    for code in Code:
        assert re.fullmatch(r"[a-z_]+", code)
        assert re.fullmatch(r"[A-Z].*\.", code.meaning)


def test_every_score_has_a_section_in_metrics_md() -> None:
    text = (Path(evaluator.__file__).parent / "METRICS.md").read_text(encoding="utf-8")
    headings = " ".join(line for line in text.splitlines() if line.startswith("## "))

    for name in Scores.__dataclass_fields__:
        assert f"`{name}`" in headings, name
