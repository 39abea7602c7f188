"""How an archive comes in: the only code that sees bytes travel.

Authorised before the first byte of the archive, in a short transaction that has ended by then;
bytes go to a nameless file, so that a killed server leaves nothing; the row is written after the
last byte was verified and stored. No session is open while bytes travel.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import BinaryIO, Self

from anyio import to_thread
from fastapi import Request
from sqlalchemy.exc import IntegrityError

from server.dependencies import Rooms, Viewer, identify, submitter
from server.errors import (
    ArchiveEmpty,
    FieldInvalid,
    FormExpired,
    ServerError,
    TooLarge,
    UploadMalformed,
)
from server.models import MAX_IDEMPOTENCY_KEY, new_public_id
from server.storage import free_space
from server.submissions import multipart, queries, service
from server.submissions.entry_form import entry_of
from server.submissions.service import Entry, StoredArchive
from server.web import csrf

ARCHIVE_FIELD = "archive"
BUFFER_BYTES = 1024**2
MULTIPART_OVERHEAD_BYTES = 1024**2
DRAIN_SECONDS = 10


@dataclass(slots=True)
class Intake:
    """What is known of an upload so far; ``fields`` serve to fill the form again."""

    request: Request
    built: Rooms
    browser: bool
    fields: dict[str, str] = field(default_factory=dict)

    async def take(self) -> str:
        """Receive one submission and return its public id.

        A repeat under the same idempotency key answers with what the first one made.

        Raises:
            ServerError: refused; nothing of it is kept.
        """
        body = self.request.stream()
        async with aclosing(body):
            try:
                with free_space.refused_when_full():
                    return await self._receive(body)
            except ServerError:
                await _drain(body)
                raise

    async def _receive(self, body: AsyncIterator[bytes]) -> str:
        viewer = await to_thread.run_sync(
            lambda: identify(self.request, self.built, browser=self.browser)
        )
        user_id = submitter(viewer)
        await to_thread.run_sync(self._check_declared_length)
        key = self._idempotency_key()
        if key and (known := await to_thread.run_sync(self._earlier, user_id, key)):
            return known
        content_type = self.request.headers.get("content-type", "")
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(aclosing(multipart.events(content_type, body)))
            entry = await self._entry(events, viewer)
            staged = stack.enter_context(_Staged(self.built))
            await self._stage(events, staged)
            return await to_thread.run_sync(lambda: self._keep(viewer, entry, staged, key))

    def _check_declared_length(self) -> None:
        limit = self.built.settings.upload_limit_bytes
        declared = self.request.headers.get("content-length", "")
        length = int(declared) if declared.isdecimal() else 0
        if length > limit + MULTIPART_OVERHEAD_BYTES:
            raise _too_large(limit)
        free_space.ensure_room(self.built.settings, arriving=length)

    def _idempotency_key(self) -> str | None:
        key = self.request.headers.get("idempotency-key")
        if key and len(key) > MAX_IDEMPOTENCY_KEY:
            raise FieldInvalid(
                f"The Idempotency-Key has {len(key)} characters; it may have "
                f"{MAX_IDEMPOTENCY_KEY}.",
                field="Idempotency-Key",
            )
        return key

    def _earlier(self, user_id: int, key: str) -> str | None:
        with self.built.database.reading() as session:
            return queries.public_id_of_key(session, user_id=user_id, key=key)

    async def _entry(self, events: AsyncIterator[multipart.Event], viewer: Viewer) -> Entry:
        """Read the fields up to where the archive begins, and admit what they say."""
        async for event in events:
            match event:
                case multipart.FieldEnd(name, value):
                    self.fields[name] = value
                case multipart.FileBegin(name) if name == ARCHIVE_FIELD:
                    return await to_thread.run_sync(self._admit, viewer)
                case multipart.FileBegin(name):
                    raise UploadMalformed(
                        f"The form has a file {name!r}; the only one is {ARCHIVE_FIELD!r}, last."
                    )
                case _:
                    continue
        raise ArchiveEmpty(f"The form has no file field {ARCHIVE_FIELD!r}; send it last.")

    def _admit(self, viewer: Viewer) -> Entry:
        if self.browser:
            cookie = self.request.cookies.get(csrf.COOKIE)
            secret_key = self.built.settings.secret_key.get_secret_value()
            if not csrf.is_valid(self.fields.get(csrf.FIELD), cookie, secret_key=secret_key):
                raise FormExpired("Load the page again and send the form once more.")
        entry = entry_of(self.fields)
        self._team_id(viewer)
        with self.built.database.reading() as session:
            service.admit(session, entry)
        return entry

    def _team_id(self, viewer: Viewer) -> int:
        return viewer.team_named(self.fields.get("team", "")).id

    async def _stage(self, events: AsyncIterator[multipart.Event], staged: "_Staged") -> None:
        """Write the archive to the staging file; the form must end right after it."""
        file_ended = False
        async for event in events:
            match event:
                case multipart.FileData(chunk):
                    if staged.add(chunk):
                        await to_thread.run_sync(staged.flush)
                case multipart.FileEnd():
                    file_ended = True
                case multipart.BodyEnd():
                    await to_thread.run_sync(staged.flush)
                    if not staged.size_bytes:
                        raise ArchiveEmpty("The archive has no bytes; choose the zip of masks.")
                    return
                case _:
                    raise UploadMalformed("The archive must be the last field of the form.")
        raise UploadMalformed(
            "The form ended within the archive; send it again."
            if not file_ended
            else "The form has no closing boundary; send it again."
        )

    def _keep(self, viewer: Viewer, entry: Entry, staged: "_Staged", key: str | None) -> str:
        """Store the archive, then make its row; whatever fails leaves neither."""
        built, user_id = self.built, submitter(viewer)
        public_id = new_public_id()
        archive = StoredArchive(
            public_id=public_id,
            key=service.archive_key(public_id),
            sha256=staged.digest.hexdigest(),
            size_bytes=staged.size_bytes,
        )
        staged.file.seek(0)
        built.store.put(archive.key, staged.file)
        try:
            with built.database.unit_of_work() as session:
                service.accept(
                    session,
                    entry,
                    archive,
                    user_id=user_id,
                    team_id=self._team_id(viewer),
                    idempotency_key=key,
                    now=built.clock.now(),
                    lease=built.settings.lease,
                )
        except IntegrityError:
            built.store.delete(archive.key)
            if key and (known := self._earlier(user_id, key)):
                return known  # the same key came twice at the same time
            raise
        except BaseException:
            built.store.delete(archive.key)
            raise
        return public_id


class _Staged:
    """A nameless file that bytes are collected in, with their number and SHA-256."""

    def __init__(self, built: Rooms) -> None:
        folder = built.settings.staging_folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # __exit__ closes
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self._settings = built.settings
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def add(self, chunk: bytes) -> bool:
        """Take a chunk; True if it is time to flush, which may wait for the disk."""
        self.size_bytes += len(chunk)
        limit = self._settings.upload_limit_bytes
        if self.size_bytes > limit:
            raise _too_large(limit)
        self._buffer += chunk
        return len(self._buffer) >= BUFFER_BYTES

    def flush(self) -> None:
        pending = len(self._buffer)
        free_space.ensure_room(self._settings, arriving=pending, staged=self.size_bytes - pending)
        self.digest.update(self._buffer)
        self.file.write(self._buffer)
        self._buffer.clear()


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The archive is larger than {limit} bytes, the most that is taken.")


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read on for a little while, keeping nothing.

    A client that only listens after it has sent everything would otherwise see a broken connection
    instead of the reason.
    """
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in body:
                pass
    except TimeoutError:
        return
