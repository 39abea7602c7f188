"""Real connections that break, stand still or meet: what the next request finds."""

import json
import logging
import random
import socket
import threading
from collections.abc import Iterator
from io import BytesIO

import httpx
import pytest
from sqlalchemy import select
from tusclient.client import TusClient

from client.api import Api, BoardAddress, Entry
from client.remembered import RememberedUploads
from client.sending import Sending
from client.settings import ClientSettings
from server.models import Submission, Upload
from server.submissions import service
from server.uploads import staging
from server.uploads.service import LOCK
from tests.support.cutting_proxy import cutting_proxy
from tests.support.database import NO_TO_ALL
from tests.support.serving import listening
from tests.support.site import Site
from tests.support.uploads import UPLOADS, Uploader, id_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
CONTENT = random.Random(5).randbytes(900_000)
CUTS = 100


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    with listening(site) as address:
        yield address


@pytest.fixture
def sender(address: str, ada: Uploader) -> Iterator[Uploader]:
    """Ada, over a real connection."""
    token = ada.headers["Authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=address, timeout=60) as client:
        yield Uploader(client, token)


def rows(site: Site) -> tuple[int, int]:
    """Return how many submissions and uploads there are."""
    with site.database.reading() as session:
        submissions, uploads = (session.scalars(select(kind)) for kind in (Submission, Upload))
        return len(submissions.all()), len(uploads.all())


def staged(site: Site, url: str) -> bytes:
    return staging.path_of(site.settings.staging_folder, id_of(url)).read_bytes()


def test_a_hundred_cuts_and_the_bytes_are_equal(site: Site, address: str, sender: Uploader) -> None:
    chance = random.Random(7)
    cuts = [chance.randrange(2 * len(CONTENT) // CUTS) for _ in range(CUTS)]
    with cutting_proxy(address, cuts) as proxy:
        client = TusClient(
            f"{proxy.url}{UPLOADS}", headers={"Authorization": sender.headers["Authorization"]}
        )
        uploader = client.uploader(file_stream=BytesIO(CONTENT), retries=400, retry_delay=0.05)
        uploader.upload()

        assert proxy.made == CUTS
    url = httpx.URL(uploader.url).path
    assert rows(site) == (0, 1)
    assert staged(site, url) == CONTENT
    entry = {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
    answer = sender.client.post(
        "/api/v1/submissions",
        json={**entry, "declarations": NO_TO_ALL, "upload_id": id_of(url)},
        headers=sender.headers,
    )
    assert answer.status_code == 201, answer.text
    with site.store.as_file(service.archive_key(answer.json()["id"])) as stored:
        assert stored.read_bytes() == CONTENT
    assert rows(site) == (1, 1)


class Stalling:
    """A body that stops after some bytes until it is told to go on."""

    def __init__(self, content: bytes, *, stop_at: int) -> None:
        self.stopped, self.go_on = threading.Event(), threading.Event()
        self._content, self._stop_at = content, stop_at

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: self._stop_at]
        self.stopped.set()
        assert self.go_on.wait(timeout=60)
        yield self._content[self._stop_at :]


def test_of_two_at_once_one_is_told_to_wait(
    site: Site, sender: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.uploads.reception.SILENCE_SECONDS", 120)
    url = sender.begun(len(CONTENT))
    body = Stalling(CONTENT, stop_at=400_000)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(sender.send(url, 0, body)))
    first.start()
    assert body.stopped.wait(timeout=60)
    eventually(lambda: is_locked(site), seconds=60, what="the first request to hold the lock")

    assert sender.send(url, 0, b"x").status_code == httpx.codes.LOCKED
    assert sender.give_up(url).status_code == httpx.codes.LOCKED

    body.go_on.set()
    first.join()
    assert answers[0].status_code == httpx.codes.NO_CONTENT
    assert sender.offset(url) == len(CONTENT)


def is_locked(site: Site) -> bool:
    with site.database.reading() as session:
        return session.scalars(select(Upload.lock_token)).one() is not None


def test_a_silent_sender_is_given_up_and_keeps_what_came(
    site: Site, sender: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.uploads.reception.SILENCE_SECONDS", 0.5)
    url = sender.begun(len(CONTENT))
    body = Stalling(CONTENT, stop_at=400_000)
    thread = threading.Thread(target=lambda: silently(sender, url, body))
    thread.start()
    assert body.stopped.wait(timeout=60)
    eventually(lambda: sender.offset(url) == 400_000, seconds=30, what="the bytes to be recorded")

    assert sender.send(url, 400_000, CONTENT[400_000:]).status_code == httpx.codes.NO_CONTENT
    body.go_on.set()
    thread.join()
    assert staged(site, url) == CONTENT


def silently(sender: Uploader, url: str, body: Stalling) -> None:
    """Send, and take whatever end the server makes of it."""
    try:
        sender.send(url, 0, body)
    except httpx.TransportError:
        return


def test_a_slow_sender_keeps_its_lock(
    site: Site, sender: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each save renews the lock: the clock passes its end several times meanwhile."""
    monkeypatch.setattr("server.uploads.reception.SAVE_SECONDS", 0)
    url = sender.begun(len(CONTENT))

    def slow() -> Iterator[bytes]:
        for begin in range(0, len(CONTENT), 100_000):
            yield CONTENT[begin : begin + 100_000]
            eventually(lambda sent=begin: sender.offset(url) > sent, seconds=30, what="a save")
            site.clock.time += 0.75 * LOCK

    assert sender.send(url, 0, slow()).status_code == httpx.codes.NO_CONTENT
    assert staged(site, url) == CONTENT


def test_the_command_goes_on_in_another_process(
    site: Site, address: str, sender: Uploader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.uploads.REQUEST_BYTES", 200_000)
    folder = site.settings.data_dir
    path = folder / "entry.zip"
    path.write_bytes(CONTENT)
    settings = ClientSettings(address, sender.headers["Authorization"].removeprefix("Bearer "))
    entry = Entry(board=BoardAddress("fully-unsupervised", "tiny", "test"), declarations=NO_TO_ALL)
    sent: list[int] = []

    def stop_in_the_middle(doing: str, done: int) -> None:
        if doing == "Sending" and done > 500_000:
            raise KeyboardInterrupt

    def submit(on_progress: object) -> object:
        with Api(settings) as api:
            remembered = RememberedUploads(address, folder=folder / "state")
            return Sending(api, remembered, on_progress).submit(entry, path)

    with pytest.raises(KeyboardInterrupt):
        submit(stop_in_the_middle)
    assert rows(site) == (0, 1)
    submission = submit(lambda doing, done: sent.append(done) if doing == "Sending" else None)

    assert sent[0] >= 400_000
    assert rows(site) == (1, 1)
    assert submission["archive_bytes"] == len(CONTENT)


def test_a_form_whose_sender_goes_away_leaves_nothing(
    site: Site, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    form = httpx.Request(
        "POST",
        f"{address}/api/v1/submissions",
        data={"protocol": "free", "subset": "tiny", "split": "test"}
        | {"declarations": json.dumps(NO_TO_ALL)},
        files={"archive": ("entry.zip", CONTENT)},
        headers={"Authorization": f"Bearer {site.token()}"},
    )
    lines = [f"{name}: {value}" for name, value in form.headers.items()]
    with socket.create_connection((form.url.host, form.url.port or 80)) as connection:
        connection.sendall(
            "\r\n".join(["POST /api/v1/submissions HTTP/1.1", *lines, "", ""]).encode()
        )
        connection.sendall(form.read()[: len(CONTENT) // 2])

    eventually(lambda: "went away" in caplog.text, seconds=60, what="the server to notice")
    assert rows(site) == (0, 0)
    assert not list(site.store.entries("archives"))
    assert not list(site.settings.staging_folder.iterdir())
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]
