"""From a file that has arrived whole to a submission: first the store, then the row.

Here begins everything that counts. Whatever fails leaves neither, see `service.stored`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import IntegrityError

from server.dependencies import Rooms
from server.entry_kinds import EntryKind, check_size
from server.errors import UploadDiffers, UploadGone, UploadUsed
from server.models import Upload, new_public_id
from server.storage import free_space
from server.submissions import queries, service, weights_file
from server.submissions.service import Entry, StoredArchive
from server.uploads import service as uploads
from server.uploads import staging


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A file on this disk, from its first byte on, and the upload that it came by."""

    file: BinaryIO
    sha256: str
    size_bytes: int
    upload: Upload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who enters something, for which team, under which idempotency key, and where."""

    built: Rooms
    user_id: int
    team_id: int
    idempotency_key: str | None

    def earlier(self) -> str | None:
        """Return which submission the idempotency key has made before."""
        return earlier(self.built, self.user_id, self.idempotency_key)


def earlier(built: Rooms, user_id: int, key: str | None) -> str | None:
    """Return which submission an idempotency key has made before."""
    if key is None:
        return None
    with built.database.reading() as session:
        return queries.public_id_of_key(session, user_id=user_id, key=key)


def keep(sender: Sender, entry: Entry, arrived: Arrived) -> str:
    """Store an archive or weights, make the row, and return the submission's public id.

    Raises:
        ServerError: it cannot be entered any more, see `service.accept`.
        WeightsUnreadable, WeightsLayoutUnknown: no model worker could run them.
        UploadUsed: its upload has become another submission meanwhile.
    """
    built = sender.built
    public_id = new_public_id()
    is_of_weights = entry.kind is EntryKind.WEIGHTS
    if is_of_weights:
        weights_file.check(arrived.file, size_bytes=arrived.size_bytes)
    key_of = service.weights_key if is_of_weights else service.archive_key
    archive = StoredArchive(
        public_id=public_id,
        key=key_of(public_id),
        sha256=arrived.sha256,
        size_bytes=arrived.size_bytes,
    )
    try:
        with (
            service.stored(built.store, archive, arrived.file),
            built.database.unit_of_work() as session,
        ):
            submission = service.accept(
                session,
                entry,
                archive,
                user_id=sender.user_id,
                team_id=sender.team_id,
                idempotency_key=sender.idempotency_key,
                now=built.clock.now(),
                lease=built.settings.lease,
            )
            if arrived.upload is not None:
                uploads.use(session, arrived.upload, submission_id=submission.id)
    except IntegrityError:
        if known := sender.earlier():
            return known  # the same key came twice at the same time
        raise
    return public_id


def keep_upload(sender: Sender, entry: Entry, upload_id: str) -> str:
    """Make a submission of an upload that is complete; its file leaves the staging folder.

    The whole is hashed here and nowhere else: an upload that was resumed has no running hash.

    Raises:
        NotFound, UploadGone, UploadIncomplete, UploadUsed: there is no such upload to use.
        UploadDiffers: it is not what was announced, and was deleted.
        WeightsTooLarge: it may be an archive, but as weights it is too large.
    """
    built = sender.built
    try:
        with built.database.reading() as session:
            upload = uploads.finished(
                session, upload_id, user_id=sender.user_id, now=built.clock.now()
            )
        check_size(entry.kind, upload.length_bytes, built.settings)
        path = staging.path_of(built.settings.staging_folder, upload.public_id)
        free_space.ensure_room(built.settings, arriving=0, staged=upload.length_bytes)
        with staging.opened(path) as file:
            arrived = Arrived(
                file=file,
                sha256=hashlib.file_digest(file, "sha256").hexdigest(),
                size_bytes=upload.length_bytes,
                upload=upload,
            )
            if upload.sha256 not in {None, arrived.sha256}:
                _give_up(built, upload, path)
                raise UploadDiffers(
                    f"The upload has the SHA-256 {arrived.sha256}, and {upload.sha256} was "
                    "announced. It was deleted; send it again.",
                )
            public_id = keep(sender, entry, arrived)
    except (UploadUsed, UploadGone):
        if known := sender.earlier():
            return known  # the same request came twice at the same time
        raise
    path.unlink(missing_ok=True)
    return public_id


def _give_up(built: Rooms, upload: Upload, path: Path) -> None:
    with built.database.unit_of_work() as session:
        uploads.forget(session, upload, now=built.clock.now())
    path.unlink(missing_ok=True)
