"""What a killed worker had open passes too: the next one deletes it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from worker import scratch

SETTLER = """
import tempfile
from worker import scratch
folder = scratch.settle()
open(tempfile.mkdtemp(prefix="luss-") + "/blob", "w").write("an archive")
print(folder, flush=True)
input()
scratch.leave()
"""


@pytest.fixture(autouse=True)
def system_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch._system_folder.cache_clear()
    yield tmp_path
    scratch._system_folder.cache_clear()


@contextmanager
def settled(base: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a process that has settled and put something away."""
    process = subprocess.Popen(
        [sys.executable, "-c", SETTLER],
        env={"TMPDIR": str(base)},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_all_that_passes_lies_in_one_folder(system_folder: Path) -> None:
    with settled(system_folder) as (_, folder):
        assert folder.parent == system_folder
        assert [path.name for path in system_folder.rglob("blob")] == ["blob"]
        assert len(list(folder.rglob("blob"))) == 1


def test_the_folder_of_a_living_process_stays(system_folder: Path) -> None:
    with settled(system_folder) as (_, folder):
        assert scratch.delete_abandoned() == []
        assert folder.exists()


def test_the_folder_of_a_killed_process_goes(system_folder: Path) -> None:
    with settled(system_folder) as (process, folder):
        process.kill()
        process.wait()
        assert folder.exists()

        assert scratch.delete_abandoned() == [folder.name]
        assert list(system_folder.iterdir()) == []


def test_whoever_ends_in_order_leaves_nothing(system_folder: Path) -> None:
    with settled(system_folder) as (process, _):
        process.communicate("\n", timeout=60)

        assert list(system_folder.iterdir()) == []


def test_other_peoples_folders_stay(system_folder: Path) -> None:
    elsewhere = system_folder / "elsewhere"
    elsewhere.mkdir()
    (system_folder / f"{scratch.PREFIX}link").symlink_to(elsewhere)
    (system_folder / "luss-serve").mkdir()

    assert scratch.delete_abandoned() == []
    assert elsewhere.exists()
