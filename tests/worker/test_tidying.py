"""What no row knows of is found and deleted, once it is old enough to belong to nobody."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.storage.store import BlobEntry, open_object_store
from tests.support.database import add_submission
from tests.support.service import Service
from worker import tidying


def keys(service: Service) -> list[str]:
    return [entry.key for entry in service.context.store.entries("archives")]


def test_deletes_old_archives_that_belong_to_no_submission(service: Service) -> None:
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)
    assert submission.archive_key is not None
    service.context.store.put(submission.archive_key, b"kept")
    service.context.store.put("archives/orphan.zip", b"x")

    service.clock.time = datetime.now(UTC)
    tidying.run(service.context)
    assert len(keys(service)) == 2  # its row may be on its way

    service.clock.time += tidying.ORPHAN_AGE + timedelta(minutes=1)
    tidying.run(service.context)
    assert keys(service) == [submission.archive_key]


@pytest.mark.both_databases
def test_copes_with_more_archives_than_a_statement_takes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, deleted = open_object_store("memory://"), []
    with service.context.database.unit_of_work() as session:
        submission = add_submission(session, service.user)

    def entries(prefix: str) -> Iterator[BlobEntry]:
        if prefix != "archives":
            return
        for number in range(70_000):
            yield BlobEntry(f"archives/{number}.zip", 1, datetime(2001, 1, 1, tzinfo=UTC))
        assert submission.archive_key is not None
        yield BlobEntry(submission.archive_key, 1, datetime(2001, 1, 1, tzinfo=UTC))

    monkeypatch.setattr(store, "entries", entries)
    monkeypatch.setattr(store, "delete", deleted.append)
    monkeypatch.setattr(tidying.log, "disabled", True)
    tidying.run(replace(service.context, store=store))

    assert len(deleted) == 70_000
    assert submission.archive_key not in deleted


def test_deletes_what_killed_puts_left_behind(service: Service, tmp_path: Path) -> None:
    service.clock.time = datetime.now(UTC)
    young = tmp_path / "store" / "archives" / "b.zip#1"
    old = [tmp_path / "store" / "archives" / "a.zip#1", tmp_path / "vault" / "truth" / "x.pack#3"]
    for path in (young, *old):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half of it")
    for path in old:
        os.utime(path, (0, 0))

    tidying.run(service.context)

    assert young.exists()
    assert not any(path.exists() for path in old)
