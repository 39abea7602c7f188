"""A worker that is killed while it scores: the submission ends scored, once, the same numbers."""

import io
import json
import os
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import NO_TO_ALL
from tests.support.stack import DECLARE, Stack, eventually

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


@pytest.fixture
def undisturbed(stack: Stack, tmp_path: Path) -> tuple[Path, Any]:
    masks, archive = make_large_set(tmp_path)
    stack.register("large", masks, classes=50)
    return archive, stack.final(submit(stack, archive))["scores"]


def test_a_submission_survives_the_kill_of_every_worker_process(
    stack: Stack, undisturbed: tuple[Path, Any]
) -> None:
    archive, scores = undisturbed
    assert scores is not None
    assert len(NO_TO_ALL) == 7
    public_id = submit(stack, archive)
    eventually(lambda: is_scoring(stack, public_id), seconds=30, what="scoring to begin")

    killed = time.monotonic()
    for pid in stack.workers():
        os.kill(pid, signal.SIGKILL)
    body = stack.final(public_id, seconds=120)

    assert body["state"] == "scored"
    assert body["attempts"] == 2
    assert body["scores"] == scores
    assert time.monotonic() - killed < 90
    board = stack.get("/api/v1/boards/fully-unsupervised/large/test")
    assert len(board["rows"]) == 1
