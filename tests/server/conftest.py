from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import Database
from server.jobs.queue import RecordingQueue
from tests.support.database import migrated_database, migrated_postgresql
from tests.support.site import Site, site_in


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker("both_databases")
    if marked and "served" in metafunc.fixturenames:
        metafunc.parametrize("served", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def served(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Database, RecordingQueue]]:
    """SQLite; PostgreSQL too for tests that are marked `both_databases`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        opened = migrated_database(tmp_path)
    else:
        opened = migrated_postgresql(request.getfixturevalue("postgresql"))
    with opened as both:
        yield both


@pytest.fixture
def database(served: tuple[Database, RecordingQueue]) -> Database:
    return served[0]


@pytest.fixture
def queue(served: tuple[Database, RecordingQueue]) -> RecordingQueue:
    return served[1]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as site:
        yield site
