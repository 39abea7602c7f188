"""Model workers at work, as tests watch them: their processes, and a worker in a thread."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

from server.models import ModelRun
from tests.support.service import Service
from tests.support.stack import Stack
from tests.support.waiting import eventually
from worker import model_runs

PATIENCE_SECONDS = 120


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose working folder it is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


def processes_told(folder: Path) -> list[int]:
    """Return the processes that were told to work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def kill_model_worker(stack: Stack, folder: Path) -> None:
    """Kill the worker of models, and what it has started in a folder, as a lost machine would."""
    for process in (*stack.model_workers(), *processes_told(folder)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def run_of(service: Service, run_id: int) -> ModelRun:
    with service.context.database.reading() as session:
        return session.get_one(ModelRun, run_id)


class Working:
    """A worker that works on a run in a thread, its process begun."""

    def __init__(self, service: Service, run_id: int) -> None:
        name = run_of(service, run_id).public_id
        self.folder = service.context.settings.model_runs / name
        self._thread = threading.Thread(target=model_runs.run, args=(service.context, run_id))
        self._thread.start()
        eventually(lambda: bool(self.processes()), seconds=PATIENCE_SECONDS, what="a process")

    def processes(self) -> list[int]:
        return processes_in(self.folder)

    def join(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
