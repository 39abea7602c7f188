"""Shards: cut a submission into them, and count them one after another.

Whoever has one shard open goes on with the next free one: the archive is there already.
"""

import hashlib
import logging
import tempfile
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from evaluator import SCORER_VERSION, BadPrediction, Finding
from server.submissions import shards
from server.submissions.leases import ShardClaim
from server.submissions.shards import Part
from worker import stopping
from worker.context import Context
from worker.heartbeat import LeaseLost
from worker.holding import Holding, holding
from worker.sandbox.counting import SandboxedCounting
from worker.work import Work, opened, read_work, threads

log = logging.getLogger(__name__)


def parts_of(work: Work, *, match_hash: str, images: int, most: int) -> list[Part]:
    """Cut a submission into as few parts of at most ``most`` images as will do, of like sizes."""
    count = -(-images // most)
    cuts = [place * images // count for place in range(count + 1)]
    return [
        Part(first, stop, _tallies_key(work, work.truth_version, match_hash, first, stop))
        for first, stop in pairwise(cuts)
    ]


def count_free_shards(
    context: Context, submission_id: int, ready: tuple[Work, SandboxedCounting] | None = None
) -> bool:
    """Count what shards of a submission are free; True if there was one and all went well.

    ``ready`` is the submission as its planner has opened it.
    """
    counted = 0
    with ExitStack() as files:
        while not stopping.is_asked():
            held = _claim_next(context, submission_id)
            if held is None:
                break
            is_counted = False
            with holding(context, held) as hold:
                if ready is None:
                    work = read_work(context, submission_id)
                    truth = held.truth_version
                    ready = (
                        work,
                        files.enter_context(opened(context, work, truth_version=truth)),
                    )
                _count(context, held, hold, *ready)
                is_counted = True
            if not is_counted:
                return False
            counted += 1
    return counted > 0


def _claim_next(context: Context, submission_id: int) -> ShardClaim | None:
    with context.database.unit_of_work() as session:
        now = context.clock.now()
        return shards.claim_next(session, submission_id, now=now, terms=context.terms)


def _count(
    context: Context, held: ShardClaim, hold: Holding, work: Work, counts: SandboxedCounting
) -> None:
    """Count a shard into the vault; what is wrong with its images is kept until all are known."""
    key = _tallies_key(work, counts.truth_version, counts.match_hash, held.first, held.stop)
    if key != held.tallies_key:
        _start_over(context, held)
        return
    findings: tuple[Finding, ...] = ()
    with tempfile.TemporaryDirectory(prefix="luss-") as scratch:
        tallies = Path(scratch) / "tallies"
        try:
            counts.count(
                tallies,
                first=held.first,
                stop=held.stop,
                jobs=threads(context),
                progress=hold.progress,
                still_wanted=hold.check,
            )
        except BadPrediction as bad:
            findings = bad.findings
        hold.check()
        if not findings:
            context.vault.keep_shard(tallies, submission=work.public_id, key=key)
    told = [finding.to_json() for finding in findings]
    with context.database.unit_of_work() as session:
        if not shards.finish(session, held, findings=told, now=context.clock.now()):
            raise LeaseLost(held)


def _start_over(context: Context, held: ShardClaim) -> None:
    log.warning("%s was planned with another scorer or truth than ours, starting over", held)
    with context.database.unit_of_work() as session:
        if not shards.start_over(session, held, now=context.clock.now()):
            raise LeaseLost(held)


def _tallies_key(work: Work, truth_version: str, match_hash: str, first: int, stop: int) -> str:
    """Return a hash of everything that decides what the tallies of a range are."""
    facts = (work.archive_sha256, truth_version, match_hash, SCORER_VERSION, first, stop)
    return hashlib.sha256("\n".join(map(str, facts)).encode()).hexdigest()
