"""The vault as a folder: for the one who owns the service, and for nobody else on the machine."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_PRIVATE = 0o700


def make_private_folder(url: str) -> None:
    """Make the folder that the vault's URL names; a vault elsewhere is guarded elsewhere."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(url2pathname(parts.path))
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        folder.chmod(_PRIVATE)  # also where it was made by something less careful
