"""Many entries at the same moment, through a server that listens: the limit holds exactly."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from server.accounts.tokens import create_for
from server.app import create_app
from server.clock import SetClock
from server.db import Database
from server.jobs.queue import RecordingQueue
from server.models import Scope, Submission
from server.organizers.boards import boards_like, change_boards
from server.settings import Settings
from server.storage.retrying import open_store
from tests.support.database import NO_TO_ALL, NOW, add_subset, add_truth, add_user
from tests.support.serving import serving
from tests.support.site import ADA

pytestmark = [pytest.mark.slow, pytest.mark.both_databases]
MANY, LIMIT = 50, 5
MIDNIGHT = "2026-11-21T00:00:00Z"
FIELDS = {
    "protocol": "fully-unsupervised",
    "subset": "tiny",
    "split": "test",
    "declarations": json.dumps(NO_TO_ALL),
}


def test_fifty_at_once_against_a_limit_of_five(
    served: tuple[Database, RecordingQueue], tmp_path: Path
) -> None:
    database, queue = served
    with database.unit_of_work() as session:
        add_subset(session)
        add_truth(session)
        add_user(session, ADA)
        token = create_for(session, email=ADA, scope=Scope.SUBMIT, days=1, now=NOW)
        boards = boards_like(session, protocol=None, subset=None, split=None)
        change_boards(session, boards, {"daily_limit": LIMIT})
    store = open_store("memory://")
    app = create_app(
        Settings(
            data_dir=tmp_path,
            database_url=database.engine.url.render_as_string(hide_password=False),
        ),
        queue=queue,
        store=store,
        clock=SetClock(NOW),
    )
    together = threading.Barrier(MANY)

    def enter(number: int) -> httpx.Response:
        """Send the fields, wait until all the others have, too, and send the archive."""
        boundary = "between"
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in FIELDS.items()
        )
        file = 'name="archive"; filename="entry.zip"'

        def body() -> Iterator[bytes]:
            yield head.encode()
            together.wait(timeout=300)
            yield f"--{boundary}\r\nContent-Disposition: form-data; {file}\r\n\r\n".encode()
            yield b"PK" + bytes([number]) * 1000
            yield f"\r\n--{boundary}--\r\n".encode()

        return httpx.post(
            f"{address}/api/v1/submissions",
            content=body(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
            timeout=300,
        )

    with serving(app) as address, ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(enter, range(MANY)))
        again = httpx.get(
            f"{address}/api/v1/boards/fully-unsupervised/tiny/test/quota",
            headers={"Authorization": f"Bearer {token}"},
            timeout=300,
        ).json()
    app.state.rooms.database.close()

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * LIMIT + [429] * (MANY - LIMIT), [each.text for each in answers]
    for answer in answers:
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            assert answer.json()["code"] == "quota_daily"
            assert answer.json()["resets_at"] == MIDNIGHT
            assert answer.headers["Retry-After"] == str(12 * 3600)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == LIMIT
    assert len(list(store.entries("archives"))) == LIMIT
    assert len(queue.rung) == LIMIT
    assert again["daily"] == {"limit": LIMIT, "used": LIMIT, "resets_at": MIDNIGHT}
