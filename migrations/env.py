"""Runs the migrations: one transaction each, with a short patience for locks."""

from typing import Any, Literal

from alembic import context

from server.db import Database
from server.jobs.queue import RecordingQueue
from server.models import Base, UtcDateTime
from server.settings import Settings

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "5s"
LOCK = 1_280_660_819
"""Who migrates holds this advisory lock of PostgreSQL; any number, but always the same."""


def render_item(kind: str, thing: Any, _autogen: object) -> str | Literal[False]:
    """Write plain types into migrations, which import nothing from the server."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    url = context.config.attributes.get("database_url") or Settings().database
    database = Database(url, RecordingQueue())
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Of two that start at once the second waits, and finds everything done.
            connection.exec_driver_sql("SET lock_timeout = 0; SET statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            connection.exec_driver_sql(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            render_item=render_item,
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()
    database.close()


run()
