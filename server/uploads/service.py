"""The life of an upload: begun, locked, recorded, used once, forgotten. Without the web.

Two requests for one upload are a race: each change is one statement whose WHERE clause decides it,
so that it holds over any number of web processes.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Delete, Update, delete, or_, update
from sqlalchemy.orm import Session

from server.db import one_at_a_time
from server.errors import (
    NotFound,
    TooManyUploads,
    UploadGone,
    UploadIncomplete,
    UploadLocked,
    UploadOffsetDiffers,
    UploadUsed,
)
from server.models import Upload, new_public_id
from server.uploads import queries

MAX_OPEN = 5
"""How many uploads of one person may wait to become submissions."""
LOCK = timedelta(seconds=20)
"""How long a request that has fallen silent keeps others out."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The right to write to an upload for as long as it is renewed."""

    upload_id: int
    token: str


def begin(
    session: Session,
    *,
    user_id: int,
    length_bytes: int,
    sender_metadata: str,
    sha256: str | None,
    now: datetime,
    wait: timedelta,
) -> Upload:
    """Make the row of an upload.

    Raises:
        TooManyUploads: the person has as many as may be that are no submission yet.
    """
    one_at_a_time(session, f"uploads of user {user_id}")
    if queries.count_open(session, user_id=user_id, now=now) >= MAX_OPEN:
        raise TooManyUploads(
            f"You have {MAX_OPEN} uploads that are no submission yet. Finish one and submit it, "
            "give one up, or wait until they expire."
        )
    upload = Upload(
        public_id=new_public_id(),
        user_id=user_id,
        created_at=now,
        expires_at=now + wait,
        length_bytes=length_bytes,
        received_bytes=0,
        sender_metadata=sender_metadata,
        sha256=sha256,
    )
    session.add(upload)
    session.flush()
    return upload


def owned(session: Session, public_id: str, *, user_id: int, now: datetime) -> Upload:
    """Find an upload of one's own.

    Raises:
        NotFound: there is none, or it is somebody else's.
        UploadGone: it has expired.
    """
    upload = queries.owned(session, public_id, user_id=user_id)
    if upload is None:
        raise NotFound(f"There is no upload {public_id} of yours; begin a new one.")
    if upload.expires_at <= now:
        raise UploadGone(
            f"The upload {public_id} expired at {upload.expires_at:%Y-%m-%d %H:%M} UTC; "
            "begin a new one."
        )
    return upload


def finished(session: Session, public_id: str, *, user_id: int, now: datetime) -> Upload:
    """Find an upload of one's own that may become a submission.

    Raises:
        NotFound, UploadGone: see `owned`.
        UploadIncomplete: bytes are missing.
        UploadUsed: it is one already.
    """
    upload = owned(session, public_id, user_id=user_id, now=now)
    if upload.submission_id is not None:
        raise _used(public_id)
    if upload.received_bytes < upload.length_bytes:
        raise UploadIncomplete(
            f"{upload.received_bytes} of {upload.length_bytes} bytes of the upload {public_id} "
            "have arrived; send the rest first.",
            offset=upload.received_bytes,
        )
    return upload


def lock(session: Session, upload: Upload, *, offset: int, now: datetime) -> Lock:
    """Keep others out of an upload, to write on from ``offset``.

    Raises:
        UploadOffsetDiffers: the safe bytes end elsewhere.
        UploadLocked: another request is writing.
    """
    if offset != upload.received_bytes:
        raise UploadOffsetDiffers(
            f"The upload goes on at byte {upload.received_bytes}, not at {offset}.",
            offset=upload.received_bytes,
        )
    held = Lock(upload.id, secrets.token_hex(16))
    statement = (
        update(Upload)
        .where(Upload.id == upload.id, Upload.received_bytes == offset, _is_free(now))
        .values(lock_token=held.token, lock_until=now + LOCK)
    )
    if not _changed(session, statement):
        raise locked()
    return held


def record(
    session: Session, held: Lock, *, received_bytes: int, now: datetime, expires_at: datetime
) -> None:
    """Write down how many bytes are safe, and renew the lock.

    Raises:
        UploadLocked: this request has been silent for so long that another one has taken over.
    """
    statement = (
        update(Upload)
        .where(*_is_held(held))
        .values(received_bytes=received_bytes, lock_until=now + LOCK, expires_at=expires_at)
    )
    if not _changed(session, statement):
        raise locked()


def unlock(session: Session, held: Lock) -> None:
    _changed(session, update(Upload).where(*_is_held(held)).values(lock_token=None))


def use(session: Session, upload: Upload, *, submission_id: int) -> None:
    """Write down which submission an upload has become.

    Raises:
        UploadUsed: another request was faster.
    """
    statement = (
        update(Upload)
        .where(Upload.id == upload.id, Upload.submission_id.is_(None))
        .values(submission_id=submission_id)
    )
    if not _changed(session, statement):
        raise _used(upload.public_id)


def forget(session: Session, upload: Upload, *, now: datetime) -> None:
    """Delete the row of an upload.

    Raises:
        UploadLocked: a request is writing to it.
    """
    if not _changed(session, delete(Upload).where(Upload.id == upload.id, _is_free(now))):
        raise locked()


def forget_expired(session: Session, *, now: datetime) -> int:
    """Delete the rows of uploads that have waited for too long; return how many there were."""
    return _count(session, delete(Upload).where(Upload.expires_at <= now, _is_free(now)))


def locked() -> UploadLocked:
    return UploadLocked("Another request is writing to this upload; try again in some seconds.")


def _used(public_id: str) -> UploadUsed:
    return UploadUsed(f"The upload {public_id} has become a submission already; begin a new one.")


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(Upload.lock_token.is_(None), Upload.lock_until <= now)


def _is_held(held: Lock) -> list[ColumnElement[bool]]:
    return [Upload.id == held.upload_id, Upload.lock_token == held.token]


def _changed(session: Session, statement: Update | Delete) -> bool:
    return _count(session, statement) == 1


def _count(session: Session, statement: Update | Delete) -> int:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount
