"""From a file to a submission, whatever happens to the connection on the way.

The archive is uploaded, going on where an earlier run was cut off, and then entered. What fails for
reasons that may pass is tried again, ever more slowly, until the server has been away for a minute
without a byte gained.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from client.api import Api, Entry
from client.documents import Submission
from client.errors import ClientError, Refused, Unreachable
from client.remembered import RememberedUploads
from client.uploads import Archive, Uploads, id_of

_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_LOST_TRACK = frozenset({"upload_offset_differs", "upload_locked", "upload_stalled"})
_OF_NO_MORE_USE = frozenset({"upload_used", "upload_gone"})

OnProgress = Callable[[str, int], None]
"""Told what is being done ("Reading", "Sending") and how many bytes of it are done."""


@dataclass(slots=True)
class Sending:
    """One archive on its way.

    Attributes:
        api: where to.
        remembered: what earlier runs had begun.
        on_progress: told of every step.
        pause: how to wait between attempts.
    """

    api: Api
    remembered: RememberedUploads
    on_progress: OnProgress = lambda _doing, _done: None
    pause: Callable[[float], None] = time.sleep
    _failures: int = field(default=0, init=False)

    def submit(self, entry: Entry, path: Path) -> Submission:
        """Send a file and return the submission that it became.

        Raises:
            Refused: the server did not take it.
            Unreachable: the server stayed away; the same call goes on later.
        """
        archive = Archive.read(path, lambda done: self.on_progress("Reading", done))
        known = self.remembered.find(archive)
        upload = self._uploaded(entry, archive, known)
        try:
            submission = self._entered(entry, upload)
        except Refused as refused:
            if refused.code == "upload_differs":
                self.remembered.forget(archive)
            if known is None or refused.code not in _OF_NO_MORE_USE:
                raise
            # An earlier run had entered it under other facts, or it has just expired.
            submission = self._entered(entry, self._uploaded(entry, archive, None))
        self.remembered.forget(archive)
        return submission

    def _uploaded(self, entry: Entry, archive: Archive, upload: str | None) -> str:
        """Send what is missing of an archive and return its upload."""
        uploads = Uploads(self.api.connection)
        offset: int | None = None  # of the next byte; None until the server has said
        best = 0
        while upload is None or offset != archive.size_bytes:
            try:
                if upload is None:
                    upload, offset = uploads.begin(archive, entry.destination()), 0
                    self.remembered.keep(archive, upload)
                elif offset is None:
                    offset = uploads.offset(upload)
                else:
                    offset = uploads.send(upload, archive, offset, self._sent)
            except Unreachable as error:
                self._wait(error)
                offset = None
            except Refused as refused:
                is_gone = upload is not None and refused.status in _GONE
                if not is_gone and refused.code not in _LOST_TRACK:
                    raise
                if offset is not None:
                    self._wait(refused)
                upload, offset = None if is_gone else upload, None
            else:
                self._sent(offset)
                if offset > best:
                    best, self._failures = offset, 0
        return upload

    def _entered(self, entry: Entry, upload: str) -> Submission:
        facts = json.dumps(entry.fields(), sort_keys=True)
        key = f"{id_of(upload)}-{hashlib.sha256(facts.encode()).hexdigest()[:32]}"
        self._failures = 0
        while True:
            try:
                return self.api.enter(entry, id_of(upload), key=key)
            except Unreachable as error:
                self._wait(error)

    def _sent(self, done: int) -> None:
        self.on_progress("Sending", done)

    def _wait(self, error: ClientError) -> None:
        if self._failures == len(_PAUSES_SECONDS):
            raise Unreachable(
                f"{error} What has arrived is kept for a while: the same command goes on."
            ) from error
        self.pause(_PAUSES_SECONDS[self._failures])
        self._failures += 1
