"""A worker that is killed while it scores: the submission ends scored, once, the same numbers."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.golden import repeated_set
from tests.support.stack import Stack, stack_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
COPIES = 60
"""How often the golden set is repeated, so that scoring takes long enough to be interrupted."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return repeated_set(tmp_path_factory.mktemp("large"), copies=COPIES)


def interrupt(stack: Stack, archive: Path, kill: Callable[[list[int]], list[int]]) -> Any:
    """Submit, kill the chosen worker processes amid scoring, and return how it ended."""
    public_id = stack.submit(archive, subset="large")
    eventually(lambda: stack.is_scoring(public_id), seconds=30, what="scoring to begin")
    for pid in kill(stack.workers()):
        os.kill(pid, signal.SIGKILL)
    return stack.final(public_id, seconds=120)


def same_numbers_once(stack: Stack, large: tuple[Path, Path], kill: Any) -> None:
    masks, archive = large
    stack.register("large", masks, classes=50)
    undisturbed = stack.final(stack.submit(archive, subset="large"))

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
