"""What a child does before it opens an archive: it gives away everything that it will not need."""

import contextlib
import ctypes
import faulthandler
import os
import resource
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from worker.sandbox import landlock, seccomp
from worker.sandbox.allowance import Allowance, Walls

STDERR = "stderr.txt"
"""In the scratch folder: whatever a decoder prints, and where a crash happened."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # from <linux/prctl.h>
_OPEN_FILES = 256
_MEMORY_SLACK = 2
_SECONDS_TO_DIE = 5
_libc = ctypes.CDLL(None, use_errno=True)


class NoWalls(Exception):
    """This system cannot build the walls that were asked for."""

    def __init__(self, walls: Walls, lacking: str, weaker: Walls) -> None:
        super().__init__(
            f"LUSS_SANDBOX={walls} is not possible here: {lacking}. "
            f"LUSS_SANDBOX={weaker} protects less and works."
        )


def check_walls(walls: Walls) -> None:
    """See whether this system can build such walls.

    Raises:
        NoWalls: it cannot; the message says what it lacks and which setting would do.
    """
    if walls is Walls.NONE:
        return
    if sys.platform != "linux":
        raise NoWalls(walls, f"children need Linux, and this is {sys.platform}", Walls.NONE)
    if walls is Walls.FULL and not landlock.version():
        why = "the kernel has no Landlock (Linux 5.13 or newer, with landlock among its lsm=)"
        raise NoWalls(walls, why, Walls.LIMITS)
    if walls is Walls.FULL and not seccomp.is_there():
        why = "seccomp needs the package libseccomp2 and a kernel that has it"
        raise NoWalls(walls, why, Walls.LIMITS)


def prepare(walls: Walls) -> None:
    """Do once, in the process that forks children, what each of them would do again."""
    _code()
    if walls is Walls.FULL:
        seccomp.load_library()


def die_with(parent: int) -> None:
    """Be killed when the parent process ends, for whatever reason."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it ended before it could be watched


def confine(
    walls: Walls, allowance: Allowance, *, scratch: Path, readable: Iterable[Path], channel: int
) -> None:
    """Shut this process in; it has one thread yet.

    Args:
        walls: limits alone, or the kernel's filters too.
        allowance: its limits.
        scratch: the folder that becomes the current one, and the only one that can be written to.
        readable: files that may be read beside the interpreter's own.
        channel: the file descriptor that stays open.
    """
    os.setsid()
    _close_files(scratch, channel)
    os.chdir(scratch)
    tempfile.tempdir = str(scratch)
    _limit(allowance)
    with contextlib.suppress(OSError):  # containers may forbid it; it only helps to choose whom
        Path("/proc/self/oom_score_adj").write_text("1000")
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if walls is Walls.FULL:
        seccomp.restrict()  # first: its library lies where Landlock forbids to look
        landlock.restrict(readable=[*_code(), *readable], writable=scratch)


def _close_files(scratch: Path, channel: int) -> None:
    words = os.open(scratch / STDERR, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(words, 1)
    os.dup2(words, 2)
    os.closerange(3, channel)
    os.closerange(channel + 1, os.sysconf("SC_OPEN_MAX"))
    faulthandler.enable(file=2)


def _limit(allowance: Allowance) -> None:
    # What is refused memory may look like a broken file to a decoder. The keeper's watch ends
    # children that grow; this limit, well above it, stops what grows between two looks.
    _set_limit(resource.RLIMIT_DATA, _MEMORY_SLACK * allowance.memory_bytes)
    _set_limit(
        resource.RLIMIT_CPU, allowance.cpu_seconds, hard=allowance.cpu_seconds + _SECONDS_TO_DIE
    )
    _set_limit(resource.RLIMIT_FSIZE, allowance.file_bytes)
    _set_limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _set_limit(resource.RLIMIT_CORE, 0)
    # Python ignores it, and the write would fail; as a death it cannot be mistaken.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def _set_limit(which: int, soft: int, *, hard: int | None = None) -> None:
    _, ceiling = resource.getrlimit(which)
    wanted = soft if hard is None else hard
    highest = wanted if ceiling == resource.RLIM_INFINITY else min(wanted, ceiling)
    resource.setrlimit(which, (min(soft, highest), highest))


@cache
def _code() -> tuple[Path, ...]:
    """Where modules lie that are imported late; not the folder around ours, which may hold data."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    installed = {sysconfig.get_path(name) for name in names}
    ours = [
        Path(folder)
        for package in ("evaluator", "worker")
        if (spec := find_spec(package)) is not None
        for folder in spec.submodule_search_locations or ()
    ]
    return (*(folder for folder in map(Path, installed) if folder.is_dir()), *ours)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
