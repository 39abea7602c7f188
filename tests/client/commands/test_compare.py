import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from client.cli import app
from evaluator import HEADLINE_SCORES

GOLDEN = Path(__file__).parents[2] / "golden" / "s50"


def luss(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tallies(archive: str, path: Path, *, classes: int = 50) -> Path:
    truth = ("--truth", GOLDEN / "masks", "--classes", str(classes))
    done = luss("score", GOLDEN / archive, *truth, "--tallies", path, "--no-intervals")
    assert done.exit_code == 0
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Tallies of a prediction and of a better one."""
    folder = tmp_path_factory.mktemp("runs")
    return tallies("messy.zip", folder / "messy"), tallies("good.zip", folder / "good")


class TestCompare:
    def test_the_document_stands_alone_on_stdout(self, runs: tuple[Path, Path]) -> None:
        done = luss("compare", *runs, "--json")

        document = json.loads(done.stdout)
        assert done.exit_code == 0
        assert document["resamples"] == 1000
        assert tuple(document["scores"]) == HEADLINE_SCORES
        found = document["scores"]["f_beta"]
        assert set(found) == {"a", "b", "difference", "low", "high", "b_wins"}
        assert found["difference"] == found["a"] - found["b"] < 0
        assert found["low"] < found["difference"] < found["high"] < 0
        assert found["b_wins"] == 1
        assert "F-beta" in done.stderr

    def test_people_read_who_is_better(self, runs: tuple[Path, Path]) -> None:
        text = luss("compare", *runs).stdout
        rows = {
            cells[1].strip(): cells[-2].strip()
            for line in text.splitlines()
            if len(cells := line.split("│")) > 1
        }

        assert "A - B" in text
        assert "95 % intervals of A - B from" in text
        assert rows["F-beta"] == "B"
        assert rows["mIoU"] == "neither"

    def test_unlike_truths_exit_1_and_are_named(
        self, runs: tuple[Path, Path], tmp_path: Path
    ) -> None:
        other = tallies("good.zip", tmp_path / "other", classes=60)

        done = luss("compare", runs[0], other)

        assert (done.exit_code, done.stdout) == (1, "")
        assert str(runs[0]) in done.stderr
        assert str(other) in done.stderr
        assert "truth version" in done.stderr

    def test_a_file_of_something_else_exits_1(self, runs: tuple[Path, Path]) -> None:
        done = luss("compare", runs[0], __file__)

        assert done.exit_code == 1
        assert "not a tallies file" in done.stderr

    def test_a_file_that_is_not_there_is_wrong_usage(self, runs: tuple[Path, Path]) -> None:
        assert luss("compare", runs[0], "nothing").exit_code == 2
