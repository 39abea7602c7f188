"""Archives are deleted by policy; what was made of them stays."""

import logging
from datetime import timedelta

from server.submissions import outcomes, queries
from worker.context import Context

log = logging.getLogger(__name__)
EXPIRED_PER_SWEEP = 100


def delete_expired_archives(context: Context) -> None:
    """Delete the archives of submissions that ended long enough ago.

    The row forgets its archive first: a worker killed in between leaves an archive without a row,
    which is an orphan (`worker.tidying`).
    """
    days = context.settings.archive_retention_days
    if not days:
        return
    now = context.clock.now()
    with context.database.reading() as session:
        expired = queries.expired_archives(
            session, before=now - timedelta(days=days), limit=EXPIRED_PER_SWEEP
        )
    for submission_id, key in expired:
        with context.database.unit_of_work() as session:
            is_forgotten = outcomes.forget_archive(session, submission_id, key=key, now=now)
        if is_forgotten:
            context.store.delete(key)
            log.info("deleted %s: its submission ended more than %d days ago", key, days)
