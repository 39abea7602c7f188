"""Children as the worker sees them: a job and its arguments in, an answer or `ChildFailed` out."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from worker.sandbox import frames
from worker.sandbox.allowance import Allowance, ChildFailed, Ending, Walls
from worker.sandbox.endings import answer
from worker.sandbox.jobs import JOBS
from worker.sandbox.keeper import Order
from worker.sandbox.nursery import Zygote

log = logging.getLogger(__name__)

_GRACE_SECONDS = 5
"""Beyond the wall-clock limit, which the keeper enforces: then the keeper is stuck as well."""
_LOOK_UP_SECONDS = 0.5


class Sandbox(Protocol):
    """Where archives are read."""

    def start(self) -> None:
        """Start what jobs are forked from, so that the first one is as quick as the others.

        Raises:
            ChildFailed: it did not start; the first job tries again.
        """

    def run(
        self,
        job: str,
        arguments: Mapping[str, Any],
        *,
        scratch: Path,
        readable: Iterable[Path],
        progress: Callable[[int, int], None],
        still_wanted: Callable[[], None],
    ) -> Any:
        """Do a job and return its answer.

        Args:
            job: its name in `worker.sandbox.jobs`.
            arguments: JSON values.
            scratch: an empty folder, the only one in which the job may write.
            readable: the files that the arguments name.
            progress: called with (done, total) as the job reports it.
            still_wanted: called every half second; whatever it raises ends the job and comes out.

        Raises:
            ChildFailed: the child exceeded a limit, crashed or vanished.
        """

    def close(self) -> None:
        """End the processes that were kept for later jobs; another job starts them again."""


class InProcess:
    """The twin without processes: no limits, nothing kept away from a decoder."""

    def start(self) -> None:
        """Nothing is forked."""

    def run(
        self,
        job: str,
        arguments: Mapping[str, Any],
        *,
        scratch: Path,  # noqa: ARG002  # the work may write everywhere
        readable: Iterable[Path],  # noqa: ARG002  # and read everything
        progress: Callable[[int, int], None],
        still_wanted: Callable[[], None],
    ) -> Any:
        def report(done: int, total: int) -> None:
            still_wanted()
            progress(done, total)

        return json.loads(json.dumps(JOBS[job](json.loads(json.dumps(arguments)), report)))

    def close(self) -> None:
        """Nothing was kept."""


class ChildProcesses:
    """A child for each job, forked from one zygote, which starts with the first if not before.

    Several threads may ask at once: each job has its own child and channels.
    """

    def __init__(
        self, allowance: Allowance, walls: Walls, *, jobs_module: str = "worker.sandbox.jobs"
    ) -> None:
        self._allowance = allowance
        self._walls = walls
        self._jobs_module = jobs_module
        self._zygote: Zygote | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            if self._zygote is None:
                self._zygote = Zygote(self._jobs_module, self._walls)

    def run(
        self,
        job: str,
        arguments: Mapping[str, Any],
        *,
        scratch: Path,
        readable: Iterable[Path],
        progress: Callable[[int, int], None],
        still_wanted: Callable[[], None],
    ) -> Any:
        order = Order(
            job=job,
            arguments=arguments,
            allowance=self._allowance,
            scratch=scratch,
            readable=tuple(readable),
        )
        answers, its_answers = socket.socketpair()
        verdict, its_verdict = socket.socketpair()
        # Closing ours is how a job is cancelled; the keeper notices and kills the child.
        with answers, verdict:
            with its_answers, its_verdict:
                zygote = self._order(order, its_answers, its_verdict)
            deadline = time.monotonic() + self._allowance.wall_seconds + _GRACE_SECONDS
            listener = _Listener(answers, deadline, still_wanted, zygote)
            said = listener.last_word(progress)
            judged = _Listener(verdict, deadline, still_wanted, zygote).last_word(progress)
        return answer(said, judged, order)

    def close(self) -> None:
        with self._lock:
            if self._zygote is not None:
                self._zygote.end()
                self._zygote = None

    def _order(self, order: Order, *channels: socket.socket) -> "Zygote":
        """Hand a job to the zygote, a new one if the old one is gone."""
        with self._lock:
            if self._zygote is not None and not self._zygote.takes(order, channels):
                log.warning("the zygote is gone; starting another")
                self._zygote.end()
                self._zygote = None
            if self._zygote is None:
                self._zygote = Zygote(self._jobs_module, self._walls)
                if not self._zygote.takes(order, channels):
                    raise ChildFailed(Ending.LOST, "the process that starts children is gone")
            return self._zygote


class _Listener:
    """Waits on one of a job's channels until it closes."""

    def __init__(
        self,
        channel: socket.socket,
        deadline: float,
        still_wanted: Callable[[], None],
        zygote: Zygote,
    ) -> None:
        channel.settimeout(_LOOK_UP_SECONDS)
        self._inbox = frames.Inbox(channel)
        self._deadline = deadline
        self._still_wanted = still_wanted
        self._zygote = zygote

    def last_word(self, progress: Callable[[int, int], None]) -> dict[str, Any] | None:
        """Return the last message that is no progress; None if there was none, or no message."""
        last: dict[str, Any] | None = None
        while True:
            self._still_wanted()
            if time.monotonic() > self._deadline:
                self._zygote.end()
            try:
                message = self._inbox.receive()
            except TimeoutError:
                continue
            except frames.BadFrame as reason:
                log.exception("a child said what cannot be read")
                raise ChildFailed(
                    Ending.ERROR, "the process that read the archive answered nonsense"
                ) from reason
            match message:
                case None:
                    return last
                case {"progress": [int(done), int(total)]}:
                    progress(done, total)
                case dict():
                    last = message


def open_sandbox(allowance: Allowance, walls: Walls) -> Sandbox:
    """Give the sandbox with these walls; nothing is started yet."""
    return InProcess() if walls is Walls.NONE else ChildProcesses(allowance, walls)
