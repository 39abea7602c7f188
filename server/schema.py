"""The database's schema, brought to its newest version by the migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def upgrade(database_url: str, revision: str = "head") -> None:
    command.upgrade(alembic_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    command.downgrade(alembic_config(database_url), revision)


def alembic_config(database_url: str) -> Config:
    config = Config(MIGRATIONS / "alembic.ini")
    config.attributes["database_url"] = database_url
    return config
