"""Do the parts that this process leans on answer? Each is asked on its own, with little patience.

A part that hangs holds one thread, however often it is asked about: whoever asks meanwhile waits
for the same answer.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from sqlalchemy import text

from server.db import Database
from server.jobs.queue import JobQueue
from server.storage.store import BlobStore

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 2.0
PROBED_FOLDER = "probes"  # where nothing lies: to look there is one short answer


@dataclass(slots=True)
class Probe:
    """One part, and the question to it that runs now, if any."""

    name: str
    check: Callable[[], object]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: Future[None] | None = None

    def ask(self) -> Future[None]:
        """Return the answer to come: that of a question on its way, or of a new one."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                # A daemon: a part that hangs must not keep the process from ending.
                threading.Thread(target=self._answer, args=(self._running,), daemon=True).start()
            return self._running

    def _answer(self, promise: Future[None]) -> None:
        try:
            self.check()
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the answer
            promise.set_exception(error)
        else:
            promise.set_result(None)


class Probes:
    """All parts that the site needs. The vault is none of them: only workers know it."""

    def __init__(
        self,
        *,
        database: Database,
        queue: JobQueue,
        store: BlobStore,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        def ask_database() -> None:
            with database.reading() as session:
                session.execute(text("SELECT 1"))

        def ask_store() -> None:
            next(iter(store.entries(PROBED_FOLDER)), None)

        self._patience_seconds = patience_seconds
        self._probes = (
            Probe("database", ask_database),
            Probe("broker", queue.check),
            Probe("store", ask_store),
        )

    def answers(self) -> Mapping[str, bool]:
        """Tell of each part whether it answers; why not is logged and goes no further."""
        asked = {probe.name: probe.ask() for probe in self._probes}
        wait(asked.values(), timeout=self._patience_seconds)
        return {name: _has_answered(name, promise) for name, promise in asked.items()}


def _has_answered(name: str, promise: Future[None]) -> bool:
    reason = promise.exception() if promise.done() else TimeoutError("too late")
    if reason is not None:
        log.warning("the %s does not answer: %s: %s", name, type(reason).__name__, reason)
    return reason is None
