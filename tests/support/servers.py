"""Private PostgreSQL and Redis servers in a test's hands: started, stopped, killed at will.

    with private_postgresql() as postgresql:        # skips where it is not installed
        url = postgresql.new_database()             # empty; drop_database(url) frees its disk
        postgresql.kill(); postgresql.start()       # what was committed is there again

    with private_redis() as redis:
        redis.url
        redis.kill(); redis.start()                 # empty: it keeps nothing

Both are the servers of `luss stack` (client/stack), in a folder of /tmp that is deleted at the end.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from client.errors import ProgramMissing
from client.stack.backing import Server
from client.stack.postgresql import PrivatePostgresql, initdb_program
from client.stack.redis import PrivateRedis, server_program
from tests.support.waiting import eventually

START_SECONDS = 60
S = TypeVar("S", bound="Controlled")
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Controlled:
    """A server that runs from `start` to `stop` or `kill`, and dies with the tests."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        child = self._server.child()
        guard = [sys.executable, "-m", "client.guarded", str(os.getpid())]
        self._process = subprocess.Popen(
            [*guard, *child.command],
            env=dict(child.environment),
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        eventually(self._server.answers, seconds=START_SECONDS, what=f"{child.name} to answer")

    def stop(self) -> None:
        """Stop it as an operator does; nothing if it does not run."""
        self._end(self._server.child().stop_signal)

    def kill(self) -> None:
        """Let it die as a machine does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=START_SECONDS)
            self._process = None


class Postgresql(Controlled):
    def __init__(self, server: PrivatePostgresql) -> None:
        super().__init__(server)
        self._cluster = server

    def new_database(self, *, template: str = "template0") -> str:
        """Make a database of its own, empty or like a template, and return its URL."""
        name = f"test_{uuid4().hex}"
        self._cluster.create_database(name, template=template)
        return self._cluster.url(name)

    def drop_database(self, url: str) -> None:
        self._cluster.drop_database(url.rpartition("/")[2])


class Redis(Controlled):
    def __init__(self, server: PrivateRedis) -> None:
        super().__init__(server)
        self.url = server.url()


def skip_unless_installed(*programs: Callable[[], Path]) -> None:
    """Skip a test whose programs are missing; LUSS_REQUIRE_ALL=1 makes that a failure."""
    try:
        for find in programs:
            find()
    except ProgramMissing as missing:
        pytest.skip(str(missing))


@contextmanager
def private_postgresql() -> Iterator[Postgresql]:
    skip_unless_installed(initdb_program)
    with _shared_folder() as folder:
        server = PrivatePostgresql(folder, settings=CARELESS)
        with _running(Postgresql(server), server) as postgresql:
            yield postgresql


@contextmanager
def private_redis() -> Iterator[Redis]:
    skip_unless_installed(server_program)
    with _shared_folder() as folder:
        server = PrivateRedis(folder)
        with _running(Redis(server), server) as redis:
            yield redis


@contextmanager
def _running(controlled: S, server: Server) -> Iterator[S]:
    server.prepare()
    controlled.start()
    try:
        yield controlled
    finally:
        controlled.stop()


@contextmanager
def _shared_folder() -> Iterator[Path]:
    """A folder that the account postgres can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="luss-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
