"""A worker that is killed while it scores: the submission ends scored, once, the same numbers."""

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import DECLARE, Stack, stack_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
S50 = Path(__file__).parents[1] / "golden" / "s50"
COPIES = 60
"""How often the golden set is repeated, so that scoring takes long enough to be interrupted."""


def repeated(name: str, copy: int) -> str:
    folder, _, file = name.partition("/")
    return f"{folder}/copy{copy:03d}_{file}"


def make_large_set(folder: Path) -> tuple[Path, Path]:
    """Write the masks and the good archive of s50 many times over, under names of their own."""
    masks = folder / "masks"
    for mask in (S50 / "masks").rglob("*.png"):
        name = mask.relative_to(S50 / "masks").as_posix()
        for copy in range(COPIES):
            path = masks / repeated(name, copy)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mask.read_bytes())
    content = io.BytesIO()
    with zipfile.ZipFile(S50 / "good.zip") as good, zipfile.ZipFile(content, "w") as large:
        for name in good.namelist():
            for copy in range(COPIES if name.endswith(".png") else 1):
                large.writestr(
                    repeated(name, copy) if name.endswith(".png") else name, good.read(name)
                )
    archive = folder / "large.zip"
    archive.write_bytes(content.getvalue())
    return masks, archive


def submit(stack: Stack, archive: Path) -> str:
    words = ["--protocol", "fully-unsupervised", "--subset", "large", "--split", "test"]
    run = stack.luss("submit", archive, *words, *DECLARE, "--json")
    public_id: str = json.loads(run.stdout)["id"]
    return public_id


def is_scoring(stack: Stack, public_id: str) -> bool:
    body = stack.submission(public_id)
    assert body["state"] != "scored", "it was scored before it could be interrupted"
    return body["state"] == "scoring" and body["progress"]["done"] > 0


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_large_set(tmp_path_factory.mktemp("large"))


def interrupt(stack: Stack, archive: Path, kill: Callable[[list[int]], list[int]]) -> Any:
    """Submit, kill the chosen worker processes amid scoring, and return how it ended."""
    public_id = submit(stack, archive)
    eventually(lambda: is_scoring(stack, public_id), seconds=30, what="scoring to begin")
    for pid in kill(stack.workers()):
        os.kill(pid, signal.SIGKILL)
    return stack.final(public_id, seconds=120)


def same_numbers_once(stack: Stack, large: tuple[Path, Path], kill: Any) -> None:
    masks, archive = large
    stack.register("large", masks, classes=50)
    undisturbed = stack.final(submit(stack, archive))

    body = interrupt(stack, archive, kill)

    assert body["state"] == "scored"
    assert body["scores"] == undisturbed["scores"]
    board = stack.get("/api/v1/boards/fully-unsupervised/large/test")
    assert len(board["rows"]) == 1


def test_a_submission_survives_its_worker_within_a_minute_and_a_half(
    stack: Stack, large: tuple[Path, Path]
) -> None:
    killed = []

    def everything(workers: list[int]) -> list[int]:
        killed.append(time.monotonic())
        return workers

    same_numbers_once(stack, large, everything)

    assert time.monotonic() - killed[0] < 90


@pytest.mark.parametrize(
    "kill",
    [lambda workers: workers[:1], lambda workers: workers[1:]],
    ids=["the parent alone", "the child alone"],
)
def test_a_submission_survives_a_part_of_its_worker(
    large: tuple[Path, Path], tmp_path: Path, kill: Any
) -> None:
    with stack_in(tmp_path, LUSS_LEASE_SECONDS="4") as brisk:
        same_numbers_once(brisk, large, kill)
