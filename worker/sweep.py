"""One sweep over everything that was left lying.

Leases that ran out, states that last too long, names that are to be shown, tallies of shards that
nobody will merge, archives that have outlived their time, and what killed workers left on this
machine. What takes a look at everything that is stored is done more seldom: `worker.tidying`.
"""

import logging
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, and_

from server.jobs.queue import RUN_MODEL, SCORE_SHARD, SCORE_SUBMISSION, Job, ring_after_commit
from server.model_runs import claims as model_runs
from server.models import SubmissionState
from server.operations import workers
from server.submissions import anonymity, attempts, leases, outcomes, shards
from server.submissions.states import DEADLINES, masks_deadline
from worker import retention, scratch
from worker.context import Context

log = logging.getLogger(__name__)


def run(context: Context) -> None:
    now = context.clock.now()
    _fail_and_ring(context, now)
    _reveal(context, now)
    _look_after_model_runs(context, now)
    with context.database.unit_of_work() as session:
        workers.forget_silent(session, now=now)
    for name in scratch.delete_abandoned():
        log.warning("deleted %s, which a killed worker left", name)
    _drop_shards(context)
    retention.delete_expired_files(context)


def _fail_and_ring(context: Context, now: datetime) -> None:
    """Fail what was tried often or long enough; ring everything else that nobody holds."""
    settings = context.settings
    failed: list[tuple[int, str]] = []
    with context.database.unit_of_work() as session:  # alone: claims lock attempts last
        attempts.end_silent(session, now=now, limit=settings.scoring_limit)
    with context.database.unit_of_work() as session:
        leases.shorten(session, now=now, lease=settings.lease)
        for condition, reason in _hopeless(context, now):
            for submission_id in outcomes.to_fail(session, condition):
                why = reason or attempts.last_reason(session, submission_id) or attempts.WORKER_LOST
                if outcomes.fail(session, submission_id, condition, reason=why, now=now):
                    failed.append((submission_id, why))
        shards.forget_finished(session)
        for submission_id in leases.to_ring_again(session, now=now, lease=settings.lease):
            ring_after_commit(session, Job(SCORE_SUBMISSION, submission_id))
        for submission_id in shards.to_ring_again(session, now=now, lease=settings.lease):
            ring_after_commit(session, Job(SCORE_SHARD, submission_id))
    for submission_id, why in failed:
        log.error("submission %d has failed; the last reason: %s", submission_id, why)


def _look_after_model_runs(context: Context, now: datetime) -> None:
    """Fail runs of the reference model likewise, and ring for those that nobody works on."""
    settings = context.settings
    with context.database.unit_of_work() as session:
        failed = model_runs.fail_hopeless(session, settings, now=now)
        for run_id in model_runs.to_ring_again(session, now=now, lease=settings.lease):
            ring_after_commit(session, Job(RUN_MODEL, run_id))
    for run in failed:
        log.error("model run %s has failed: %s", run.public_id, run.because)


def _hopeless(context: Context, now: datetime) -> Iterator[tuple[ColumnElement[bool], str | None]]:
    """Yield what is to fail, and why; no reason of its own is the reason of the last attempt."""
    most = context.settings.max_attempts
    yield leases.is_exhausted(now=now, max_attempts=most), None
    yield shards.has_exhausted(now=now, max_attempts=most), None
    for state, deadline in DEADLINES.items():
        overdue = outcomes.is_overdue(state, since=now - deadline(context.settings))
        yield and_(overdue, ~leases.awaits_masks()), attempts.TOOK_TOO_LONG
    since = now - masks_deadline(context.settings)
    overdue = outcomes.is_overdue(SubmissionState.RECEIVED, since=since)
    yield and_(overdue, leases.awaits_masks()), attempts.MASKS_LATE


def _reveal(context: Context, now: datetime) -> None:
    """Show the names whose date has come."""
    with context.database.reading() as session:
        ids = anonymity.due(session, now=now)
    for submission_id in ids:
        with context.database.unit_of_work() as session:
            anonymity.reveal(session, submission_id, now=now)


def _drop_shards(context: Context) -> None:
    """Delete shards' tallies of submissions that have ended without merging them."""
    found = context.vault.submissions_with_shards()
    if not found:
        return
    with context.database.reading() as session:
        kept = shards.scoring_ids(session, list(found))
    for public_id in found - kept:
        context.vault.drop_shards(public_id)
