"""What a participant does: enter a submission. The rules, without the web."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from sqlalchemy.orm import Session

from server import admission, db, quota
from server.addresses import board_named
from server.entry_kinds import EntryKind, check_board
from server.errors import FieldInvalid, NotAllowed, TruthMissing
from server.jobs.queue import SCORE_SUBMISSION, Job, ring_after_commit
from server.log_config import tell
from server.models import (
    CARD_FIELDS,
    MAX_METHOD_NAME,
    Board,
    BoardPhase,
    Protocol,
    SplitName,
    Submission,
    SubmissionState,
)
from server.protocols import check_declarations
from server.storage.store import BlobStore
from server.submissions import predictions, queries

ARCHIVE_FOLDER, WEIGHTS_FOLDER = "archives", "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a participant says of an archive, or of weights, before its first byte is read."""

    protocol: Protocol
    subset: str
    split: SplitName
    declarations: Mapping[str, bool]
    kind: EntryKind = EntryKind.MASKS
    is_public: bool = True
    anonymous_until: datetime | None = None
    card: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArchive:
    """An archive, or a file of weights, that has arrived whole and lies in the store."""

    public_id: str
    key: str
    sha256: str
    size_bytes: int


def admit(session: Session, entry: Entry, *, team_id: int, now: datetime) -> Board:
    """Return the board that takes the entry; everything that can be refused early is.

    Raises:
        NotFound, TruthMissing, DeclarationsIncomplete, DeclarationsContradict: see `admit_run`.
        WeightsNotTaken, ImagesMissing: see `entry_kinds.check_board`.
        BoardNotOpen, BoardPaused, QuotaUsed: see `admission.check`.
    """
    board = _scored_board(session, entry)
    check_board(entry.kind, board)
    admission.check(session, board, team_id=team_id, now=now)
    return board


def admit_run(session: Session, entry: Entry, *, now: datetime) -> Board:
    """Return the board that takes an entry made by this server, which no quota is for.

    Raises:
        NotFound: there is no such board.
        TruthMissing: the split has no truth to score against.
        DeclarationsIncomplete, DeclarationsContradict: see `protocols.check_declarations`.
        BoardNotOpen, BoardPaused: see `admission.check_phase`.
    """
    board = _scored_board(session, entry)
    admission.check_phase(board, now)
    return board


def _scored_board(session: Session, entry: Entry) -> Board:
    board = board_named(session, protocol=entry.protocol, subset=entry.subset, split=entry.split)
    if board.split.truth_version is None:
        raise TruthMissing(
            f"The {entry.split} split of {entry.subset} has no truth on this server yet; "
            "its operator registers one with `luss admin dataset`."
        )
    check_declarations(entry.protocol, entry.declarations)
    return board


def accept(
    session: Session,
    entry: Entry,
    archive: StoredArchive,
    *,
    user_id: int,
    team_id: int,
    idempotency_key: str | None,
    now: datetime,
    lease: timedelta,
    is_run_here: bool = False,
) -> Submission:
    """Make the row for an archive that has arrived; it is rung when the row is committed.

    For weights the row of the run that makes their masks is made with it, and is rung instead.

    Raises:
        ServerError: see `admit`; all of it may have changed since the first byte.
        NotAllowed: the person has left the team since then.
    """
    if is_run_here:
        board = admit_run(session, entry, now=now)
    else:
        quota.hold(session, team_id=team_id)
        board = admit(session, entry, team_id=team_id, now=now)
    if not queries.is_member(session, user_id=user_id, team_id=team_id):
        raise NotAllowed("You are not in this team any more, so you cannot submit for it.")
    is_of_weights = entry.kind is EntryKind.WEIGHTS
    submission = Submission(
        public_id=archive.public_id,
        board_id=board.id,
        team_id=team_id,
        user_id=user_id,
        idempotency_key=idempotency_key,
        created_at=now,
        is_public=entry.is_public,
        is_late=board.phase_at(now) is BoardPhase.CLOSED,
        is_run_here=is_run_here or is_of_weights,
        anonymous_until=entry.anonymous_until,
        declarations=dict(entry.declarations),
        archive_key=None if is_of_weights else archive.key,
        archive_sha256="" if is_of_weights else archive.sha256,
        archive_bytes=0 if is_of_weights else archive.size_bytes,
        weights_key=archive.key if is_of_weights else None,
        weights_sha256=archive.sha256 if is_of_weights else None,
        weights_bytes=archive.size_bytes if is_of_weights else None,
        state=SubmissionState.RECEIVED,
        state_since=now,
        findings=[],
        lease_until=now + lease,
        **{name: entry.card.get(name) or None for name in CARD_FIELDS},
    )
    session.add(submission)
    tell(submission=archive.public_id)
    session.flush()  # the message carries its id
    if is_of_weights:
        predictions.order(session, submission, now=now, lease=lease)
    else:
        ring_after_commit(session, Job(SCORE_SUBMISSION, submission.id))
    return submission


@contextmanager
def stored(store: BlobStore, archive: StoredArchive, file: BinaryIO) -> Iterator[None]:
    """Put an archive into the store; the block makes its row.

    If the block fails the archive is deleted. Only where the database fell silent, and may have the
    row all the same, it stays until workers find that it has none.
    """
    file.seek(0)
    store.put(archive.key, file)
    try:
        yield
    except BaseException as error:
        if not db.is_passing(error):
            store.delete(archive.key)
        raise


def archive_key(public_id: str) -> str:
    return f"{ARCHIVE_FOLDER}/{public_id}.zip"


def weights_key(public_id: str) -> str:
    return f"{WEIGHTS_FOLDER}/{public_id}.safetensors"


def longest_card_value(name: str) -> int:
    """Return how many characters of a card field are kept."""
    return MAX_METHOD_NAME if name == "method_name" else 64 * 1024


def card_value(name: str, value: str) -> str:
    """Return a card field as it is stored.

    Raises:
        FieldInvalid: the method's name is longer than a board can show.
    """
    text = value.replace("\0", "").strip()  # PostgreSQL keeps no NUL
    longest = longest_card_value(name)
    if len(text) > longest:
        raise FieldInvalid(
            f"{name} has {len(text)} characters; at most {longest} are kept.", field=name
        )
    return text
