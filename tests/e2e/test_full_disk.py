"""A site whose whole disk fills up: uploads are refused, nothing is lost, work goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest

from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stack import DECLARE, Stack, stack_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
S50 = Path(__file__).parents[1] / "golden" / "s50"
MEGABYTE = 1024**2
RESERVE = 4 * MEGABYTE
WORKERS_WAIT = 12 * MEGABYTE  # less than a worker wants, more than the reserve of uploads


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "var", megabytes=96) as mounted:
        (mounted.folder / "tmp").mkdir()
        yield mounted


@pytest.fixture
def stack(tmp_path: Path, disk: SmallDisk) -> Iterator[Stack]:
    """Everything of the site lies on the small disk: database, broker, archives, scratch."""
    settings = {
        "LUSS_MIN_FREE_BYTES": str(RESERVE),
        "LUSS_LEASE_SECONDS": "4",
        "TMPDIR": str(disk.folder / "tmp"),
    }
    with stack_in(tmp_path, **settings) as started:
        started.register("50", S50 / "masks", classes=50)
        yield started


def submit(stack: Stack) -> CompletedProcess[str]:
    words = ["--protocol", "fully-unsupervised", "--subset", "50", "--split", "test"]
    return stack.luss("submit", S50 / "good.zip", *words, *DECLARE, "--json", check=False)


def accepted(stack: Stack) -> str:
    run = submit(stack)
    assert run.returncode == 0, run.stderr
    public_id: str = json.loads(run.stdout)["id"]
    return public_id


def once_scored(stack: Stack, public_id: str) -> Any:
    body = stack.final(public_id, seconds=120)
    assert (body["state"], body["attempts"]) == ("scored", 1)
    return body["scores"]


def test_a_full_disk_refuses_uploads_and_loses_nothing(stack: Stack, disk: SmallDisk) -> None:
    scores = once_scored(stack, accepted(stack))

    disk.fill(but=WORKERS_WAIT)
    waiting = accepted(stack)
    eventually(
        lambda: stack.submission(waiting)["postponed_because"] == "The worker's disk is full.",
        seconds=60,
        what="the submission to say what it waits for",
    )

    disk.fill(but=RESERVE)
    kept = stack.files("store")
    refused = submit(stack)
    assert refused.returncode != 0
    assert "disk is full" in refused.stderr
    assert "send it again later" in refused.stderr
    assert stack.files("store") == kept
    assert stack.files("staging") == []
    assert len(stack.get("/api/v1/submissions")["submissions"]) == 2
    assert httpx.get(f"{stack.url}/boards/fully-unsupervised/50/test").is_success

    disk.make_room()
    assert once_scored(stack, waiting) == scores
    assert once_scored(stack, accepted(stack)) == scores
    assert list((disk.folder / "tmp").glob("luss-*/*")) == []  # a folder for each living worker
