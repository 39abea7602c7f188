"""`luss demo`, what `make run` starts: a site with two scored entries, twice the same."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import LUSS, Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@contextmanager
def running_demo(stack: Stack) -> Iterator[str]:
    """Run `luss demo` without a terminal; give what it printed once it is ready."""
    log = stack.folder / "demo.log"
    with log.open("wb") as output:
        demo = subprocess.Popen(
            [LUSS, "demo"],
            env=stack.environment,
            cwd=stack.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(
            lambda: demo.poll() is not None or "Password" in log.read_text(),
            seconds=120,
            what="the demo's login to be printed",
        )
        assert demo.poll() is None, log.read_text()
        yield log.read_text()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=30) == 0, log.read_text()
    finally:
        demo.kill()
        demo.wait()


def verified(stack: Stack) -> list[dict[str, Any]]:
    board = stack.get("/api/v1/boards/semi-supervised/demo/test")
    return [row for row in board["rows"] if row["kind"] == "verified"]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with closing(Stack(tmp_path)) as site:
        yield site


def test_two_entries_are_scored_and_a_second_run_keeps_them(stack: Stack) -> None:
    with running_demo(stack) as printed:
        assert stack.url in printed
        first = verified(stack)
        reported = {
            subset: len(stack.get(f"/api/v1/boards/fully-unsupervised/{subset}/test")["rows"])
            for subset in ("50", "300", "919")
        }
    begin = time.monotonic()
    with running_demo(stack) as printed:
        assert time.monotonic() - begin < 30
        second = verified(stack)

    assert len(first) == 2
    assert [row["rank"] for row in first] == [1, 2]
    assert all(row["scores"]["miou"] > 0 for row in first)
    assert second == first
    assert all(reported.values())


def test_nothing_runs_on_after_ctrl_c(stack: Stack) -> None:
    with running_demo(stack):
        workers = stack.workers()
        assert workers
    eventually(lambda: not stack.workers(), seconds=15, what="the worker to be gone")

    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
