"""A migrated database in a folder, and rows to put into it."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import schema, standings
from server.accounts import service as accounts
from server.accounts.queries import teams_of
from server.catalogue.imagenet_s import CategoryFacts
from server.db import Database
from server.entry_kinds import EntryKind
from server.jobs.queue import RecordingQueue
from server.models import (
    Base,
    Protocol,
    Score,
    Split,
    SplitName,
    Submission,
    SubmissionState,
    Subset,
    User,
)
from server.organizers import service as organizing
from server.organizers.boards import BoardChanges, boards_like, change_boards
from server.organizers.service import TruthFacts
from server.protocols import FACT_KEYS
from server.submissions import service
from server.submissions.leases import Terms
from server.submissions.service import Entry, StoredArchive
from tests.support.servers import Postgresql

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)
TERMS = Terms(worker="worker-1", lease=LEASE, max_attempts=3, limit=timedelta(hours=1))
PASSWORD = "correct horse battery"
TRUTH = TruthFacts(version="truth-1", classes=3, manifest={"n1/a.png": (4, 5)})
UNLIMITED: BoardChanges = {
    "daily_limit": None,
    "total_limit": None,
    "in_flight_limit": None,
    "hourly_limit": None,
}
NO_TO_ALL = dict.fromkeys(FACT_KEYS, False)


@cache
def _newest_schema() -> bytes:
    """Return an empty database at head: migrations have tests of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "luss.sqlite3"
        schema.upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def create_database(path: Path) -> None:
    path.write_bytes(_newest_schema())


@contextmanager
def migrated_postgresql(server: Postgresql) -> Iterator[tuple[Database, RecordingQueue]]:
    """Give a database like `migrated_database`, on PostgreSQL.

    It is one for all tests and emptied for each: to make a new one takes half a second.
    """
    queue = RecordingQueue()
    database = Database(server.shared_database("newest", schema.upgrade), queue)
    with database.engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    yield database, queue
    database.close()


@contextmanager
def migrated_database(folder: Path) -> Iterator[tuple[Database, RecordingQueue]]:
    path = folder / "luss.sqlite3"
    create_database(path)
    queue = RecordingQueue()
    database = Database(f"sqlite:///{path}", queue)
    yield database, queue
    database.close()


def add_subset(session: Session, slug: str = "tiny", *, classes: int = 3) -> Subset:
    """Add a data set; its boards have no limits, as tests enter much in one moment."""
    subset = organizing.add_subset(
        session,
        slug=slug,
        title=slug.capitalize(),
        categories=[CategoryFacts(i, f"n{i}", f"category {i}") for i in range(1, classes + 1)],
    )
    boards = boards_like(session, protocol=None, subset=slug, split=None)
    change_boards(session, boards, UNLIMITED)
    return subset


def add_truth(session: Session, slug: str = "tiny", truth: TruthFacts = TRUTH) -> Split:
    return organizing.register_truth(
        session,
        slug=slug,
        split=SplitName.TEST,
        truth=truth,
        categories=None,
        is_public=False,
        now=NOW,
    )


def add_user(session: Session, email: str = "ada@example.org", *, organizer: bool = False) -> User:
    return accounts.create_user(
        session, email=email, password=PASSWORD, is_organizer=organizer, now=NOW
    )


def add_submission(
    session: Session,
    user: User,
    *,
    slug: str = "tiny",
    protocol: Protocol = Protocol.FULLY_UNSUPERVISED,
    public_id: str = "aaaa",
    is_public: bool = True,
    method_name: str | None = None,
    archive: bytes = b"archive",
    kind: EntryKind = EntryKind.MASKS,
) -> Submission:
    """Add a received submission, as if its archive had just arrived; what stores it is the test."""
    entry = Entry(
        protocol=protocol,
        subset=slug,
        split=SplitName.TEST,
        declarations=NO_TO_ALL,
        kind=kind,
        is_public=is_public,
        card={"method_name": method_name} if method_name else {},
    )
    key_of = service.archive_key if kind is EntryKind.MASKS else service.weights_key
    stored = StoredArchive(
        public_id=public_id,
        key=key_of(public_id),
        sha256=hashlib.sha256(archive).hexdigest(),
        size_bytes=len(archive),
    )
    service.accept(
        session,
        entry,
        stored,
        user_id=user.id,
        team_id=teams_of(session, user.id)[0].id,
        idempotency_key=None,
        now=NOW,
        lease=LEASE,
    )
    return session.scalars(select(Submission).where(Submission.public_id == public_id)).one()


def add_score(
    session: Session, submission: Submission, miou: float | None, *, truth: str = TRUTH.version
) -> Score:
    submission.state = SubmissionState.SCORED
    submission.finished_at = NOW
    score = Score(
        submission_id=submission.id,
        scorer_version="1",
        truth_version=truth,
        miou=miou,
        per_class_iou=[],
        per_class_biou=[],
        intervals={},
        images=1,
        created_at=NOW,
    )
    session.add(score)
    standings.entry_changed(session, submission)
    return score
