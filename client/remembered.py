"""Uploads that were begun and not finished, remembered from one run of the command to the next.

One small file each, in the user's state folder; it names the server's upload by what is sent where,
so that another shell on another day finds it again.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import typer

from client.uploads import Archive
from evaluator.atomic_file import replacing


class RememberedUploads:
    """What is under way to one server."""

    def __init__(self, server: str, *, folder: Path | None = None) -> None:
        """Remember in the user's state folder, unless told another one."""
        self._server = server
        self._folder = folder or _state_folder()

    def find(self, archive: Archive) -> str | None:
        """Return where this archive was being sent to, if it was."""
        try:
            record = json.loads(self._file(archive).read_text(encoding="utf-8"))
            return str(record["upload"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or one that is of no use: the upload begins anew

    def keep(self, archive: Archive, upload: str) -> None:
        """Remember an upload; where that cannot be done, say what it means and go on."""
        record = {
            "server": self._server,
            "upload": upload,
            "sha256": archive.sha256,
            "size_bytes": archive.size_bytes,
            "file": str(archive.path.absolute()),
        }
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(self._file(archive)) as partial:
                partial.write_text(json.dumps(record, indent=2), encoding="utf-8")
        except OSError as error:
            typer.echo(
                f"luss: cannot write to {self._folder} ({error.strerror}); "
                "if this upload is cut off, it begins anew.",
                err=True,
            )

    def forget(self, archive: Archive) -> None:
        with suppress(OSError):  # the server knows better than a record that stays
            self._file(archive).unlink()

    def _file(self, archive: Archive) -> Path:
        name = hashlib.sha256(f"{self._server}\n{archive.sha256}".encode()).hexdigest()
        return self._folder / f"{name[:32]}.json"


def _state_folder() -> Path:
    from platformdirs import user_state_path  # noqa: PLC0415  # only `luss submit` needs it

    return user_state_path("luss") / "uploads"
