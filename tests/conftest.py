"""For every test: Hypothesis without a deadline, no silent skip if CI forbids it, quick passwords.

For those that ask: servers that all tests share, started when the first one does.
"""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from server.accounts import passwords
from server.db import Database
from server.jobs.queue import RecordingQueue
from tests.support.database import migrated_database, migrated_postgresql
from tests.support.servers import Postgresql, Redis, private_postgresql, private_redis

settings.register_profile("luss", deadline=None)
settings.load_profile("luss")

REQUIRE_ALL = os.environ.get("LUSS_REQUIRE_ALL") == "1"  # noqa: TID251  # not a setting of ours


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where LUSS_REQUIRE_ALL=1 says that everything must run."""
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and LUSS_REQUIRE_ALL=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash with argon2id at its cheapest: within this process alone, thousands of passwords are.

    Servers that tests start hash as the site does.
    """
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_policy", quick)
        patch.setattr(passwords, "NOBODYS_HASH", quick.hash("what nobody knows"))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A PostgreSQL for databases of one's own; whoever stops it starts it again."""
    with private_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A Redis; whoever stops it starts it again."""
    with private_redis() as server:
        yield server


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
