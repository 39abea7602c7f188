"""Archives and weights are deleted by policy; what was made of them stays."""

import logging
from datetime import timedelta

from server.submissions import outcomes, queries
from worker.context import Context

log = logging.getLogger(__name__)
EXPIRED_PER_SWEEP = 100


def delete_expired_files(context: Context) -> None:
    """Delete the archives and weights of submissions that ended long enough ago.

    The row forgets its files first: a worker killed in between leaves files without a row, which
    are orphans (`worker.tidying`).
    """
    days = context.settings.archive_retention_days
    if not days:
        return
    now = context.clock.now()
    with context.database.reading() as session:
        expired = queries.expired_files(
            session, before=now - timedelta(days=days), limit=EXPIRED_PER_SWEEP
        )
    for submission_id, keys in expired:
        with context.database.unit_of_work() as session:
            is_forgotten = outcomes.forget_files(session, submission_id, now=now)
        for key in keys if is_forgotten else ():
            context.store.delete(key)
            log.info("deleted %s: its submission ended more than %d days ago", key, days)
