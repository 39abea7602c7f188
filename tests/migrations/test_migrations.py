import re
import subprocess
import sys
from collections.abc import Iterator
from math import nan
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select, text

from server import schema
from server.db import Database
from server.jobs.queue import RecordingQueue
from server.method_names import method_of
from server.models import Base, Score, Standing, Submission
from server.organizers import service as organizers
from tests.support.database import NOW, add_score, add_submission, add_subset, add_truth, add_user
from tests.support.servers import Postgresql

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'luss.sqlite3'}"
    else:
        server: Postgresql = request.getfixturevalue("postgresql")
        with server.database() as url:
            yield url


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names - {"alembic_version"}


def fill(url: str) -> None:
    """Put rows into the schema at head: a whole life of a submission, and published results."""
    database = Database(url, RecordingQueue())
    with database.unit_of_work() as session:
        organizers.register_imagenet_s(session)
        add_subset(session)
        add_truth(session)
        submission = add_submission(session, add_user(session))
        add_score(session, submission, 12.5)
    database.close()


def test_up_down_and_up_again_with_data(url: str) -> None:
    schema.upgrade(url)
    assert tables(url) == set(Base.metadata.tables)
    fill(url)

    schema.downgrade(url, "base")
    assert tables(url) == set()

    schema.upgrade(url)
    assert tables(url) == set(Base.metadata.tables)
    fill(url)


def test_each_step_down_and_up_again_keeps_the_data(url: str) -> None:
    schema.upgrade(url)
    fill(url)
    revisions = [
        script.revision
        for script in ScriptDirectory.from_config(schema.alembic_config(url)).walk_revisions()
    ]

    for revision in revisions[1:]:
        schema.downgrade(url, revision)
        schema.upgrade(url)

    database = Database(url, RecordingQueue())
    with database.reading() as session:
        assert session.scalars(select(Submission.public_id)).all() == ["aaaa"]
        assert session.scalars(select(Score.miou)).all() == [12.5]
    database.close()


@pytest.mark.slow
def test_two_that_migrate_at_once_do_it_once(postgresql: Postgresql) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from server import schema; schema.upgrade(*sys.argv[1:])",
    ]
    with postgresql.database() as url:
        both = [
            subprocess.Popen([*command, url], cwd=ROOT, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=120)[1] for process in both]

        assert [process.returncode for process in both] == [0, 0], said
        assert tables(url) == set(Base.metadata.tables)


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
        if engine.dialect.name == "postgresql":  # which checks references; SQLite has to be asked
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(f"INSERT INTO submission ({columns}) VALUES ({marks})"), values)

    schema.upgrade(url, "0002")

    with engine.connect() as connection:
        told = connection.execute(text("SELECT state_since, created_at FROM submission")).one()
    assert told.state_since == told.created_at
    schema.downgrade(url, "0001")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM submission")).scalar() == 1
    engine.dispose()


def test_what_was_scored_before_counts_as_it_would_now(url: str) -> None:
    """The step that keeps which entries count finds them as the service itself does."""
    schema.upgrade(url)
    database = Database(url, RecordingQueue())
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        user = add_user(session)
        for number, (method, miou, truth, is_public) in enumerate(
            [
                ("A", 10.0, "truth-1", True),
                ("A", 30.0, "truth-1", True),
                ("A", 30.0, "truth-1", True),
                ("A", 99.0, "truth-1", False),
                ("A", 98.0, "truth-0", True),
                ("B", nan, "truth-1", True),
                ("C", 97.0, "truth-0", True),
            ]
        ):
            row = add_submission(session, user, public_id=f"e{number}", is_public=is_public)
            row.method_id = method_of(session, team_id=row.team_id, name=method, now=NOW).id
            add_score(session, row, miou, truth=truth)
    standings = select(
        Standing.board_id,
        Standing.method_id,
        Standing.submission_id,
        Standing.score_id,
        Standing.miou,
    ).order_by(Standing.method_id)
    with database.reading() as session:
        before = session.execute(standings).all()
    assert [row.miou for row in before] == [30.0, None, None]

    schema.downgrade(url, "0006")
    schema.upgrade(url)

    with database.reading() as session:
        assert session.execute(standings).all() == before
    database.close()


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


def test_accounts_of_before_get_public_ids_and_teams_of_their_own(url: str) -> None:
    schema.upgrade(url, "0001")
    engine = create_engine(url)
    with engine.begin() as connection:
        for number in (1, 2):
            connection.exec_driver_sql(
                "INSERT INTO user_account"
                " (id, email, name, password_hash, is_organizer, created_at) "
                f"VALUES ({number}, 'a{number}@example.org', 'a', '', false, '2026-01-01')"
            )
            connection.exec_driver_sql(
                f"INSERT INTO team (id, name, created_at) VALUES ({number}, 'a', '2026-01-01')"
            )
            connection.exec_driver_sql(
                f"INSERT INTO membership (team_id, user_id) VALUES ({number}, {number})"
            )
    schema.upgrade(url, "0005")
    with engine.connect() as connection:
        teams = connection.exec_driver_sql("SELECT public_id, is_personal FROM team").all()
        owners = connection.exec_driver_sql("SELECT is_owner FROM membership").all()
    assert len({public_id for public_id, _ in teams}) == 2
    assert all(len(public_id) == 16 and is_personal for public_id, is_personal in teams)
    assert all(is_owner for (is_owner,) in owners)

    schema.downgrade(url, "0001")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM membership").scalar() == 2
    engine.dispose()
