import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select, text

from server import schema
from server.models import Base, Score, Submission
from tests.support.database import (
    add_score,
    add_submission,
    add_subset,
    add_truth,
    add_user,
    migrated_database,
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'luss.sqlite3'}"


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names - {"alembic_version"}


def test_up_down_and_up_again(url: str) -> None:
    schema.upgrade(url)
    assert tables(url) == set(Base.metadata.tables)

    schema.downgrade(url, "base")
    assert tables(url) == set()

    schema.upgrade(url)
    assert tables(url) == set(Base.metadata.tables)


def test_down_and_up_again_keep_what_is_there(tmp_path: Path) -> None:
    with migrated_database(tmp_path) as (database, _):
        with database.unit_of_work() as session:
            add_subset(session)
            add_truth(session)
            submission = add_submission(session, add_user(session))
            add_score(session, submission, 30.0)
        database.close()
        url = database.engine.url.render_as_string()
        schema.downgrade(url, "0001")
        schema.upgrade(url)
        with database.reading() as session:
            kept = session.get_one(Submission, submission.id)
            assert kept.archive_sha256 == submission.archive_sha256
            assert session.scalars(select(Score.miou)).all() == [30.0]


def test_what_was_there_before_states_had_times_counts_from_its_arrival(url: str) -> None:
    schema.upgrade(url, "0001")
    engine = create_engine(url)
    values = {
        "id": 1,
        "public_id": "aaaa",
        "board_id": 1,
        "team_id": 1,
        "user_id": 1,
        "created_at": "2026-11-20 12:00:00",
        "is_public": True,
        "declarations": "{}",
        "archive_sha256": "0",
        "archive_bytes": 7,
        "state": "scoring",
        "findings": "[]",
        "progress_done": 0,
        "progress_total": 0,
        "attempts": 1,
        "lease_until": "2026-11-20 12:01:00",
    }
    columns = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO submission ({columns}) VALUES ({marks})"), values)

    schema.upgrade(url, "0002")

    with engine.connect() as connection:
        since = connection.execute(text("SELECT state_since FROM submission")).scalar()
    assert since == values["created_at"]
    schema.downgrade(url, "0001")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM submission")).scalar() == 1
    engine.dispose()


def test_models_and_migrations_agree(url: str) -> None:
    schema.upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()

    assert differences == []


def test_there_is_one_head(url: str) -> None:
    assert len(ScriptDirectory.from_config(schema.alembic_config(url)).get_heads()) == 1


def test_migrations_import_nothing_from_the_server() -> None:
    for path in (schema.MIGRATIONS / "versions").glob("*.py"):
        assert not re.search(r"^(from|import) server", path.read_text(), re.MULTILINE), path
