"""Private PostgreSQL and Redis servers in a test's hands: started, stopped, killed at will.

    with private_postgresql() as postgresql:        # skips where it is not installed
        with postgresql.database() as url:          # empty; dropped when the block ends
            postgresql.kill(); postgresql.start()   # what was committed is there again

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
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from redis import Redis as RedisClient

from client.errors import ProgramMissing
from client.stack.backing import Server
from client.stack.postgresql import PrivatePostgresql, initdb_program
from client.stack.redis import PrivateRedis, server_program
from tests.support.hanging import hanging
from tests.support.waiting import eventually

START_SECONDS = 60
S = TypeVar("S", bound="Controlled")
CARELESS = {"fsync": "off", "full_page_writes": "off"}
"""A killed server keeps what was committed; only a killed machine would not."""


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

    def hanging(self) -> AbstractContextManager[None]:
        """Let it accept and answer nothing until the block ends."""
        return hanging(self._process)

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
        self._shared: set[str] = set()

    def stop_at_once(self) -> None:
        """Stop it as an operator in a hurry does: it recovers when it starts again."""
        self._end(signal.SIGQUIT)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the URL of an empty database of its own, which is dropped in the end."""
        name = f"test_{uuid4().hex}"
        self._cluster.create_database(name)
        try:
            yield self._cluster.url(name)
        finally:
            self._cluster.drop_database(name)

    def shared_database(self, name: str, fill: Callable[[str], None]) -> str:
        """Return the URL of a database for many tests, made and filled when first asked for."""
        if name not in self._shared:
            self._cluster.create_database(name)
            fill(self._cluster.url(name))
            self._shared.add(name)
        return self._cluster.url(name)


class Redis(Controlled):
    def __init__(self, server: PrivateRedis) -> None:
        super().__init__(server)
        self.url = server.url()

    def listeners(self) -> int:
        """Count the connections that wait for a message."""
        with RedisClient.from_url(self.url) as client:
            return sum(each["cmd"] == "brpop" for each in client.client_list())


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
    with folder_for_all() as folder:
        server = PrivatePostgresql(folder, settings=CARELESS)
        with _running(Postgresql(server), server) as postgresql:
            yield postgresql


@contextmanager
def private_redis() -> Iterator[Redis]:
    skip_unless_installed(server_program)
    with folder_for_all() as folder:
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
def folder_for_all() -> Iterator[Path]:
    """A folder that the account postgres can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="luss-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
