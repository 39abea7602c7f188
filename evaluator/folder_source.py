"""The files below a folder, as if they had been packed into an archive."""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from evaluator.errors import BadPrediction
from evaluator.findings import Code, Finding, shortened
from evaluator.names import names_below
from evaluator.protocol import Limits


class FolderSource:
    """Files below a folder, links followed: `zip -r` would follow them too."""

    def __init__(self, path: Path, *, limits: Limits) -> None:
        self._root = path
        self._sizes: dict[str, int] = {}
        faults = {}
        for count, name in enumerate(names_below(path), start=1):
            if count > limits.max_entries:
                raise _too_many_files(path, limits)
            file = path / name
            if file.is_file():
                self._sizes[name] = file.stat().st_size
            else:
                faults[name] = Finding.of(
                    Code.SYMLINK, "this is a dead link or a device; put the file there", file=name
                )
        self.names: Collection[str] = self._sizes.keys()
        self.findings = shortened(faults.values())
        self.refused = frozenset(faults)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def head(self, name: str, count: int) -> bytes:
        with (self._root / name).open("rb") as file:
            return file.read(count)

    def read(self, name: str) -> bytes:
        with (self._root / name).open("rb") as file:
            found = file.read(self._sizes[name] + 1)
        if len(found) != self._sizes[name]:
            why = "the file changed while it was read; try again once it is finished"
            raise BadPrediction([Finding.of(Code.ENTRY_DAMAGED, why, file=name)])
        return found

    def content_hash(self) -> str:
        digest = hashlib.sha256()
        for name in sorted(self.names):
            digest.update(b"%s\0%d\0" % (os.fsencode(name), self._sizes[name]))
            digest.update(self.read(name))
        return digest.hexdigest()

    def close(self) -> None:
        """Nothing is held open."""


def _too_many_files(path: Path, limits: Limits) -> BadPrediction:
    expected = f"at most {limits.max_entries} files"
    message = f"There are more than {limits.max_entries} files below {path}; is this the folder?"
    return BadPrediction([Finding.of(Code.TOO_MANY_ENTRIES, message, expected=expected)])
