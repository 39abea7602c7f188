"""The servers that the service stands on, kept alive for as long as it runs."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from client.errors import StackBroken
from client.supervisor import Child, Supervisor

START_SECONDS = 60


class Server(Protocol):
    """A server of the system that runs for us alone."""

    def prepare(self) -> None:
        """Make what it needs to start; what is there already is kept."""

    def child(self) -> Child:
        """Return it as something to keep alive."""

    def answers(self) -> bool:
        """Return whether it can be used now."""


@contextmanager
def running(servers: Sequence[Server], *, on_end: Callable[[], None]) -> Iterator[None]:
    """Run prepared servers until the context ends, and start again what dies.

    ``on_end`` is called, in another thread, when they have ended: whoever works on them stops too.

    Raises:
        SupervisionEnded: one of them could not be kept alive.
        StackBroken: one of them does not answer.
    """
    supervisor = Supervisor([server.child() for server in servers])
    with ThreadPoolExecutor(max_workers=1) as pool:
        ended = pool.submit(supervisor.watch)
        ended.add_done_callback(lambda _: on_end())
        try:
            _await_answers(servers, ended)
            yield
        finally:
            supervisor.stop()
    ended.result()


def _await_answers(servers: Sequence[Server], ended: "Future[None]") -> None:
    deadline = time.monotonic() + START_SECONDS
    for server in servers:
        while not server.answers():
            if ended.done():
                ended.result()
            if time.monotonic() > deadline:
                raise StackBroken(f"{server.child().name} did not answer for {START_SECONDS} s.")
            time.sleep(0.1)
