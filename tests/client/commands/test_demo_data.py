from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.cli import app
from client.demo import dataset


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    test = dataset.Split(folder="test", images_per_category=1, masks_per_category=1)
    monkeypatch.setattr(dataset, "SPLITS", (test,))


@pytest.mark.usefixtures("tiny")
def test_writes_the_data_set_and_says_where_on_standard_error(tmp_path: Path) -> None:
    finished = CliRunner().invoke(app, ["demo-data", str(tmp_path / "data"), "--seed", "1"])

    assert finished.exit_code == 0
    assert finished.stdout == ""
    assert str(tmp_path / "data") in finished.stderr.replace("\n", "")
    assert (tmp_path / "data" / "names.csv").exists()


def test_a_folder_in_use_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")

    finished = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["demo-data", str(tmp_path)])

    assert finished.exit_code == 2
    assert "not an empty folder" in finished.stderr


def test_a_negative_seed_is_a_usage_error(tmp_path: Path) -> None:
    finished = CliRunner().invoke(app, ["demo-data", str(tmp_path / "data"), "--seed", "-1"])

    assert finished.exit_code == 2
