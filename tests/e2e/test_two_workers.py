"""One large submission on two workers at once, one of which is killed."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from evaluator import HEADLINE_SCORES
from tests.support.golden import repeated_set
from tests.support.stack import Stack, stack_in
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COPIES, SHARD_IMAGES, SHARDS = 20, 120, 10


def workers_of(stack: Stack, public_id: str) -> set[str]:
    log = stack.submission(public_id)["attempt_log"]
    return {attempt["worker"] for attempt in log if attempt["shard"] is not None}


def shared_by_two(stack: Stack, archive: Path) -> str:
    """Submit until both workers count: one that has just been started may come too late."""
    for _ in range(10):
        public_id = stack.submit(archive, subset="large")
        stack.final(public_id, seconds=120)
        if len(workers_of(stack, public_id)) > 1:
            return public_id
        time.sleep(2)
    raise AssertionError(stack.log.read_text())


def test_shards_on_two_workers_give_the_scores_of_one_piece(tmp_path: Path) -> None:
    masks, archive = repeated_set(tmp_path, copies=COPIES)
    settings = {"LUSS_SHARD_IMAGES": str(SHARD_IMAGES), "LUSS_LEASE_SECONDS": "8"}
    with stack_in(tmp_path, **settings) as stack:
        stack.register("large", masks, classes=50)
        bare = stack.luss("score", archive, "--truth", masks, "--classes", "50", "--json")
        with stack.another_worker():
            shared = stack.submission(shared_by_two(stack, archive))
            killed = stack.submit(archive, subset="large")
            eventually(
                lambda: stack.submission(killed)["progress"]["done"] > 0,
                seconds=60,
                what="images to be counted",
            )
            os.kill(stack.workers()[-1], signal.SIGKILL)  # a child that counts
            survived = stack.final(killed, seconds=120)

        assert shared["state"] == survived["state"] == "scored"
        assert shared["scores"] == survived["scores"]
        alone = json.loads(bare.stdout)["scores"]
        assert {name: shared["scores"][name] for name in HEADLINE_SCORES} == {
            name: alone[name] for name in HEADLINE_SCORES
        }
        assert shared["intervals"] == survived["intervals"]
        done = [each for each in shared["attempt_log"] if each["outcome"] == "done"]
        assert {each["shard"] for each in done} == {None, *range(SHARDS)}
        assert stack.files("vault/shards") == []
