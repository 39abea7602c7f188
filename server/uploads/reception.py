"""One PATCH: bytes go to the staging file, and the row is told how many of them are safe.

Authorised, and the upload locked, in one short transaction that has ended before the first byte.
Every few megabytes, and when the sender falls silent or goes away, what has come is flushed to the
disk and then recorded: the row never promises more than the disk has.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from anyio import to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from server.dependencies import Rooms, script_submitter
from server.errors import ContentTypeWrong, UploadStalled, UploadTooLong
from server.models import Upload
from server.storage import free_space
from server.uploads import service, staging, tus
from server.uploads.service import LOCK, Lock
from server.web.request_body import body_of

BUFFER_BYTES = 1024**2
SAVE_BYTES = 16 * 1024**2
SAVE_SECONDS = LOCK.total_seconds() / 4
SILENCE_SECONDS = LOCK.total_seconds() / 2
"""A silent sender is given up before the lock runs out, and may come back at once."""


@dataclass(frozen=True, slots=True)
class Received:
    offset: int
    expires_at: datetime


async def receive(request: Request, built: Rooms, public_id: str) -> Received:
    """Write the body of a PATCH behind the safe bytes of an upload.

    Raises:
        ServerError: refused; of what is refused as too long, nothing is kept.
    """
    async with body_of(request) as body:
        with free_space.refused_when_full():
            writing = await to_thread.run_sync(_begin, request, built, public_id)
            try:
                await _copy(body, writing)
            finally:
                await to_thread.run_sync(writing.end)
            return Received(writing.safe, writing.expires_at)


async def _copy(body: AsyncIterator[bytes], writing: "_Writing") -> None:
    chunks = aiter(body)
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                chunk = await anext(chunks, None)
        except ClientDisconnect:
            chunk = None  # nobody is there to be told; what came is kept
        except TimeoutError as reason:
            await to_thread.run_sync(writing.save)
            raise UploadStalled(
                f"No byte came for {SILENCE_SECONDS:.0f} seconds; {writing.safe} bytes are kept.",
                offset=writing.safe,
            ) from reason
        if chunk is None:
            await to_thread.run_sync(writing.save)
            return
        if writing.would_overflow(chunk):
            await to_thread.run_sync(writing.take_back)
            raise _too_long(writing.length)
        if writing.add(chunk):
            await to_thread.run_sync(writing.flush)


def _begin(request: Request, built: Rooms, public_id: str) -> "_Writing":
    """Authorise and lock; whatever is refused leaves the upload as it was."""
    headers = request.headers
    if headers.get("content-type") != tus.CONTENT_TYPE:
        raise ContentTypeWrong(
            f"The content type is {headers.get('content-type') or 'missing'!r}; "
            f"a PATCH sends {tus.CONTENT_TYPE}."
        )
    offset = tus.number("Upload-Offset", headers.get("upload-offset"))
    announced = headers.get("content-length")
    user_id = script_submitter(request, built)
    with built.database.unit_of_work() as session:
        now = built.clock.now()
        upload = service.owned(session, public_id, user_id=user_id, now=now)
        held = service.lock(session, upload, offset=offset, now=now)
        arriving = upload.length_bytes - offset
        if announced is not None:
            arriving = tus.number("Content-Length", announced)
        if offset + arriving > upload.length_bytes:
            raise _too_long(upload.length_bytes)
        free_space.ensure_room(built.settings, arriving=arriving, staged=offset)
    path = staging.path_of(built.settings.staging_folder, public_id)
    try:
        tail = staging.Tail(path, offset=offset)
    except BaseException:
        with built.database.unit_of_work() as session:
            service.unlock(session, held)
        raise
    return _Writing(built, held, tail, upload)


class _Writing:
    """What one PATCH has in its hands: the lock on the row, and the end of the file."""

    def __init__(self, built: Rooms, held: Lock, tail: staging.Tail, upload: Upload) -> None:
        self.length, self.expires_at = upload.length_bytes, upload.expires_at
        self.safe = self._start = self._taken = upload.received_bytes
        self._built, self._held, self._tail = built, held, tail
        self._buffer = bytearray()
        self._saved_at = time.monotonic()

    def would_overflow(self, chunk: bytes) -> bool:
        return self._taken + len(chunk) > self.length

    def add(self, chunk: bytes) -> bool:
        """Take a chunk; True if it is time to flush, which waits for the disk."""
        self._taken += len(chunk)
        self._buffer += chunk
        return len(self._buffer) >= BUFFER_BYTES or self._is_late()

    def flush(self) -> None:
        """Hand the buffer to the disk, and now and then see that it is safe there."""
        self._tail.write(self._buffer)
        self._buffer.clear()
        if self._taken - self.safe >= SAVE_BYTES or self._is_late():
            self.save()

    def save(self) -> None:
        """Make everything that has come safe, and record that it is."""
        self._tail.write(self._buffer)
        self._buffer.clear()
        self._tail.sync()
        self._record(self._taken)

    def take_back(self) -> None:
        """Let nothing of this PATCH count; what lies behind is cut off by the next one."""
        self._record(self._start)

    def end(self) -> None:
        try:
            self._tail.close()
        finally:
            with self._built.database.unit_of_work() as session:
                service.unlock(session, self._held)

    def _record(self, received_bytes: int) -> None:
        now = self._built.clock.now()
        expires_at = now + self._built.settings.uploads_wait
        with self._built.database.unit_of_work() as session:
            service.record(
                session, self._held, received_bytes=received_bytes, now=now, expires_at=expires_at
            )
        self.safe, self.expires_at = received_bytes, expires_at
        self._saved_at = time.monotonic()

    def _is_late(self) -> bool:
        return time.monotonic() - self._saved_at >= SAVE_SECONDS


def _too_long(length: int) -> UploadTooLong:
    return UploadTooLong(
        f"The upload was said to have {length} bytes, and this request would make it longer; "
        "nothing of it was kept."
    )
