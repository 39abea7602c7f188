"""What no row knows of: archives and weights without a submission, and what was half written.

To find it is to list everything that is stored, so beat rings for it seldom.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain, islice

from server.submissions import queries
from server.submissions.service import ARCHIVE_FOLDER, WEIGHTS_FOLDER
from worker.context import Context

log = logging.getLogger(__name__)
ORPHAN_AGE = timedelta(hours=1)  # longer than any upload waits between its archive and its row
CUT_SHORT_AGE = timedelta(hours=24)  # longer than any put takes
KEYS_AT_ONCE = 1000  # databases take a limited number of them in a statement


def run(context: Context) -> None:
    _delete_orphans(context)
    _delete_cut_short_puts(context)


def _delete_orphans(context: Context) -> None:
    """Delete archives and weights that no submission refers to.

    A server was killed before it wrote the row, or the row has forgotten them.
    """
    before = context.clock.now() - ORPHAN_AGE
    entries = chain.from_iterable(map(context.store.entries, (ARCHIVE_FOLDER, WEIGHTS_FOLDER)))
    for keys in _batches(entry.key for entry in entries if entry.modified_at < before):
        with context.database.reading() as session:
            kept = queries.keys_in_use(session, keys)
        for key in keys:
            if key not in kept:
                log.warning("deleting %s, which belongs to no submission", key)
                context.store.delete(key)


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, KEYS_AT_ONCE)):
        yield batch


def _delete_cut_short_puts(context: Context) -> None:
    """Delete what the puts of killed processes left in a local store or vault."""
    before = context.clock.now() - CUT_SHORT_AGE
    for name in (
        *context.store.delete_unfinished(before=before),
        *context.vault.delete_unfinished(before=before),
    ):
        log.warning("deleted %s, which was cut short", name)
