from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import Database
from server.jobs.queue import RecordingQueue
from tests.support.site import Site, site_in


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
