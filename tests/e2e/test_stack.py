"""`luss stack` itself: each of its processes may die, and when it is killed nothing is left."""

import json
import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import MASKS
from tests.support.stack import DECLARE, NativeStack, native_stack_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
S50 = Path(__file__).parents[1] / "golden" / "s50"
BOARD = ["--protocol", "free", "--subset", "50", "--split", "test"]


def processes(stack: NativeStack) -> dict[str, int]:
    """Return the process that leads each part: those that `luss stack` has started itself."""
    names = {"postgres": "postgresql", "redis-server": "redis", "uvicorn": "web", "beat": "beat"}
    found = {}
    for pid in children_of(stack.pid):
        words = command(pid).decode().replace("\0", " ").split()
        spoken = {Path(word).name for word in words}
        found.update({name: pid for word, name in names.items() if word in spoken})
    return found


def children_of(pid: int) -> list[int]:
    text = " ".join(
        (task / "children").read_text() for task in Path(f"/proc/{pid}/task").glob("[0-9]*")
    )
    return [int(word) for word in text.split()]


def is_warm(worker: list[int]) -> bool:
    """Whether a worker has started what children are forked from."""
    children = [child for pid in worker for child in children_of(pid)]
    return any(b"worker.sandbox.zygote" in command(pid) for pid in children)


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has just ended


def answers(stack: NativeStack) -> bool:
    try:
        return httpx.get(f"{stack.url}/api/v1/boards", timeout=30).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def submit(stack: NativeStack) -> str:
    run = stack.luss("submit", S50 / "good.zip", *BOARD, *DECLARE, "--json")
    public_id: str = json.loads(run.stdout)["id"]
    return public_id


def test_whatever_dies_comes_back_and_nothing_outlives_the_stack() -> None:
    with native_stack_in(LUSS_LEASE_SECONDS="4") as stack:
        stack.register("50", MASKS, classes=50)
        before = processes(stack)
        assert set(before) == {"postgresql", "redis", "web", "beat"}
        assert len(stack.worker_groups()) == 2
        eventually(
            lambda: all(map(is_warm, stack.worker_groups())), seconds=60, what="warm workers"
        )

        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        stack.kill_worker(0)

        eventually(lambda: set(processes(stack)) == set(before), seconds=60, what="all to be back")
        eventually(lambda: answers(stack), seconds=60, what="the site to answer")
        assert not set(before.values()) & set(processes(stack).values())
        assert stack.final(submit(stack), seconds=120)["state"] == "scored"
        eventually(lambda: len(stack.worker_groups()) == 2, seconds=60, what="both workers")

        left = [*children_of(stack.pid), *stack.workers()]
        os.kill(stack.pid, signal.SIGKILL)
        eventually(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in left),
            seconds=60,
            what="every process to end",
        )
