"""What every task needs, built once a process."""

import secrets
from dataclasses import dataclass, field
from functools import cache

from server.clock import Clock, SystemClock
from server.db import Database
from server.jobs.celery_queue import CeleryQueue
from server.storage.retrying import open_store
from server.storage.store import BlobStore
from server.submissions.leases import Terms
from worker.sandbox.children import Sandbox, open_sandbox
from worker.settings import WorkerSettings
from worker.vault import Vault, open_vault


def _new_name() -> str:
    """Name a process for logs and participants, who need not know what the machine is called."""
    return f"worker-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class Context:
    settings: WorkerSettings
    database: Database
    store: BlobStore
    vault: Vault
    clock: Clock
    sandbox: Sandbox
    worker: str = field(default_factory=_new_name)

    @property
    def terms(self) -> Terms:
        settings = self.settings
        return Terms(
            worker=self.worker,
            lease=settings.lease,
            max_attempts=settings.max_attempts,
            limit=settings.scoring_limit,
        )


@cache
def context_of_process() -> Context:
    """Build the context that the environment describes; a forked child builds its own."""
    return context_of(WorkerSettings())


def context_of(settings: WorkerSettings) -> Context:
    return Context(
        settings=settings,
        database=Database(settings.database, CeleryQueue(settings)),
        store=open_store(settings.store, settings.s3_access),
        vault=open_vault(settings),
        clock=SystemClock(),
        sandbox=open_sandbox(settings.allowance, settings.sandbox),
    )
