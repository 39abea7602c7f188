"""A private site in a folder of its own, on a free port, seen from outside.

`stack_in(folder)` starts the embedded default, `luss serve`. `native_stack_in()` starts the
production topology, `luss stack`: PostgreSQL, Redis, web, two workers, beat. Both have an account
and a token, and take settings as keyword arguments (LUSS_LEASE_SECONDS="4").

For faults, the native one can stand on servers in the test's hands (tests/support/servers.py),
which stay down for as long as the test likes; those that `luss stack` runs itself come back after
a second:

    with private_postgresql() as postgresql, private_redis() as redis:
        with native_stack_in(postgresql, redis, LUSS_LEASE_SECONDS="4") as stack:
            stack.register("50", MASKS, classes=50)
            stack.kill_worker(0)             # SIGKILL to one of stack.worker_groups(), all of it
            redis.kill(); redis.start()      # empty
            postgresql.restart()
            stack.final(public_id)
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psycopg

from client.stack.postgresql import initdb_program
from client.stack.programs import free_port
from client.stack.redis import server_program
from tests.support.database import NO_TO_ALL
from tests.support.servers import Postgresql, Redis, folder_for_all, skip_unless_installed
from tests.support.waiting import eventually

LUSS = Path(sys.executable).with_name("luss")
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
START_SECONDS = 300
ANSWER_SECONDS = 60
DECLARE = [
    word
    for key in NO_TO_ALL
    for word in ("--declare", f"{key}={'yes' if key == 'label_generation' else 'no'}")
]


class Stack:
    """The site: its commands, its HTTP interface, its processes."""

    def __init__(
        self, folder: Path, *, starts: Sequence[str] = ("serve",), **settings: str
    ) -> None:
        """Take settings beside the folder and the port, as variables of the environment.

        ``starts`` is the `luss` command that runs the site.
        """
        self.starts = starts
        self.folder = folder
        scratch = folder / "var" / "tmp"  # what is left there is a leak
        scratch.mkdir(parents=True, exist_ok=True)
        self._settings = {"TMPDIR": str(scratch), **settings}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self._client = httpx.Client(base_url=self.url, timeout=ANSWER_SECONDS)
        self.token = ""
        self._serving: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name[:5] != "LUSS_"}  # noqa: TID251  # what a shell would pass on
        return {
            **inherited,
            "LUSS_DATA_DIR": str(self.folder / "var"),
            "LUSS_PORT": str(self.port),
            "LUSS_SERVER": self.url,
            "LUSS_TOKEN": self.token,
            "LUSS_PASSWORD": PASSWORD,
            "XDG_STATE_HOME": str(self.folder / "state"),
            **self._settings,
        }

    def _start_environment(self) -> dict[str, str]:
        return self.environment

    def luss(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `luss` command to its end, as a person would."""
        run = subprocess.run(
            [LUSS, *words],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if check and run.returncode:
            raise AssertionError(f"luss {words} ended with {run.returncode}:\n{run.stderr}")
        return run

    def register(self, slug: str, masks: Path, *, classes: int, split: str = "test") -> None:
        """Give a split its truth, and lift its boards' limits: one person sends everything."""
        words = ["--classes", str(classes), "--split", split, "--truth", masks]
        self.luss("admin", "dataset", slug, *words)
        limits = (f"--{name}=none" for name in ("daily", "in-flight", "hourly"))
        self.luss("admin", "board", "--subset", slug, "--split", split, *limits)

    def submit(self, archive: Path, *, subset: str) -> str:
        """Submit as a participant does; return the submission's id."""
        words = ["--protocol", "fully-unsupervised", "--subset", subset, "--split", "test"]
        public_id: str = json.loads(
            self.luss("submit", archive, *words, *DECLARE, "--json").stdout
        )["id"]
        return public_id

    def send(self, archive: bytes, *, subset: str = "50", **fields: str) -> str:
        """Submit as a program does, without the time that `luss submit` takes to start."""
        told = {
            "protocol": "fully-unsupervised",
            "subset": subset,
            "split": "test",
            "declarations": json.dumps(NO_TO_ALL | {"label_generation": True}),
            **fields,
        }
        answer = self._client.post(
            "/api/v1/submissions",
            headers={"Authorization": f"Bearer {self.token}"},
            data=told,
            files={"archive": ("entry.zip", archive)},
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        public_id: str = answer.json()["id"]
        return public_id

    @contextmanager
    def another_worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run one more worker beside the site's own."""
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [LUSS, "worker"], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(timeout=60)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._serving = subprocess.Popen(
                [LUSS, *self.starts],
                env=self._start_environment(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, seconds=START_SECONDS, what=f"{self.url} to answer")

    @property
    def pid(self) -> int:
        """The process that supervises the others."""
        assert self._serving is not None
        return self._serving.pid

    def stop(self) -> int:
        """Stop the site as Ctrl-C does; return the exit code."""
        assert self._serving is not None
        self._serving.send_signal(signal.SIGINT)
        return self._serving.wait(timeout=60)

    def close(self) -> None:
        """Hang up: nothing is asked any more."""
        self._client.close()

    def _answers(self) -> bool:
        assert self._serving is not None
        assert self._serving.poll() is None, self.log.read_text()
        try:
            return self._client.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:
        """Read from the API with this site's token, or as anybody when there is none."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self._client.get(path, headers=headers)
        answer.raise_for_status()
        return answer.json()

    def submission(self, public_id: str) -> Any:
        return self.get(f"/api/v1/submissions/{public_id}")

    def is_scoring(self, public_id: str) -> bool:
        """Tell whether images are being counted; it must not be too late to interrupt that."""
        body = self.submission(public_id)
        assert body["state"] != "scored", "it was scored before it could be interrupted"
        return body["state"] == "scoring" and body["progress"]["done"] > 0

    def final(self, public_id: str, *, seconds: float = 180, every: float = 0.1) -> Any:
        """Wait until a submission has ended and return it, asking every so many seconds."""
        states = ("scored", "rejected", "failed", "withdrawn")
        eventually(
            lambda: self.submission(public_id)["state"] in states,
            seconds=seconds,
            every=every,
            what=f"submission {public_id} to end",
        )
        return self.submission(public_id)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself, where it is a PostgreSQL."""
        url = self.environment["LUSS_DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def workers(self) -> list[int]:
        """Return the processes of this site's worker, the oldest first."""
        return self._processes("worker.celery_app", "worker")

    def model_workers(self) -> list[int]:
        """Return the processes of the worker that runs the reference model."""
        return self._processes("worker.celery_app", "worker", "model")

    def web(self) -> list[int]:
        """Return the process that answers requests."""
        return self._processes("uvicorn")

    def _processes(self, *wanted: str) -> list[int]:
        mine = f"LUSS_DATA_DIR={self.folder / 'var'}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                environment = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while we looked
            if mine in environment and all(word.encode() in words for word in wanted):
                found.append(int(process.name))
        return sorted(found)

    def worker_groups(self) -> list[list[int]]:
        """Return the processes of each worker, the oldest worker first."""
        workers = sorted(self.workers(), key=os.getpgid)
        return [list(group) for _, group in groupby(workers, key=os.getpgid)]

    def kill_worker(self, number: int) -> None:
        """Kill all processes of one worker at once; another is started after a second."""
        os.killpg(os.getpgid(self.worker_groups()[number][0]), signal.SIGKILL)

    def files(self, folder: str) -> list[str]:
        root = self.folder / "var" / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class NativeStack(Stack):
    """A site whose processes `luss stack` starts, on servers of its own or on given ones."""

    @property
    def environment(self) -> dict[str, str]:
        """What an operator's shell has who read the file that `luss stack` wrote."""
        lines = (self.folder / "var" / "stack.env").read_text().splitlines()
        told = dict(line.split("=", 1) for line in lines)
        return super().environment | {name: shlex.split(told[name])[0] for name in told}

    def _start_environment(self) -> dict[str, str]:
        return super().environment


@contextmanager
def stack_in(
    folder: Path, *, starts: Sequence[str] = ("serve",), **settings: str
) -> Iterator[Stack]:
    """Start a site with an account and a token; nothing of it runs on afterwards."""
    stack = Stack(folder, starts=starts, **settings)
    stack.luss("admin", "init")
    with _running(stack):
        yield stack


@contextmanager
def native_stack_in(
    postgresql: Postgresql | None = None,
    redis: Redis | None = None,
    *,
    workers: int = 2,
    **settings: str,
) -> Iterator[NativeStack]:
    """Start the production topology likewise, in a folder of /tmp that PostgreSQL can reach."""
    skip_unless_installed(initdb_program, server_program)
    with ExitStack() as given, folder_for_all() as folder:
        if postgresql is not None:
            settings["LUSS_DATABASE_URL"] = given.enter_context(postgresql.database())
        if redis is not None:
            settings["LUSS_BROKER_URL"] = redis.url
        starts = ("stack", "--empty", "--workers", str(workers))
        stack = NativeStack(folder, starts=starts, **settings)
        with _running(stack):
            yield stack


@contextmanager
def _running(stack: Stack) -> Iterator[None]:
    try:
        stack.start()
        stack.luss("admin", "user", EMAIL)
        stack.token = stack.luss("admin", "token", EMAIL, "--scope", "submit").stdout.strip()
        yield
    finally:
        stack.stop()
        stack.close()
