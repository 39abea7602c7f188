"""How an entry comes in, with its archive or with the id of an upload that has arrived already.

Authorised before the first byte of the archive, in a short transaction that has ended by then;
bytes go to a nameless file, so that a killed server leaves nothing; the row is written after the
last byte was verified and stored. No session is open while bytes travel.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from anyio import to_thread
from fastapi import Request

from server import strict_json
from server.dependencies import Rooms, Viewer, identify, is_our_form, submitter
from server.entry_kinds import EntryKind, check_size
from server.errors import (
    ArchiveEmpty,
    FieldInvalid,
    FormExpired,
    QuotaUsed,
    TooLarge,
    UploadMalformed,
)
from server.models import MAX_IDEMPOTENCY_KEY
from server.storage import free_space
from server.submissions import arrival, multipart, service
from server.submissions.api_description import FIELDS
from server.submissions.arrival import Arrived, Sender
from server.submissions.entry_form import entry_of
from server.submissions.service import Entry
from server.submissions.staged import Staged
from server.web import csrf
from server.web.request_body import body_of

ARCHIVE_FIELD, UPLOAD_FIELD = "archive", "upload_id"
MULTIPART_OVERHEAD_BYTES = 1024**2
JSON_LIMIT_BYTES = 256 * 1024


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
        async with body_of(self.request) as body:
            with free_space.refused_when_full():
                return await self._receive(body)

    async def _receive(self, body: AsyncIterator[bytes]) -> str:
        viewer = await to_thread.run_sync(
            lambda: identify(
                self.request, self.built, browser=self.browser, by_token=not self.browser
            )
        )
        user_id = submitter(viewer)
        await to_thread.run_sync(self._check_declared_length)
        key = self._idempotency_key()
        if known := await to_thread.run_sync(arrival.earlier, self.built, user_id, key):
            return known
        try:
            return await self._enter(viewer, key, body)
        except QuotaUsed:
            if known := await to_thread.run_sync(arrival.earlier, self.built, user_id, key):
                return known  # the same key came twice at the same time
            raise

    async def _enter(self, viewer: Viewer, key: str | None, body: AsyncIterator[bytes]) -> str:
        content_type = self.request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() == "application/json":
            self.fields = _fields_of(await _small(body))
            return await to_thread.run_sync(self._enter_upload, viewer, key)
        async with AsyncExitStack() as stack:
            events = await stack.enter_async_context(aclosing(multipart.events(content_type, body)))
            if not await self._read_fields(events):
                return await to_thread.run_sync(self._enter_upload, viewer, key)
            entry = await to_thread.run_sync(self._admit, viewer)
            staged = stack.enter_context(Staged(self.built, entry.kind))
            await self._stage(events, staged)
            return await to_thread.run_sync(self._enter_archive, viewer, entry, staged, key)

    def _check_declared_length(self) -> None:
        declared = self.request.headers.get("content-length", "")
        length = int(declared) if declared.isdecimal() else 0
        file_bytes = length - MULTIPART_OVERHEAD_BYTES  # and what kind it is, nobody has said yet
        check_size(EntryKind.MASKS, file_bytes, self.built.settings)
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

    async def _read_fields(self, events: AsyncIterator[multipart.Event]) -> bool:
        """Read the fields; True where the archive begins, False where they were all."""
        async for event in events:
            match event:
                case multipart.FieldEnd(name, value):
                    self.fields[name] = value
                case multipart.FileBegin(name) if name == ARCHIVE_FIELD:
                    if UPLOAD_FIELD in self.fields:
                        raise UploadMalformed(
                            f"The form has both {ARCHIVE_FIELD!r} and {UPLOAD_FIELD!r}; send one."
                        )
                    return True
                case multipart.FileBegin(name):
                    raise UploadMalformed(
                        f"The form has a file {name!r}; the only one is {ARCHIVE_FIELD!r}, last."
                    )
                case _:
                    continue
        return False

    def _enter_upload(self, viewer: Viewer, key: str | None) -> str:
        entry = self._admit(viewer)
        upload_id = self.fields.get(UPLOAD_FIELD)
        if upload_id is None:
            raise ArchiveEmpty(
                f"The form has no file field {ARCHIVE_FIELD!r}, which comes last, "
                f"and no {UPLOAD_FIELD!r} in its place."
            )
        return arrival.keep_upload(self._sender(viewer, key), entry, upload_id)

    def _enter_archive(self, viewer: Viewer, entry: Entry, staged: Staged, key: str | None) -> str:
        arrived = Arrived(
            file=staged.file, sha256=staged.digest.hexdigest(), size_bytes=staged.size_bytes
        )
        return arrival.keep(self._sender(viewer, key), entry, arrived)

    def _admit(self, viewer: Viewer) -> Entry:
        form_token = self.fields.get(csrf.FIELD)
        if self.browser and not is_our_form(self.request, self.built, form_token):
            raise FormExpired("Load the page again and send the form once more.")
        if not self.browser and (unknown := sorted(self.fields.keys() - FIELDS)):
            raise FieldInvalid(
                f"There is no field {unknown[0]!r}; there are: {', '.join(sorted(FIELDS))}.",
                field=unknown[0],
            )
        team_id, now = self._team_id(viewer), self.built.clock.now()
        entry = entry_of(self.fields, now=now)
        with self.built.database.reading() as session:
            service.admit(session, entry, team_id=team_id, now=now)
        return entry

    def _sender(self, viewer: Viewer, key: str | None) -> Sender:
        return Sender(
            built=self.built,
            user_id=submitter(viewer),
            team_id=self._team_id(viewer),
            idempotency_key=key,
        )

    def _team_id(self, viewer: Viewer) -> int:
        return viewer.team_named(self.fields.get("team", "")).id

    async def _stage(self, events: AsyncIterator[multipart.Event], staged: Staged) -> None:
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
                        raise ArchiveEmpty("The file has no bytes; choose the zip of masks.")
                    return
                case _:
                    raise UploadMalformed("The archive must be the last field of the form.")
        raise UploadMalformed(
            "The form ended within the archive; send it again."
            if not file_ended
            else "The form has no closing boundary; send it again."
        )


async def _small(body: AsyncIterator[bytes]) -> bytes:
    content = bytearray()
    async for chunk in body:
        content += chunk
        if len(content) > JSON_LIMIT_BYTES:
            raise TooLarge(
                f"A JSON entry has at most {JSON_LIMIT_BYTES} bytes; the archive is uploaded first."
            )
    return bytes(content)


def _fields_of(content: bytes) -> dict[str, str]:
    """Read a JSON entry as the form fields of the same names; what is null was not said."""
    try:
        document = strict_json.read(content)
    except ValueError as reason:
        raise UploadMalformed(f"The entry is not JSON: {reason}.") from reason
    if not isinstance(document, dict):
        raise UploadMalformed('The entry must be one JSON object: {"protocol": ..., ...}.')
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in document.items()
        if value is not None
    }
