"""One sweep over everything that was left lying: leases that ran out, archives without a row."""

import logging
from datetime import timedelta

from server.jobs.queue import SCORE_SUBMISSION, Job, ring_after_commit
from server.operations import workers
from server.submissions import leases, outcomes, queries
from server.submissions.service import ARCHIVE_FOLDER
from worker.context import Context

log = logging.getLogger(__name__)
ORPHAN_AGE = timedelta(hours=1)  # longer than any upload waits between its archive and its row


def run(context: Context) -> None:
    _ring_again(context)
    _delete_orphans(context)
    with context.database.unit_of_work() as session:
        workers.forget_silent(session, now=context.clock.now())


def _ring_again(context: Context) -> None:
    """Fail what was tried often enough; ring everything else that nobody holds."""
    settings = context.settings
    with context.database.unit_of_work() as session:
        now = context.clock.now()
        for submission_id in leases.exhausted(session, now=now, max_attempts=settings.max_attempts):
            if outcomes.fail_abandoned(session, submission_id, now=now):
                log.error(
                    "submission %d has failed after %d attempts",
                    submission_id,
                    settings.max_attempts,
                )
        for submission_id in leases.to_ring_again(session, now=now, lease=settings.lease):
            ring_after_commit(session, Job(SCORE_SUBMISSION, submission_id))


def _delete_orphans(context: Context) -> None:
    """Delete archives that no submission refers to: a server was killed before it wrote the row."""
    before = context.clock.now() - ORPHAN_AGE
    old = [
        entry.key for entry in context.store.entries(ARCHIVE_FOLDER) if entry.modified_at < before
    ]
    if not old:
        return
    with context.database.reading() as session:
        kept = queries.archive_keys(session, old)
    for key in old:
        if key not in kept:
            log.warning("deleting %s, which belongs to no submission", key)
            context.store.delete(key)
