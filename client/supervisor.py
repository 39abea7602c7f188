"""Keeps processes alive until it is told to stop, and then leaves none behind.

A child that ends is started again after a pause; one that keeps ending brings everything down, so
that whoever watches the supervisor (systemd, a person) learns of it. Each child leads a process
group of its own: Ctrl-C at a terminal reaches the supervisor alone, and what a child has started
can be killed together with it.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from client.errors import SupervisionEnded

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A command to keep running, and the whole of its environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)  # it may hold secrets
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what."""

    restart_pause_seconds: float = 1.0
    restarts_allowed: int = 5
    restart_window_seconds: float = 60.0
    stop_grace_seconds: float = 10.0


class Supervisor:
    """Runs children until `stop`, which any thread may call.

    `run` wants the main thread, whose signals it takes; `watch` leaves signals alone.
    """

    def __init__(self, children: Sequence[Child], patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._wards = [_Ward(child, self._patience) for child in children]
        self._stopping = threading.Event()
        self._hurried = threading.Event()

    def stop(self) -> None:
        """Ask for the end; asked twice, children are not waited for."""
        if self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def stops_within(self, seconds: float) -> bool:
        """Wait so long, or until `stop` is called; return whether it was."""
        return self._stopping.wait(seconds)

    def run(self) -> None:
        """Start the children and return when all have been stopped.

        Raises:
            SupervisionEnded: a child ended too often; the others have been stopped.
        """
        with self._signals_stop():
            self.watch()

    def watch(self) -> None:
        """Do as `run` does, in a thread that lives until it returns: children die with it.

        Raises:
            SupervisionEnded: likewise.
        """
        try:
            while not self._stopping.is_set():
                for ward in self._wards:
                    ward.tend(time.monotonic())
                self._stopping.wait(_POLL_SECONDS)
        finally:
            self._stopping.set()
            self._stop_all()

    @contextlib.contextmanager
    def _signals_stop(self) -> Iterator[None]:
        def handle(_signal: int, _frame: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, handle) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_all(self) -> None:
        for ward in self._wards:
            ward.terminate()
        deadline = time.monotonic() + self._patience.stop_grace_seconds
        while any(ward.is_running() for ward in self._wards) and time.monotonic() < deadline:
            if self._hurried.wait(_POLL_SECONDS):
                break
        for ward in self._wards:
            ward.kill()


_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Ward:
    """One child under supervision: its process, and when it was started again."""

    def __init__(self, child: Child, patience: Patience) -> None:
        self._child = child
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0  # on the monotonic clock; the first start is due at once
        self._restarts: deque[float] = deque()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tend(self, now: float) -> None:
        """Start the process if it is due; notice its end and arrange the next start."""
        if self._process is None:
            if now >= self._start_at:
                self._start()
        elif (status := self._process.poll()) is not None:
            self.kill()
            self._arrange_restart(now, status)

    def _start(self) -> None:
        guard = [sys.executable, "-m", "client.guarded", str(os.getpid())]
        self._process = subprocess.Popen(  # noqa: S603  # the command is ours
            [*guard, *self._child.command],
            env=dict(self._child.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _arrange_restart(self, now: float, status: int) -> None:
        while self._restarts and self._restarts[0] <= now - self._patience.restart_window_seconds:
            self._restarts.popleft()
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        if len(self._restarts) >= self._patience.restarts_allowed:
            raise SupervisionEnded(
                f"{self._child.name} ended with {how} after it had been started again "
                f"{len(self._restarts)} times within "
                f"{self._patience.restart_window_seconds:.0f} seconds."
            )
        log.warning("%s ended with %s; starting it again", self._child.name, how)
        self._restarts.append(now)
        self._start_at = now + self._patience.restart_pause_seconds

    def terminate(self) -> None:
        """Ask the process to end; it tells those that it has started itself."""
        if self._process is not None and self.is_running():
            self._process.send_signal(self._child.stop_signal)

    def kill(self) -> None:
        """Leave nothing of the process and of what it has started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
