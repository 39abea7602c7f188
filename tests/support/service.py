"""The service without its processes: a database, both stores and a worker's context in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.clock import SetClock
from server.db import Database
from server.jobs.queue import RecordingQueue
from server.models import SplitName, User
from server.storage.retrying import open_store
from tests.support.database import NOW, add_user, create_database
from worker.context import Context
from worker.registration import Registration, register
from worker.settings import WorkerSettings
from worker.vault import open_vault

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a test of the worker holds in its hands."""

    context: Context
    queue: RecordingQueue
    clock: SetClock
    user: User


@contextmanager
def service_in(folder: Path) -> Iterator[Service]:
    """Give a service whose subset `tiny`, split test, is the golden set s50."""
    settings = WorkerSettings(data_dir=folder, scoring_jobs=1)
    create_database(folder / "luss.sqlite3")
    queue, clock = RecordingQueue(), SetClock(NOW)
    context = Context(
        settings=settings,
        database=Database(settings.database, queue),
        store=open_store(settings.store, settings.s3_access),
        vault=open_vault(settings),
        clock=clock,
    )
    register(
        context,
        Registration(
            slug="tiny",
            split=SplitName.TEST,
            masks=GOLDEN / "s50" / "masks",
            classes=50,
            names=None,
            is_public=False,
        ),
    )
    with context.database.unit_of_work() as session:
        user = add_user(session)
    yield Service(context, queue, clock, user)
    context.database.close()
