"""The production topology with faults at a test's command, on servers of its own.

    with faulty_stack(workers=3, LUSS_LEASE_SECONDS="5") as stack:
        stack.register("50", MASKS, classes=50)
        with stack.held("shard 1 half counted") as held:      # `kill_points` has the names
            public_id = stack.send(archive)
            held.kill()                                       # or stack.redis.kill(), ...
        stack.final(public_id)

Web, workers and beat run as tests/support/faulty.py; PostgreSQL and Redis are in the test's hands.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from client.service import beat_command, web_command, worker_command
from tests.support.servers import (
    Postgresql,
    Redis,
    folder_for_all,
    private_postgresql,
    private_redis,
)
from tests.support.stack import EMAIL, Stack
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
REACH_SECONDS = 120


class Held:
    """A worker that is held at a point, once there is one."""

    def __init__(self, stack: "FaultyStack", file: Path) -> None:
        self._stack = stack
        self._file = file

    def wait(self) -> None:
        what = f"a worker to reach: {self._file.name}"
        eventually(self._file.exists, seconds=REACH_SECONDS, what=what)

    def submission(self) -> str:
        """Return what it works on, by the public id."""
        statement = "SELECT public_id FROM submission WHERE id = %s"
        ((public_id,),) = self._stack.rows(statement, self._said()["submission"])
        return str(public_id)

    def kill(self) -> float:
        """Kill all processes of the worker at once; return when, in seconds since the epoch."""
        group = os.getpgid(self._said()["pid"])
        os.killpg(group, signal.SIGKILL)
        killed_at = time.time()
        self.let_go()
        self._stack.replace(group)
        return killed_at

    def let_go(self) -> None:
        self._file.unlink(missing_ok=True)

    def _said(self) -> Any:
        self.wait()
        return json.loads(self._file.read_text())


class FaultyStack(Stack):
    """A site whose processes the test starts itself."""

    def __init__(
        self, folder: Path, postgresql: Postgresql, redis: Redis, *, workers: int, **settings: str
    ) -> None:
        super().__init__(folder, **settings)
        self.postgresql = postgresql
        self.redis = redis
        self.faults = folder / "faults"
        for each in ("armed", "held", "before"):
            (self.faults / each).mkdir(parents=True)
        self.workers = workers
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        web = web_command(host="127.0.0.1", port=self.port, upload_grace_seconds=5)
        beat = beat_command(schedule=self.folder / "var" / "beat-schedule")
        self._run("web", web)
        self._run("beat", beat)
        for number in range(self.workers):
            self._run(f"worker-{number}", worker_command(queues=["score"]))
        eventually(self._answers, seconds=120, what=f"{self.url} to answer")

    def replace(self, pid: int) -> None:
        """Start another worker in place of one that was killed."""
        (name,) = (name for name, process in self._running.items() if process.pid == pid)
        self._running[name].wait()
        self._run(name, worker_command(queues=["score"]))

    def stop(self) -> int:
        for process in self._running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return 0

    def _run(self, name: str, command: Sequence[str]) -> None:
        python, dash_m, *words = command
        assert dash_m == "-m"
        with self.log.open("ab") as log:
            self._running[name] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "client.guarded", str(os.getpid())),
                    *(python, "-m", "tests.support.faulty", str(self.faults), *words),
                ],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        assert self._running["web"].poll() is None, self.log.read_text()
        try:
            return self._client.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    @contextmanager
    def held(self, point: str) -> Iterator[Held]:
        """Hold the first worker that reaches a point; let it go in the end if it lives."""
        (self.faults / "armed" / point).touch()
        held = Held(self, self.faults / "held" / point)
        try:
            yield held
        finally:
            (self.faults / "armed" / point).unlink(missing_ok=True)
            held.let_go()

    @contextmanager
    def fault(self, name: str, value: str = "") -> Iterator[None]:
        """Let one of the other faults be there until the block ends."""
        (self.faults / name).write_text(value)
        try:
            yield
        finally:
            (self.faults / name).unlink()


@contextmanager
def faulty_stack(*, workers: int, **settings: str) -> Iterator[FaultyStack]:
    """Start it with an account and a token; nothing of it runs on afterwards."""
    with ExitStack() as given:
        postgresql = given.enter_context(private_postgresql())
        redis = given.enter_context(private_redis())
        folder = given.enter_context(folder_for_all())
        settings |= {
            "LUSS_DATABASE_URL": given.enter_context(postgresql.database()),
            "LUSS_BROKER_URL": redis.url,
        }
        stack = FaultyStack(folder, postgresql, redis, workers=workers, **settings)
        stack.luss("admin", "init")
        stack.luss("admin", "user", EMAIL)
        stack.token = stack.luss("admin", "token", EMAIL, "--scope", "submit").stdout.strip()
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
            stack.close()
