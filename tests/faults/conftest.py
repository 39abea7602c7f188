from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty_stack import FaultyStack, faulty_stack
from tests.support.kill_points import SHARD_IMAGES

S50 = Path(__file__).parents[1] / "golden" / "s50"
GOOD = (S50 / "good.zip").read_bytes()
LEASE_SECONDS = 5
LANES = 4


@dataclass(frozen=True, slots=True)
class Run:
    """A submission that has ended, with what is known of it elsewhere than in the API."""

    body: Any
    tallies: bytes
    score_rows: int
    killed_at: float = 0.0

    @property
    def numbers(self) -> tuple[Any, ...]:
        return self.body["scores"], self.body["intervals"], self.tallies

    @property
    def lost(self) -> list[Any]:
        return [each for each in self.body["attempt_log"] if each["outcome"] == "lost"]

    @property
    def ring_seconds(self) -> float:
        """How long the first claim took from the arrival."""
        first = self.body["attempt_log"][0]["started_at"]
        return seconds(first) - seconds(self.body["created_at"])

    def recovered_at(self) -> float | None:
        """Return when that was claimed which was lost; None if there was nothing to claim."""
        later = [
            seconds(each["started_at"])
            for each in self.body["attempt_log"]
            if seconds(each["started_at"]) > self.killed_at
            and (not self.lost or each["shard"] == self.lost[0]["shard"])
        ]
        return min(later, default=None)


def seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def ended(stack: FaultyStack, public_id: str, *, killed_at: float = 0.0) -> Run:
    body = stack.final(public_id)
    folder = stack.folder / "var" / "vault" / "tallies" / public_id
    rows = stack.rows(
        "SELECT count(*) FROM score JOIN submission ON submission_id = submission.id"
        " WHERE public_id = %s",
        public_id,
    )
    tallies = [path.read_bytes() for path in folder.iterdir()] if folder.exists() else []
    return Run(body, b"".join(tallies), rows[0][0], killed_at)


@pytest.fixture(scope="session")
def stack() -> Iterator[FaultyStack]:
    """A site whose subset 50, split test, is the golden set s50, in three shards."""
    settings = {
        "LUSS_LEASE_SECONDS": str(LEASE_SECONDS),
        "LUSS_SHARD_IMAGES": str(SHARD_IMAGES),
        "LUSS_SCORING_JOBS": "1",
    }
    with faulty_stack(workers=LANES + 1, **settings) as started:
        started.register("50", S50 / "masks", classes=50)
        yield started


@pytest.fixture(scope="session")
def undisturbed(stack: FaultyStack) -> Run:
    return ended(stack, stack.send(GOOD))
