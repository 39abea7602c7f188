"""Uploads to a real server that is killed in the middle, and its memory while it takes a lot."""

import hashlib
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.database import NO_TO_ALL
from tests.support.stack import Stack
from tests.support.uploads import Uploader, announced, id_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
MEGABYTE = 2**20
CONTENT = random.Random(3).randbytes(MEGABYTE)
"""What is sent over and over."""


@pytest.fixture
def sender(stack: Stack) -> Iterator[Uploader]:
    with httpx.Client(base_url=stack.url, timeout=120) as client:
        yield Uploader(client, stack.token)


def megabytes(begin: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from one megabyte to another of a file that is nowhere else."""
    for number in range(begin, end):
        yield number.to_bytes(4) + CONTENT[4:]


def sha256(count: int) -> str:
    digest = hashlib.sha256()
    for each in megabytes(0, count):
        digest.update(each)
    return digest.hexdigest()


def memory(pid: int, line: str) -> int:
    """Return a line of a process' status in bytes: VmRSS is now, VmHWM the most so far."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (found,) = (each.split() for each in status if each.startswith(f"{line}:"))
    return int(found[1]) * 1024


def enter(sender: Uploader, url: str) -> httpx.Response:
    entry = {"protocol": "free", "subset": "50", "split": "test", "method_name": "Large"}
    return sender.client.post(
        "/api/v1/submissions",
        json={**entry, "declarations": NO_TO_ALL, "upload_id": id_of(url)},
        headers=sender.headers,
    )


# The HTTP library leaves a socket of the killed server to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_killed_in_the_middle_of_a_patch_costs_bytes_only(
    stack: Stack, sender: Uploader
) -> None:
    size = 48
    url = sender.begun(size * MEGABYTE, metadata=announced(sha256(size)))
    killed = threading.Event()

    def until_it_is_killed() -> Iterator[bytes]:
        yield from megabytes(0, 40)
        killed.wait(timeout=60)

    def send() -> None:
        with (
            httpx.Client(base_url=stack.url, timeout=120) as client,
            pytest.raises(httpx.HTTPError),
        ):
            Uploader(client, stack.token).send(url, 0, until_it_is_killed())

    thread = threading.Thread(target=send)
    thread.start()
    eventually(lambda: sender.offset(url) > 0, seconds=60, what="some bytes to be safe")
    staged = stack.folder / "var" / "staging" / "uploads" / id_of(url)
    eventually(lambda: staged.stat().st_size > 33 * MEGABYTE, seconds=60, what="more to be written")
    (web,) = stack.web()
    os.kill(web, signal.SIGKILL)
    killed.set()
    thread.join()
    sender.client.close()

    eventually(lambda: answers(stack), seconds=60, what="another server to answer")
    with httpx.Client(base_url=stack.url, timeout=120) as client:
        again = Uploader(client, stack.token)
        offset = again.offset(url)
        assert 0 < offset < staged.stat().st_size
        with staged.open("r+b") as file:  # what lies behind the safe bytes may be anything
            file.seek(offset)
            file.write(b"?" * (staged.stat().st_size - offset))
        eventually(lambda: goes_on(again, url, offset, size), seconds=60, what="the lock to expire")
        answer = enter(again, url)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    assert answer.json()["archive_sha256"] == sha256(size)
    assert not staged.exists()


def answers(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.url}/readyz").is_success
    except httpx.TransportError:
        return False


def goes_on(sender: Uploader, url: str, offset: int, size: int) -> bool:
    """Send the rest; the killed server's lock is forgotten after some seconds."""
    first = offset // MEGABYTE
    rest = (
        each[offset % MEGABYTE :] if n == 0 else each
        for n, each in enumerate(megabytes(first, size))
    )
    answer = sender.send(url, offset, rest)
    assert answer.status_code in {httpx.codes.NO_CONTENT, httpx.codes.LOCKED}, answer.text
    return answer.status_code == httpx.codes.NO_CONTENT


def test_300_mb_leave_the_servers_memory_as_it_was(stack: Stack, sender: Uploader) -> None:
    count = 300
    (web,) = stack.web()
    before = memory(web, "VmRSS")

    url = sender.begun(count * MEGABYTE)
    assert sender.send(url, 0, megabytes(0, count)).status_code == httpx.codes.NO_CONTENT
    answer = enter(sender, url)

    assert answer.status_code == httpx.codes.CREATED, answer.text
    assert answer.json()["archive_sha256"] == sha256(count)
    grown = memory(web, "VmHWM") - before
    assert grown < 100 * MEGABYTE, f"{count} MB: {grown / MEGABYTE:.0f} MB more memory"
    assert stack.final(answer.json()["id"])["state"] == "rejected"
