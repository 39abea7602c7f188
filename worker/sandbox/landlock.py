"""Landlock: from here on this thread, and what it starts, sees few files and signals nobody.

Linux offers it to any process since 5.13 (landlock(7)); the C library has no functions for it.
"""

import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE = 1 << 1, 1 << 2, 1 << 3, 1 << 5
_MAKE_REGULAR, _TRUNCATE = 1 << 8, 1 << 14
_READ = _READ_FILE | _READ_DIR
# Neither links nor folders: what is found in a scratch folder afterwards are plain files.
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_REGULAR | _TRUNCATE
_OF_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE

_ACCESS_SINCE = {1: (1 << 13) - 1, 2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}
"""Version of the interface -> the kinds of access to files that it learned to refuse."""
_NETWORK_SINCE, _BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _SOCKETS_AND_SIGNALS = 6, 0b11

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Return the version of the kernel's interface, 0 if it has none or has it switched off."""
    found = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if found < 0 and ctypes.get_errno() not in {errno.ENOSYS, errno.EOPNOTSUPP}:
        raise _error("landlock_create_ruleset")
    return max(0, int(found))


def restrict(*, readable: Iterable[Path], writable: Path) -> None:
    """Refuse every file but those; the process needs `no_new_privs` and one thread.

    Args:
        readable: files and folders, whose contents may be read.
        writable: a folder in which plain files may be made, written, renamed and removed.

    Raises:
        OSError: a path is not there, or the kernel has no Landlock.
    """
    known = version()
    handled = sum(bits for since, bits in _ACCESS_SINCE.items() if known >= since)
    rules = _Ruleset(files=handled)
    size = 8
    if known >= _NETWORK_SINCE:
        rules.network, size = _BIND_AND_CONNECT, 16
    if known >= _SCOPES_SINCE:
        rules.scopes, size = _SOCKETS_AND_SIGNALS, 24
    ruleset = _checked(
        "landlock_create_ruleset",
        _libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0),
    )
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        _allow(ruleset, writable, _WRITE & handled)
        _checked("landlock_restrict_self", _libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(allowed=access if path.is_dir() else access & _OF_FILES, folder=place)
        _checked(
            f"landlock_add_rule({path})",
            _libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0),
        )
    finally:
        os.close(place)


def _checked(call: str, result: int) -> int:
    if result < 0:
        raise _error(call)
    return result


def _error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")
