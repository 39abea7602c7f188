"""SIGKILL at every step of a sharded run: scored, once, the undisturbed numbers, soon."""

import json
from contextlib import ExitStack

import pytest

from evaluator import HEADLINE_SCORES
from server.submissions import attempts
from tests.faults.conftest import GOOD, LANES, LEASE_SECONDS, S50, Run, ended
from tests.support.faulty_stack import FaultyStack
from tests.support.kill_points import POINTS, SHARDS
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
RECOVERY_LEASES = 1.5
NEVER_CLAIMED = ("message taken", "claim not committed")


@pytest.fixture(scope="module")
def runs(stack: FaultyStack, undisturbed: Run) -> dict[str, Run]:
    """Kill a worker at every point, as many submissions at a time as there are lanes."""
    names, done = list(POINTS), {}
    for first in range(0, len(names), LANES):
        done |= runs_killed_at(stack, names[first : first + LANES])
    return done


def runs_killed_at(stack: FaultyStack, names: list[str]) -> dict[str, Run]:
    """Kill a worker at each of these points, while it works on a submission of its own."""
    with ExitStack() as armed:
        places = {name: armed.enter_context(stack.held(name)) for name in names}
        for _ in names:
            stack.send(GOOD)
        hit = {name: (held.submission(), held.kill()) for name, held in places.items()}
    return {
        name: ended(stack, public_id, killed_at=killed_at)
        for name, (public_id, killed_at) in hit.items()
    }


def test_shards_give_the_numbers_of_one_piece(stack: FaultyStack, undisturbed: Run) -> None:
    truth = ["--truth", S50 / "masks", "--classes", "50", "--json"]
    bare = json.loads(stack.luss("score", S50 / "good.zip", *truth).stdout)

    for name in HEADLINE_SCORES:
        assert undisturbed.body["scores"][name] == bare["scores"][name]
    assert {each["shard"] for each in undisturbed.body["attempt_log"]} == {None, *range(SHARDS)}


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at(point: str, runs: dict[str, Run], undisturbed: Run) -> None:
    run = runs[point]

    assert run.body["state"] == "scored"
    assert run.score_rows == 1
    assert run.numbers == undisturbed.numbers
    assert [each["reason"] for each in run.lost] in ([], [attempts.WORKER_LOST])
    assert run.body["attempts"] == 1 + len(run.lost)
    done = [each["shard"] for each in run.body["attempt_log"] if each["outcome"] == "done"]
    assert sorted(done, key=str) == sorted([None, *range(SHARDS), None], key=str)


@pytest.mark.parametrize("point", POINTS)
def test_what_was_lost_is_soon_claimed_again(point: str, runs: dict[str, Run]) -> None:
    run = runs[point]
    recovered_at = run.recovered_at()
    if recovered_at is None:
        assert not run.lost
        return

    # How long a ring takes is this machine's affair: hardly anything where it has nothing to do.
    rings = max(each.ring_seconds for name, each in runs.items() if name not in NEVER_CLAIMED)
    assert recovered_at - run.killed_at <= RECOVERY_LEASES * LEASE_SECONDS + rings


def test_nothing_of_them_is_left(stack: FaultyStack, runs: dict[str, Run]) -> None:
    del runs
    eventually(
        lambda: not any(map(stack.files, ("vault/shards", "tmp"))),
        seconds=60,
        what="shards and scratch files to be deleted",
    )
    assert stack.files("staging") == []
