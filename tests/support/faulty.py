"""A process of the service with faults in it: `python -m tests.support.faulty FOLDER MODULE ...`.

It wraps functions of the service and then becomes MODULE, as `python -m MODULE ...` would. What
goes wrong is said by files in the folder, which a test makes and removes while the process runs:

    armed/POINT     the first worker that reaches this point (kill_points) is held there: the file
                    is gone then, and held/POINT says who it is. It goes on when that is removed.
    store-fails     every third call to the store and the vault fails (failing_store)
    rings-thrice    each message is sent three times, the second and third some time later
    clock           by how many seconds this machine's clock is wrong

An archive that was sent with the method name "hostile JOB" meets this job of hostile_jobs where
others are inspected.
"""

import json
import os
import random
import runpy
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import time_machine

from server.jobs.celery_queue import CeleryQueue
from server.storage import retrying
from tests.support.failing_store import FailingStore
from tests.support.kill_points import POINTS, Point
from worker import context, scoring
from worker.sandbox.children import ChildProcesses

HOSTILE = "hostile "
HOSTILE_SECONDS = 4
LATER_SECONDS = 1.5
_LOOK_EVERY_SECONDS = 0.02


class Faults:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._submission = 0
        """What this process works on; it has one thread that does."""

    def install(self) -> None:
        self._know_the_submission("run")
        self._know_the_submission("run_shards")
        for point in POINTS.values():
            self._wrap(point)
        self._let_the_store_fail()
        self._ring_thrice()
        self._take_hostile_archives()

    def _know_the_submission(self, task: str) -> None:
        real = getattr(scoring, task)

        @wraps(real)
        def known(built: Any, submission_id: int) -> None:
            self._submission = submission_id
            real(built, submission_id)

        setattr(scoring, task, known)

    def _wrap(self, point: Point) -> None:
        module, _, kind = point.owner.partition(":")
        owner = import_module(module)
        owner = getattr(owner, kind) if kind else owner
        real = getattr(owner, point.function)

        @wraps(real)
        def held_there(*arguments: Any, **named: Any) -> Any:
            if not point.is_after and point.is_meant(arguments, None):
                self._reach(point)
            result = real(*arguments, **named)
            if point.is_after and point.is_meant(arguments, result):
                self._reach(point)
            return result

        setattr(owner, point.function, held_there)

    def _reach(self, point: Point) -> None:
        """Wait here if it is armed, unless the submission was held somewhere before."""
        armed, held = self._folder / "armed" / point.name, self._folder / "held" / point.name
        if not armed.exists():
            return
        try:
            before = self._folder / "before" / str(self._submission)
            before.touch(exist_ok=False)
        except FileExistsError:
            return
        try:
            armed.unlink()
        except FileNotFoundError:  # another worker was first
            before.unlink()
            return
        unfinished = held.with_name(f"{held.name}.{os.getpid()}")
        unfinished.write_text(json.dumps({"pid": os.getpid(), "submission": self._submission}))
        unfinished.rename(held)
        while held.exists():
            time.sleep(_LOOK_EVERY_SECONDS)

    def _let_the_store_fail(self) -> None:
        real, flag = retrying.open_object_store, self._folder / "store-fails"

        class Failing(FailingStore):
            def _is_due(self, what: str) -> bool:
                return flag.exists() and super()._is_due(what)

        retrying.open_object_store = lambda *arguments: Failing(real(*arguments))  # type: ignore[assignment,return-value]

    def _ring_thrice(self) -> None:
        real, flag, drawn = CeleryQueue.ring, self._folder / "rings-thrice", random.Random(1)

        def ring(queue: CeleryQueue, job: Any) -> None:
            delays = [0.0]
            if flag.exists():
                delays = [drawn.uniform(0, LATER_SECONDS) for _ in range(3)]
            for delay in delays:
                later = threading.Timer(delay, real, [queue, job])
                later.daemon = True
                later.start() if delay else real(queue, job)

        CeleryQueue.ring = ring  # type: ignore[method-assign]

    @staticmethod
    def _take_hostile_archives() -> None:
        real = context.open_sandbox

        class Hostile:
            def __init__(self, allowance: Any, walls: Any) -> None:
                self._usual = real(allowance, walls)
                self._hostile = ChildProcesses(
                    replace(allowance, wall_seconds=HOSTILE_SECONDS),
                    walls,
                    jobs_module="tests.support.hostile_jobs",
                )

            def start(self) -> None:
                self._usual.start()

            def run(self, job: str, arguments: Any, **named: Any) -> Any:
                name = arguments.get("method_name") or ""
                if name.startswith(HOSTILE):
                    return self._hostile.run(name.removeprefix(HOSTILE), arguments, **named)
                return self._usual.run(job, arguments, **named)

            def close(self) -> None:
                self._hostile.close()
                self._usual.close()

        context.open_sandbox = Hostile


class WrongClock:
    """Sets this process' clock wrong by what a file says, as soon as it says so."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._wrong_by = 0.0
        self._traveller = time_machine.travel(time.time(), tick=True).start()

    def follow(self) -> None:
        """Do so from now on, in forked processes too: they inherit what is wrong already."""
        os.register_at_fork(after_in_child=self._start)
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._follow, name="clock", daemon=True).start()

    def _follow(self) -> None:
        while True:
            said = 0.0
            with suppress(OSError, ValueError):
                said = float(self._file.read_text())
            if said != self._wrong_by:
                self._traveller.shift(said - self._wrong_by)
                self._wrong_by = said
            time.sleep(_LOOK_EVERY_SECONDS)


def main(folder: Path, module: str, *arguments: str) -> None:
    Faults(folder).install()
    WrongClock(folder / "clock").follow()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
