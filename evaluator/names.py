"""Files below a folder, by the names that they would have in an archive."""

import os
from collections.abc import Iterator
from pathlib import Path

_JUNK_NAMES = frozenset({".DS_Store", "Thumbs.db"})
_JUNK_FOLDER = "__MACOSX"


def is_junk(name: str) -> bool:
    """What operating systems leave behind in folders and archives."""
    *folders, last = name.split("/")
    return _JUNK_FOLDER in folders or last in _JUNK_NAMES


def names_below(root: Path) -> Iterator[str]:
    """Names of all files below `root`, junk left out, links followed as `zip -r` would."""
    for folder, folders, files in os.walk(root, followlinks=True):
        folders.sort()
        for file in sorted(files):
            name = (Path(folder) / file).relative_to(root).as_posix()
            if not is_junk(name):
                yield name
