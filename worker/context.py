"""What every task needs, built once a process."""

from dataclasses import dataclass
from functools import cache

from server.clock import Clock, SystemClock
from server.db import Database
from server.jobs.celery_queue import CeleryQueue
from server.storage.measured import MeasuredStore
from server.storage.store import BlobStore, open_store
from worker.settings import WorkerSettings
from worker.vault import Vault


@dataclass(frozen=True, slots=True)
class Context:
    settings: WorkerSettings
    database: Database
    store: BlobStore
    vault: Vault
    clock: Clock


@cache
def context_of_process() -> Context:
    """Build the context that the environment describes; a forked child builds its own."""
    settings = WorkerSettings()
    return Context(
        settings=settings,
        database=Database(settings.database, CeleryQueue(settings)),
        store=MeasuredStore(open_store(settings.store)),
        vault=Vault(MeasuredStore(open_store(settings.vault))),
        clock=SystemClock(),
    )
