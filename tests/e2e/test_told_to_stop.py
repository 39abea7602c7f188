"""A worker that is told to stop hands back what it cannot finish: it is scored once, and soon.

The same site shows what a running worker says of itself, and what no log says.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.stack.programs import free_port
from tests.support.golden import repeated_set
from tests.support.stack import EMAIL, PASSWORD, Stack, stack_in
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
COPIES = 60
"""How often the golden set is repeated, so that scoring takes long enough to be interrupted."""
LEASE_SECONDS = 600
SOON_SECONDS = 240  # on a busy machine; far less than the lease
SECRET_KEY = "a-key-that-only-this-test-knows"
METRICS_PORT = free_port()
SETTINGS = {
    "LUSS_WORKER_GRACE_SECONDS": "1",
    "LUSS_LEASE_SECONDS": str(LEASE_SECONDS),
    "LUSS_WORKER_METRICS_PORT": str(METRICS_PORT),
    "LUSS_LOG_FORMAT": "json",
    "LUSS_LOG_LEVEL": "debug",
    "LUSS_SECRET_KEY": SECRET_KEY,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path, Any]]:
    """A site with a short grace and a long lease, an archive, and its undisturbed scores."""
    masks, archive = repeated_set(tmp_path_factory.mktemp("large"), copies=COPIES)
    with stack_in(tmp_path_factory.mktemp("site"), **SETTINGS) as stack:
        stack.register("large", masks, classes=50)
        undisturbed = stack.final(stack.submit(archive, subset="large"), seconds=SOON_SECONDS)
        yield stack, archive, undisturbed["scores"]


def with_descendants(pid: int) -> set[int]:
    lists = [path.read_text() for path in Path("/proc").glob(f"{pid}/task/*/children")]
    return {pid}.union(*(with_descendants(int(child)) for each in lists for child in each.split()))


def every_process_as_systemd_does(stack: Stack) -> None:
    """Tell the worker, its pool, and the processes in which the archive is read."""
    for pid in set().union(*map(with_descendants, stack.workers())):
        os.kill(pid, signal.SIGTERM)


def the_whole_site(stack: Stack) -> None:
    assert stack.stop() == 0
    assert stack.workers() == []
    stack.start()


@pytest.mark.parametrize("stop", [every_process_as_systemd_does, the_whole_site])
def test_what_a_worker_scores_is_handed_back_and_goes_on_at_once(
    site: tuple[Stack, Path, Any], stop: Callable[[Stack], None]
) -> None:
    stack, archive, undisturbed = site
    public_id = stack.submit(archive, subset="large")
    eventually(lambda: stack.is_scoring(public_id), seconds=60, what="scoring to begin")

    stopped_at = time.monotonic()
    stop(stack)
    body = stack.final(public_id, seconds=SOON_SECONDS)

    assert time.monotonic() - stopped_at < SOON_SECONDS < LEASE_SECONDS
    assert (body["state"], body["scores"]) == ("scored", undisturbed)
    assert body["attempts"] == 1
    about_it = [line for line in lines(stack) if line.get("submission") == public_id]
    assert any("this worker stops" in line["event"] for line in about_it)


def test_a_worker_says_that_it_lives_and_what_it_did(site: tuple[Stack, Path, Any]) -> None:
    stack, _, _ = site
    eventually(
        lambda: stack.get("/api/v1/status")["workers"] == 1, seconds=60, what="one worker alive"
    )

    own = httpx.get(f"http://127.0.0.1:{METRICS_PORT}/metrics").text
    everyones = httpx.get(f"{stack.url}/metrics").text

    assert "luss_database_statement_seconds_count" in own
    assert 'luss_store_seconds_count{operation="fetch"}' in own
    assert 'luss_workers{queue="score"} 1.0' in everyones
    assert 'luss_stage_seconds_count{stage="whole"}' in everyones


def test_no_log_holds_a_secret_and_every_line_of_ours_is_an_object(
    site: tuple[Stack, Path, Any],
) -> None:
    stack, _, _ = site
    with httpx.Client(base_url=stack.url, follow_redirects=True) as browser:
        form_token = (
            browser.get("/sign-in").text.split('name="form_token" value="')[1].split('"')[0]
        )
        fields = {"email": EMAIL, "password": PASSWORD, "form_token": form_token}
        assert browser.post("/sign-in", data=fields).status_code == 200
        assert browser.get("/submissions?token=in-the-query").status_code == 200
        cookies = list(browser.cookies.values())
    httpx.get(f"{stack.url}/api/v1/submissions", headers={"Authorization": "Bearer luss_wrong-one"})

    text = stack.log.read_text()

    assert len(cookies) == 2
    for secret in (SECRET_KEY, PASSWORD, stack.token, *cookies, form_token, "in-the-query"):
        assert secret not in text
    assert "luss_wrong-one" not in text
    assert {line["process"] for line in lines(stack)} >= {"serve", "web", "worker"}
    assert all({"time", "level", "logger", "event"} <= line.keys() for line in lines(stack))


def lines(stack: Stack) -> list[dict[str, Any]]:
    """Return the log; what Celery prints before and beside its log is no part of it."""
    return [json.loads(line) for line in stack.log.read_text().splitlines() if line[:1] == "{"]
