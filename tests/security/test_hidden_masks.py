"""The canary: nothing that the web process can reach, says or logs tells of a hidden mask.

The masks of this split have numbers of pixels that occur nowhere else. After a whole journey they
are in the vault, and must be nowhere but there: not as numbers, digests, or bytes.
"""

import hashlib
import json
import re
import sqlite3
import struct
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from server.accounts import tokens
from server.app import create_app
from server.models import Scope, SubmissionState, User
from server.settings import Settings
from tests.support.database import NO_TO_ALL, NOW, PASSWORD
from tests.support.logs import captured_logs
from tests.support.masks import Ids, name_of, write_folder, zip_bytes
from tests.support.service import Service, service_in
from worker import scoring, sweep

SHAPE = (400, 500)
PIXELS = SHAPE[0] * SHAPE[1]
CLASSES = 3
# Primes, so that no sum, size or time is one of them by accident; two images a class and more.
OF_ITS_CLASS = (104_729, 112_909, 124_783, 130_379, 142_097, 155_501, 161_363, 173_993)
ENTRY = {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
BOARD = "/api/v1/boards/fully-unsupervised/tiny/test"
OPAQUE = re.compile(r"(?<![0-9A-Za-z])(?=\d*[A-Za-z])[0-9A-Za-z]{16,}")
"""Hashes, tokens and binary values: they hold any five digits some day, by chance."""


def truth() -> dict[str, Ids]:
    masks = {}
    for index, count in enumerate(OF_ITS_CLASS):
        plane = np.zeros(PIXELS, np.uint16)
        plane[:count] = index % CLASSES + 1
        masks[name_of(index)] = plane.reshape(SHAPE)
    return masks


def guesses(shift: int) -> dict[str, Ids]:
    """Masks of stripes that know nothing of the truth."""
    rows = (np.arange(SHAPE[0], dtype=np.uint16) // 40 + shift) % (CLASSES + 1)
    return {name: np.repeat(rows[:, None], SHAPE[1], axis=1) for name in truth()}


@dataclass
class Canary:
    """What only somebody who has seen the masks can know."""

    numbers: set[int]
    words: set[str] = field(default_factory=set)
    pieces: set[bytes] = field(default_factory=set)

    def sung_in(self, content: bytes) -> set[str]:
        """Return what of it is found in some bytes."""
        text = content.decode("utf-8", "replace")
        seen = {
            int(digits)
            for digits in re.findall(r"(?<![\d.])\d{5,6}(?![\d.])", OPAQUE.sub("-", text))
        }
        found = {str(number) for number in seen & self.numbers}
        found |= {word for word in self.words if word in text}
        return found | {piece.hex() for piece in self.pieces if piece in content}


def canary_of(masks: Path, tallies: Path) -> Canary:
    counts = set(OF_ITS_CLASS) | {PIXELS - count for count in OF_ITS_CLASS}
    for table in tallies.rglob("*.parquet"):
        counts |= set(numbers_in(pq.read_table(table).to_pylist()))
    canary = Canary({count for count in counts if 10_000 <= count < PIXELS})
    for count in OF_ITS_CLASS:
        canary.words |= {repr(count / PIXELS), repr(100 * count / PIXELS)}
    for path in masks.rglob("*.png"):
        canary.words.add(hashlib.sha256(path.read_bytes()).hexdigest())
        canary.pieces |= {hashlib.sha256(path.read_bytes()).digest(), path.read_bytes()[33:97]}
    canary.pieces |= {struct.pack("<q", count) for count in canary.numbers}
    return canary


def numbers_in(thing: Any) -> Iterator[int]:
    match thing:
        case bool():
            return
        case int():
            yield thing
        case dict():
            yield from numbers_in(list(thing.values()))
        case list():
            for each in thing:
                yield from numbers_in(each)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "masks", truth())


@pytest.fixture
def service(tmp_path: Path, masks: Path) -> Iterator[Service]:
    (tmp_path / "data").mkdir()
    with service_in(tmp_path / "data", masks=masks, classes=CLASSES) as service:
        yield service


class Journey:
    """Everything that somebody does who wants to know more than scores, and all that is said."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.service, self.said = service, dict[str, bytes]()
        settings = Settings(data_dir=folder, environment="test")
        context = service.context
        app = create_app(settings, queue=service.queue, store=context.store, clock=service.clock)
        with context.database.unit_of_work() as session:  # who may see the most
            session.get_one(User, service.user.id).is_organizer = True
            token = tokens.create_for(
                session, email=service.user.email, scope=Scope.ORGANIZE, days=1, now=NOW
            )
        self.secrets = (token, settings.secret_key.get_secret_value(), PASSWORD)
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
        self.client = TestClient(app, headers=headers, raise_server_exceptions=False)

    def sign_in(self) -> None:
        form = self.client.get("/sign-in", headers={"Authorization": ""}).text
        (token,) = set(re.findall(r'name="form_token"\s+value="(\w+)"', form))
        fields = {"email": self.service.user.email, "password": PASSWORD, "form_token": token}
        answer = self.client.post("/sign-in", data=fields, follow_redirects=False)
        assert answer.status_code == 303, answer.text

    def submit(self, archive: bytes, **changes: str) -> str:
        fields = {**ENTRY, "declarations": json.dumps(NO_TO_ALL), **changes}
        answer = self.client.post(
            "/api/v1/submissions", data=fields, files={"archive": ("entry.zip", archive)}
        )
        self.said[f"answer to {len(self.said)}"] = answer.content
        return str(answer.json().get("id", ""))

    def score(self) -> None:
        """Let a worker do what was rung for; then time passes, and the sweeper rings again."""
        jobs = list(self.service.queue.rung)
        self.service.queue.rung.clear()
        for job in jobs:
            scoring.run(self.service.context, job.row_id)
        self.service.clock.time += timedelta(minutes=5)
        sweep.run(self.service.context)

    def state(self, public_id: str) -> str:
        return str(self.client.get(f"/api/v1/submissions/{public_id}").json()["state"])

    def read_everything(self, *more: str) -> None:
        """Follow each link of the site, and ask for each form of each answer."""
        waiting = [
            *more,
            *("/", "/api/v1/boards", "/api/v1/status", "/metrics", "/api/v1/submissions"),
            *("/account", "/organizing/boards", "/reference-runs"),
            *("/api/v1/datasets/tiny/test/manifest", "/api/openapi.json", "/nothing/here"),
            *(f"{BOARD}?format={form}&detail={detail}&entries=all"
              for form in ("json", "csv", "latex") for detail in ("summary", "per-class")),
        ]  # fmt: skip
        while waiting:
            path = waiting.pop()
            if path in self.said:
                continue
            answer = self.client.get(path)
            self.said[path] = str(answer.headers).encode() + answer.content
            if answer.headers.get("content-type", "").startswith("text/html"):
                links = re.findall(r'(?:href|src|data-follow)="(/[^"#]*)', answer.text)
                waiting += [link.replace("&amp;", "&") for link in links]
            waiting += [
                f"/api/v1/{kind}/{word}"
                for kind, word in re.findall(r"/(submissions|methods)/([\w-]+)", path)
            ]


def test_a_journey_tells_nothing_of_the_masks(
    service: Service, masks: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    logged = service.context.settings.model_copy(update={"log_level": "debug"})
    with captured_logs(logged) as written:
        journey = Journey(service, data)
        scored = [
            journey.submit(zip_bytes(guesses(shift)), method_name=f"Stripes {shift}")
            for shift in range(2)
        ]
        journey.submit(zip_bytes(guesses(2)))  # one more than may be in flight
        journey.score()
        broken = guesses(0)
        broken[name_of(0)] = broken[name_of(0)][:-1]
        del broken[name_of(1)]
        rejected = journey.submit(zip_bytes(broken))
        journey.submit(b"", method_name="Nothing")
        journey.sign_in()
        journey.submit(zip_bytes(guesses(0)), split="tset")
        journey.score()
        assert [journey.state(each) for each in scored] == [SubmissionState.SCORED] * 2
        assert journey.state(rejected) == SubmissionState.REJECTED

        failed = journey.submit(zip_bytes(guesses(3)))
        (pack,) = (data / "vault").rglob("*.pack")
        content = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(content[: len(content) // 2])
        for _ in range(4):
            journey.score()
        journey.read_everything(f"/compare?ids={','.join(scored)}")
        assert journey.state(failed) == SubmissionState.FAILED

    canary = canary_of(masks, data / "vault" / "tallies")
    assert canary.sung_in(str(OF_ITS_CLASS[0]).encode())
    assert canary.sung_in(f"height_{OF_ITS_CLASS[0]}px".encode())  # within short words, too
    assert len(canary.numbers) > 4 * len(OF_ITS_CLASS)  # the vault has tallies to tell of
    assert len(journey.said) > 40
    assert not [secret for secret in journey.secrets if secret in written.text]
    reachable = {**journey.said, "logs": written.text.encode(), **within_reach(data)}
    for place, content in reachable.items():
        assert not canary.sung_in(content), place


def within_reach(data: Path) -> dict[str, bytes]:
    """Return all that lies outside the vault: rows as text, files, and what archives hold."""
    with closing(sqlite3.connect(data / "luss.sqlite3")) as database:
        found = {"database": "\n".join(database.iterdump()).encode()}
    for path in data.rglob("*"):
        inside = path.relative_to(data).parts
        if not path.is_file() or inside[0] == "vault" or inside[0].startswith("luss.sqlite3"):
            continue
        found[str(path)] = path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found |= {f"{path}/{name}": archive.read(name) for name in archive.namelist()}
    return found
