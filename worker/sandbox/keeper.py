"""A keeper: one small process for each child, which waits for it, watches it and says how it ended.

It is the child's parent, so that a process id can never be another's, and it opens no archive. Two
channels lead to the worker: the child answers on one, the keeper gives its verdict on the other, so
that a child that was taken over cannot speak for it. The worker cancels by closing both.
"""

import errno
import os
import resource
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from worker.sandbox import frames
from worker.sandbox.allowance import Allowance, Ending, Walls
from worker.sandbox.confinement import confine, die_with

Report = Callable[[int, int], None]
Job = Callable[[Mapping[str, Any], Report], Any]
"""What a child does: (arguments, report progress) -> answer, all of it plain JSON values."""

_LOOK_EVERY_MS = 100
_DETAILS = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the worker asks for."""

    job: str
    arguments: Mapping[str, Any]
    allowance: Allowance
    scratch: Path
    readable: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "arguments": self.arguments,
            "allowance": self.allowance.to_json(),
            "scratch": str(self.scratch),
            "readable": [str(path) for path in self.readable],
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Order":
        return cls(
            job=said["job"],
            arguments=said["arguments"],
            allowance=Allowance.from_json(said["allowance"]),
            scratch=Path(said["scratch"]),
            readable=tuple(Path(path) for path in said["readable"]),
        )


def keep(
    order: Order,
    jobs: Mapping[str, Job],
    walls: Walls,
    *,
    answers: socket.socket,
    verdict: socket.socket,
) -> NoReturn:
    """Be a child's keeper to its end: this process ends with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        die_with(keeper)
        verdict.close()
        _work(order, jobs, walls, answers)
    answers.close()
    said = _watch(child, order.allowance, verdict)
    with suppress(OSError):  # the worker is gone
        frames.send(verdict, said)
    os._exit(0)


def _work(order: Order, jobs: Mapping[str, Job], walls: Walls, answers: socket.socket) -> NoReturn:
    """Do the job in this process, say what came of it, and end."""

    def report(done: int, total: int) -> None:
        frames.send(answers, {"progress": [done, total]})

    try:
        confine(
            walls,
            order.allowance,
            scratch=order.scratch,
            readable=order.readable,
            channel=answers.fileno(),
        )
        said = {"answer": jobs[order.job](order.arguments, report)}
    except BaseException as error:  # noqa: BLE001  # the process ends here, whatever it was
        number = error.errno if isinstance(error, OSError) else None
        no_memory = isinstance(error, MemoryError) or number == errno.ENOMEM
        said = {
            "errno": number,
            "ending": Ending.MEMORY_LIMIT if no_memory else Ending.ERROR,
            "details": traceback.format_exc()[-_DETAILS:],
        }
    frames.send(answers, said)
    os._exit(0)


def _watch(child: int, allowance: Allowance, verdict: socket.socket) -> dict[str, Any]:
    """Wait for the child's end, or bring it about; say how it was."""
    process = os.pidfd_open(child)
    looks = select.poll()
    looks.register(process, select.POLLIN)
    looks.register(verdict, select.POLLIN)
    deadline = time.monotonic() + allowance.wall_seconds
    ending: Ending | None = None
    while ending is None:
        ready = {number for number, _ in looks.poll(_LOOK_EVERY_MS)}
        if process in ready:
            break
        if verdict.fileno() in ready:
            ending = Ending.LOST
        elif time.monotonic() > deadline:
            ending = Ending.TIME_LIMIT
        elif _own_bytes(child) > allowance.memory_bytes:
            ending = Ending.MEMORY_LIMIT
    # The group, and not yet waited for: its number cannot be another's.
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return _verdict(ending, status, usage, allowance)


def _verdict(
    ending: Ending | None, status: int, usage: resource.struct_rusage, allowance: Allowance
) -> dict[str, Any]:
    code = os.waitstatus_to_exitcode(status)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    if ending is None and code == -signal.SIGKILL and cpu_seconds < allowance.cpu_seconds:
        ending = Ending.LOST  # not by us: the kernel ran out of memory, or somebody did it
    elif ending is None and code:
        by_limit = {
            -signal.SIGXCPU: Ending.CPU_LIMIT,
            -signal.SIGKILL: Ending.CPU_LIMIT,
            -signal.SIGXFSZ: Ending.FILE_LIMIT,
        }
        ending = by_limit.get(code, Ending.CRASHED if code < 0 else Ending.ERROR)
    return {
        "ending": ending,
        "code": code,
        "cpu_seconds": cpu_seconds,
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def _own_bytes(child: int) -> int:
    """Memory that the child has for itself: mapped files and the pages of others do not count."""
    try:
        status = Path(f"/proc/{child}/status").read_text(encoding="ascii")
    except OSError:
        return 0  # it has just ended
    lines = (line.split() for line in status.splitlines())
    return 1024 * sum(int(line[1]) for line in lines if line[0] in {"RssAnon:", "RssShmem:"})
