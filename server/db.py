"""Engine, sessions, and the only two ways to use them.

`unit_of_work` is the one place that commits; `reading` refuses to write, and it is the database
that refuses; everything that one `reading` reads was true at one moment.

On SQLite a unit of work begins IMMEDIATE: two of them cannot both read a count and then both write
on the strength of it. On PostgreSQL they can: what is decided by more than one statement first
locks the row that it is about (``with_for_update``, which SQLite ignores), or, where there is no
such row, calls `one_at_a_time`.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    create_engine,
    event,
    func,
    make_url,
    select,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from server.jobs.queue import JobQueue, collected_jobs
from server.measures import DATABASE_ERRORS, DATABASE_SECONDS

BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 10
POSTGRESQL_SETTINGS = {
    "TimeZone": "UTC",
    "lock_timeout": f"{BUSY_TIMEOUT_MS}ms",
    "statement_timeout": "30s",
    # A process that fell silent in a transaction must not keep its locks for ever.
    "idle_in_transaction_session_timeout": "60s",
}
READ_ONLY = "luss_read_only"
PASSING_SQLITE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN)
PASSING_SQLSTATES = (
    "08",  # the connection broke
    "40",  # rolled back for another's sake: deadlock
    "53300",  # too many connections
    "55P03",  # waited too long for a lock
    "57P",  # the server shuts down, or has just started
)


class Database:
    """One database and the queue that is rung when something was committed to it."""

    def __init__(self, url: str, queue: JobQueue) -> None:
        self.engine = _engine(url)
        self._queue = queue
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(
            self.engine.execution_options(**{READ_ONLY: True}),
            expire_on_commit=False,
            autoflush=False,
        )

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """Yield a session; commit at the end, then ring the jobs it collected; else roll back."""
        with self._writing() as session:
            yield session
            session.commit()
            jobs = collected_jobs(session)
        for job in jobs:
            self._queue.ring(job)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session in which the database refuses every write."""
        with self._reading() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def is_passing(error: BaseException) -> bool:
    """Tell whether the database was away or busy with others: the same may work later."""
    if not isinstance(error, DBAPIError):
        return False
    reason = error.orig
    if isinstance(reason, sqlite3.Error):
        primary_code = getattr(reason, "sqlite_errorcode", 0) & 0xFF
        return primary_code in PASSING_SQLITE
    state: str | None = getattr(reason, "sqlstate", None)
    if state is None:  # the driver says so, and not the server
        return isinstance(error, OperationalError)
    return state.startswith(PASSING_SQLSTATES)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _postgresql(url)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _measure(engine)
    return engine


def _postgresql(url: str) -> Engine:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",  # whatever the server's default is
        pool_pre_ping=True,  # a restarted server is met with a new connection
        hide_parameters=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    _measure(engine)
    return engine


def _measure(engine: Engine) -> None:
    """Time every statement, and count what fails."""

    def before(connection: Connection, *_: object) -> None:
        connection.info["luss_began"] = time.perf_counter()

    def after(connection: Connection, *_: object) -> None:
        DATABASE_SECONDS.observe(time.perf_counter() - connection.info["luss_began"])

    def failed(context: ExceptionContext) -> None:
        DATABASE_ERRORS.labels(type(context.original_exception).__name__).inc()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def _prepare_postgresql(connection: Any, _record: object) -> None:
    """Set by statements: connection poolers refuse what comes as an option of the connection."""
    with connection.cursor() as cursor:
        for name, value in POSTGRESQL_SETTINGS.items():
            cursor.execute(f"SET {name} = '{value}'")
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(READ_ONLY):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def one_at_a_time(session: Session, matter: str) -> None:
    """Let one unit of work at a time deal with a matter, until it ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(matter))))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin DEFERRED, and late
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = bool(connection.get_execution_options().get(READ_ONLY))
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
