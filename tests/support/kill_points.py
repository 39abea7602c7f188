"""The points of a sharded run at which a worker can be held, to be killed there or let go.

Each is a function of the worker or the server, before or after its call. The set has 60 images in
three shards of 20.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.submissions.leases import ShardClaim
from worker.holding import Holding

SHARD_IMAGES, SHARDS = 20, 3
When = Callable[[Sequence[Any], Any], bool]
"""Tells from a call's arguments and result whether it is the one that is meant."""


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    owner: str
    """A module, or a class in it after a colon."""
    function: str
    is_after: bool = False
    """After the call in place of before it, inside whatever transaction the caller has open."""
    is_meant: When = lambda _arguments, _result: True


def _gave_something(_arguments: Sequence[Any], result: Any) -> bool:
    return bool(result)


def _is_of(shard: int) -> When:
    """Return the condition that a call is about this shard."""

    def is_meant(arguments: Sequence[Any], result: Any) -> bool:
        claims = [each for each in (*arguments, result) if isinstance(each, ShardClaim)]
        return any(claim.first == shard * SHARD_IMAGES for claim in claims)

    return is_meant


def _is_half_through(shard: int) -> When:
    def is_meant(arguments: Sequence[Any], _result: Any) -> bool:
        hold, done = arguments[:2]
        assert isinstance(hold, Holding)
        return _is_of(shard)([hold._held], None) and done >= SHARD_IMAGES // 2

    return is_meant


def _points_of(shard: int) -> list[Point]:
    name, is_it = f"shard {shard}", _is_of(shard)
    return [
        Point(f"{name} claimed", "worker.sharding", "_claim_next", True, is_it),
        Point(
            f"{name} half counted",
            "worker.holding:Holding",
            "progress",
            is_meant=_is_half_through(shard),
        ),
        Point(f"{name} kept, not marked", "server.submissions.shards", "finish", False, is_it),
        Point(f"{name} marked, not committed", "server.submissions.shards", "finish", True, is_it),
    ]


COUNTING = "worker.sandbox.counting:SandboxedCounting"
CHECKING_POINTS = [
    Point("message taken", "worker.scoring", "_claim"),
    Point("claim not committed", "server.submissions.leases", "claim", True, _gave_something),
    Point("claimed", "worker.scoring", "_claim", True, _gave_something),
    Point("row read, archive not fetched", "worker.scoring", "opened"),
    Point("archive fetched, not checked", COUNTING, "inspect"),
    Point("checked", COUNTING, "inspect", True),
    Point("scoring not committed", "server.submissions.outcomes", "begin_scoring", True),
    Point("cut not committed", "server.submissions.shards", "plan", True),
    Point("cut", "worker.sharding", "count_free_shards"),
]
ENDING_POINTS = [
    Point("counted, merge not claimed", "worker.sharding", "count_free_shards", True),
    Point("merge claimed", "worker.scoring:_Task", "_merge"),
    Point("merged, nothing kept", "worker.scoring", "concatenate", True),
    Point("tallies kept, not scored", "worker.vault:Vault", "keep_tallies", True),
    Point("scores not committed", "server.submissions.outcomes", "record_scores", True),
    Point("scored, shards not dropped", "worker.vault:Vault", "drop_shards"),
]
POINTS = {
    point.name: point
    for point in (
        *CHECKING_POINTS,
        *(point for shard in range(SHARDS) for point in _points_of(shard)),
        *ENDING_POINTS,
    )
}
