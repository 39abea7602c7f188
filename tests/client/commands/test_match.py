"""`luss match` as its callers meet it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from client.cli import app
from tests.support.masks import METHOD, write_folder, write_zip

GOLDEN = Path(__file__).parents[2] / "golden" / "s50"
TRUTH = ("--truth", GOLDEN / "masks", "--classes", "50")


def luss(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def match(output: Path, *more: str | Path) -> Result:
    return luss("match", GOLDEN / "generated.zip", *TRUTH, "-o", output, *more)


def test_scoring_with_the_written_map_gives_the_miou_that_was_told(tmp_path: Path) -> None:
    fitted = match(tmp_path / "match.json", "--json")
    arguments = (*TRUTH, "--match", tmp_path / "match.json", "--json")
    scored = luss("score", GOLDEN / "generated.zip", *arguments)

    assert (fitted.exit_code, scored.exit_code) == (0, 0)
    miou = json.loads(fitted.stdout)["diagnosis"]["fitted"]["miou"]
    assert json.loads(scored.stdout)["scores"]["miou"] == pytest.approx(miou, rel=1e-12)


def test_the_document_stands_alone_on_stdout(tmp_path: Path) -> None:
    done = match(tmp_path / "match.json", "--json")

    document = json.loads(done.stdout)
    assert document["match"] == json.loads((tmp_path / "match.json").read_text())
    assert (document["image_sum"], document["images"], document["classes"]) == (54, 60, 50)
    assert [warning["code"] for warning in document["warnings"]] == ["match_overridden"]
    assert "default, as written" in done.stderr


def test_people_read_the_sum_the_unseen_ids_and_the_diagnosis(tmp_path: Path) -> None:
    done = match(tmp_path / "match.json")

    for text in (
        "warning match.json: the prediction's own map was not read",
        "sum 54 (images",
        "9 ids were never generated: 3, 7, 26,",
        "best one-to-one, by pixels",
        "6 categories are no id's largest overlap: 1, 5, 8, 26, 44, 47",
        "10 categories are the largest overlap of several ids: 2 (29, 30), 6 (15, 45),",
    ):
        assert text in done.stdout


def test_a_broken_map_in_the_archive_does_not_matter(tmp_path: Path) -> None:
    truth = write_folder(tmp_path / "truth", [np.full((2, 2), 2, np.uint16)])
    guesses = write_folder(tmp_path / "guesses", [np.full((2, 2), 1, np.uint16)])
    (guesses / "match.json").write_text("no map")
    (guesses / "method.txt").write_text(METHOD)

    done = luss("match", guesses, "--truth", truth, "--classes", "2", "-o", tmp_path / "m.json")

    assert done.exit_code == 0
    assert (tmp_path / "m.json").read_text() == '{"1": 2, "2": 1, "0": 0}\n'


def test_a_refused_prediction_exits_1_with_its_findings_and_writes_nothing(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "p.zip", [np.zeros((2, 2), np.uint16)])

    done = luss("match", archive, *TRUTH, "-o", tmp_path / "match.json", "--json")

    document = json.loads(done.stdout)
    assert done.exit_code == 1
    assert {finding["code"] for finding in document["errors"]} == {"image_missing"}
    assert not (tmp_path / "match.json").exists()


def test_truth_that_is_none_exits_1_and_says_why(tmp_path: Path) -> None:
    truth = ("--truth", tmp_path, "--classes", "50")

    done = luss("match", GOLDEN / "generated.zip", *truth, "-o", tmp_path / "match.json")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "holds no masks" in done.stderr


def test_an_output_without_a_folder_is_wrong_usage(tmp_path: Path) -> None:
    done = match(tmp_path / "nowhere" / "match.json")

    assert done.exit_code == 2
    assert "there is no folder" in done.stderr


@pytest.mark.slow
def test_an_interrupt_leaves_the_old_map_and_nothing_half_written(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "masks", [np.zeros((500, 500), np.uint16)] * 200)
    (tmp_path / "match.json").write_text("old")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = "import sys; from client.cli import main; main()"
    arguments = ("match", folder, "--truth", folder, "--classes", "50", "-o")
    running = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments), tmp_path / "match.json"],
        stderr=subprocess.DEVNULL,
        env={"TMPDIR": str(scratch)},
    )
    while running.poll() is None and not any(scratch.iterdir()):
        time.sleep(0.01)  # until work has begun

    running.send_signal(signal.SIGINT)

    assert running.wait(timeout=30) != 0
    assert not any(scratch.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"masks", "match.json", "scratch"}
    assert (tmp_path / "match.json").read_text() == "old"
