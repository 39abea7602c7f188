from pathlib import Path

import pytest

from evaluator.atomic_file import replacing


def test_a_finished_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")

    with replacing(tmp_path / "x") as partial:
        partial.write_text("new")

    assert (tmp_path / "x").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


def write_half(path: Path, error: type[BaseException]) -> None:
    with replacing(path) as partial:
        partial.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_unfinished_one_leaves_everything_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    (tmp_path / "x").write_text("old")

    with pytest.raises(error):
        write_half(tmp_path / "x", error)

    assert (tmp_path / "x").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
