"""Programs of the system that the stack starts, and the account that they run under."""

import os
import pwd
import shutil
import socket
from pathlib import Path

from client.errors import ProgramMissing


def program(name: str, package: str, *, folders: tuple[Path, ...] = ()) -> Path:
    """Find a program in these folders, then on the PATH.

    Raises:
        ProgramMissing: it is nowhere; the package of that name brings it on Debian and Ubuntu.
    """
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise ProgramMissing(name, package)
    return Path(found)


def account(name: str, package: str) -> pwd.struct_passwd:
    """Look up a system account that a package makes.

    Raises:
        ProgramMissing: there is no such account.
    """
    try:
        return pwd.getpwnam(name)
    except KeyError as error:
        raise ProgramMissing(f"the account {name}", package) from error


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
