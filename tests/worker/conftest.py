from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import Database
from server.jobs.queue import RecordingQueue
from tests.support.service import Service, service_on


@pytest.fixture
def service(served: tuple[Database, RecordingQueue], tmp_path: Path) -> Iterator[Service]:
    """A service on SQLite; on PostgreSQL too for tests that are marked `both_databases`."""
    with service_on(*served, tmp_path) as built:
        yield built
