"""Runs the migrations: one transaction each, with a short patience for locks."""

from typing import Any, Literal

from alembic import context

from server.db import Database
from server.jobs.queue import RecordingQueue
from server.models import Base, UtcDateTime
from server.settings import Settings

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "5s"


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
