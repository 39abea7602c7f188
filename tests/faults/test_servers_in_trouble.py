"""Redis, PostgreSQL, the store, the messages, the clock: whatever goes wrong, nothing is lost."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import httpx
import pytest

from server.submissions import attempts
from tests.faults.conftest import GOOD, Run, ended
from tests.support.faulty_stack import FaultyStack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HOUR = 3600.0


def scored_once(stack: FaultyStack, sent: Sequence[str], undisturbed: Run) -> list[Run]:
    """Check that all of them end as an undisturbed one does; return how."""
    runs = [ended(stack, each) for each in sent]
    for run in runs:
        assert run.body["state"] == "scored"
        assert run.score_rows == 1
        assert run.numbers == undisturbed.numbers
    assert stack.files("staging") == []
    eventually(lambda: not stack.files("vault/shards"), seconds=60, what="shards to be deleted")
    return runs


def test_redis_that_dies_and_comes_back_empty(stack: FaultyStack, undisturbed: Run) -> None:
    with stack.held("shard 1 half counted") as held:
        sent = [stack.send(GOOD) for _ in range(3)]
        held.wait()

        stack.redis.kill()
        sent.append(stack.send(GOOD))
        held.let_go()
        stack.redis.start()
        sent.append(stack.send(GOOD))

        scored_once(stack, sent, undisturbed)
    eventually(
        lambda: stack.redis.listeners() == stack.workers,
        seconds=60,
        what="every worker to listen again",
    )


@pytest.mark.parametrize(
    "stop",
    [lambda server: server.stop(), lambda server: server.stop_at_once()],
    ids=["fast", "immediate"],
)
def test_postgresql_that_is_restarted(
    stack: FaultyStack, undisturbed: Run, stop: Callable[[object], None]
) -> None:
    points = ["shard 1 half counted", "scores not committed", "checked"]
    with ExitStack() as armed:
        held = [armed.enter_context(stack.held(point)) for point in points]
        sent = [stack.send(GOOD) for _ in range(4)]
        for each in held:
            each.wait()

        stop(stack.postgresql)
        for each in held:
            each.let_go()
        stack.postgresql.start()
        eventually(lambda: answers(stack), seconds=60, what="the site to answer")
        sent.append(stack.send(GOOD))

        scored_once(stack, sent, undisturbed)


def answers(stack: FaultyStack) -> bool:
    return httpx.get(f"{stack.url}/api/v1/boards", timeout=30).status_code == httpx.codes.OK


def test_a_store_that_fails_every_third_call(stack: FaultyStack, undisturbed: Run) -> None:
    with stack.fault("store-fails"):
        sent = [stack.send(GOOD) for _ in range(6)]

        runs = scored_once(stack, sent, undisturbed)

    assert {run.body["attempts"] for run in runs} == {1}
    assert "the store hung up" in stack.log.read_text()


def test_every_message_three_times_in_any_order(stack: FaultyStack, undisturbed: Run) -> None:
    with stack.fault("rings-thrice"):
        sent = [stack.send(GOOD) for _ in range(6)]

        runs = scored_once(stack, sent, undisturbed)

    assert {run.body["attempts"] for run in runs} == {1}


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_clock_that_is_set(stack: FaultyStack, undisturbed: Run, seconds: float) -> None:
    """Set it amid a shard whose worker lives, and one whose worker dies; then set it right."""
    with ExitStack() as armed:
        living = armed.enter_context(stack.held("shard 1 half counted"))
        dying = armed.enter_context(stack.held("shard 2 half counted"))
        sent = [stack.send(GOOD) for _ in range(4)]
        living.wait()
        dying.wait()

        with stack.fault("clock", str(seconds)):
            dying.kill()
            living.let_go()
            sent.append(stack.send(GOOD))
            runs = scored_once(stack, sent, undisturbed)
    sent.append(stack.send(GOOD))

    scored_once(stack, sent[-1:], undisturbed)
    reasons = {each["reason"] for run in runs for each in run.lost}
    # An hour later a shard seems to have taken too long, or its lease to have run out meanwhile.
    assert reasons <= {attempts.WORKER_LOST, attempts.TOOK_TOO_LONG, attempts.NO_LONGER_WANTED}
    assert reasons
