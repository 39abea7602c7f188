"""The service without its processes: a database, both stores and a worker's context in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from server.clock import SetClock
from server.db import Database
from server.entry_kinds import EntryKind
from server.jobs.queue import RecordingQueue
from server.models import ModelRun, Protocol, Split, SplitName, Submission, User
from server.storage.retrying import open_store
from server.submissions import queries
from tests.support.database import NOW, add_submission, add_user, migrated_database
from worker.context import Context
from worker.registration import Registration, register
from worker.sandbox.children import InProcess
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

    def enter(
        self,
        archive: bytes,
        *,
        protocol: Protocol = Protocol.FULLY_UNSUPERVISED,
        public_id: str = "aaaa",
    ) -> int:
        """Enter an archive as if it had just arrived; return the submission's id."""
        with self.context.database.unit_of_work() as session:
            submission = add_submission(
                session, self.user, protocol=protocol, public_id=public_id, archive=archive
            )
        assert submission.archive_key is not None
        self.context.store.put(submission.archive_key, archive)
        return submission.id

    def enter_weights(
        self, weights: bytes, *, images: Path | None = None, public_id: str = "wwww"
    ) -> tuple[int, int]:
        """Enter weights as if they had just arrived; return the ids of submission and run.

        The images of `tiny` are said to lie in a folder that is there, whatever it holds.
        """
        folder = self.context.settings.data_dir if images is None else images
        with self.context.database.unit_of_work() as session:
            session.execute(
                update(Split).where(Split.name == SplitName.TEST).values(image_folder=str(folder))
            )
            submission = add_submission(
                session,
                self.user,
                protocol=Protocol.DISTANCE_MATCHING,
                public_id=public_id,
                method_name="Ours",
                archive=weights,
                kind=EntryKind.WEIGHTS,
            )
            run_id = session.scalars(
                select(ModelRun.id).where(ModelRun.submission_id == submission.id)
            ).one()
        assert submission.weights_key is not None
        self.context.store.put(submission.weights_key, weights)
        return submission.id, run_id

    def row(self, submission_id: int) -> Submission:
        with self.context.database.reading() as session:
            return queries.to_score(session, submission_id)

    def with_shards_of(self, images: int) -> "Service":
        """Return the same service as workers see it that cut at so many images."""
        settings = self.context.settings.model_copy(update={"shard_images": images})
        return replace(self, context=replace(self.context, settings=settings))


@contextmanager
def service_in(folder: Path, **truth: Any) -> Iterator[Service]:
    """Give a service as `service_on` does, on a SQLite of its own."""
    with (
        migrated_database(folder) as opened,
        service_on(*opened, folder, **truth) as service,
    ):
        yield service


@contextmanager
def service_on(
    database: Database,
    queue: RecordingQueue,
    folder: Path,
    *,
    masks: Path = GOLDEN / "s50" / "masks",
    classes: int = 50,
) -> Iterator[Service]:
    """Give a service whose subset `tiny`, split test, is the golden set s50 of 60 images.

    Other ``masks`` stand for it where they are given.
    """
    settings, clock = WorkerSettings(data_dir=folder, scoring_jobs=1), SetClock(NOW)
    context = Context(
        settings=settings,
        database=database,
        store=open_store(settings.store, settings.s3_access),
        vault=open_vault(settings),
        clock=clock,
        sandbox=InProcess(),
    )
    register(
        context,
        Registration(
            slug="tiny",
            split=SplitName.TEST,
            masks=masks,
            classes=classes,
            names=None,
            is_public=False,
        ),
    )
    with context.database.unit_of_work() as session:
        user = add_user(session)
    yield Service(context, queue, clock, user)
