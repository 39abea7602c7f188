"""An upload that becomes a submission: verified, once, and leaving the staging folder."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from server.accounts import tokens
from server.jobs.queue import SCORE_SUBMISSION, Job
from server.models import Scope, Submission, Upload
from server.submissions import arrival, service
from server.uploads import staging
from tests.support.database import NO_TO_ALL, NOW
from tests.support.site import ADA, EVE, Site
from tests.support.uploads import Uploader, announced, id_of

ARCHIVE = b"PK\x03\x04" + b"x" * 100_000
SUBMISSIONS = "/api/v1/submissions"


def entry(url: str, **changes: object) -> dict[str, object]:
    return {
        "protocol": "fully-unsupervised",
        "subset": "tiny",
        "split": "test",
        "declarations": NO_TO_ALL,
        "upload_id": id_of(url),
        **changes,
    }


def uploader(site: Site, email: str = ADA) -> Uploader:
    with site.database.unit_of_work() as session:
        token = tokens.create_for(session, email=email, scope=Scope.SUBMIT, days=None, now=NOW)
    return Uploader(site.browser().client, token)


@pytest.fixture
def ada(site: Site) -> Uploader:
    return uploader(site)


def enter(sender: Uploader, url: str, *, key: str | None = None, **changes: object) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return sender.client.post(
        SUBMISSIONS, json=entry(url, **changes), headers={**sender.headers, **headers}
    )


def kept(site: Site) -> tuple[int, int, int, int]:
    """Return how many submissions, archives, uploads and staged files there are."""
    with site.database.reading() as session:
        submissions = len(session.scalars(select(Submission.id)).all())
        uploads = len(session.scalars(select(Upload.id)).all())
    archives = len(list(site.store.entries("archives")))
    return submissions, archives, uploads, len(list(staging.all_in(site.settings.staging_folder)))


class TestAccepted:
    def test_makes_one_row_one_archive_and_rings_once(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE)
        assert kept(site) == (0, 0, 1, 1)

        answer = enter(ada, url, method_name="Pass", public=False)

        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert (body["method"], body["public"], body["declarations"]) == ("Pass", False, NO_TO_ALL)
        assert body["archive_bytes"] == len(ARCHIVE)
        assert body["archive_sha256"] == hashlib.sha256(ARCHIVE).hexdigest()
        assert kept(site) == (1, 1, 1, 0)
        assert site.queue.rung == [Job(SCORE_SUBMISSION, 1)]
        with site.store.as_file(service.archive_key(body["id"])) as path:
            assert path.read_bytes() == ARCHIVE

    def test_takes_a_form_with_the_id_in_place_of_the_archive(
        self, site: Site, ada: Uploader
    ) -> None:
        fields = entry(ada.sent(ARCHIVE)) | {"declarations": json.dumps(NO_TO_ALL)}
        parts = {name: (None, value) for name, value in fields.items()}

        answer = ada.client.post(SUBMISSIONS, files=parts, headers=ada.headers)

        assert answer.status_code == 201, answer.text
        assert kept(site) == (1, 1, 1, 0)

    def test_a_repeat_under_the_same_key_makes_nothing_new(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE)
        first, second = enter(ada, url, key="k"), enter(ada, url, key="k")

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["id"] == second.json()["id"]
        assert kept(site) == (1, 1, 1, 0)

    def test_the_page_takes_it_too(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE)
        browser = site.browser().sign_in()
        form = browser.page("/submit").one("main").one("form")
        token = form.one("input", name="form_token").attributes["value"]
        fields = {**dict.fromkeys(NO_TO_ALL, "no"), "upload_id": id_of(url), "form_token": token}
        fields |= {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
        parts = {name: (None, value) for name, value in fields.items()}

        assert browser.client.post("/submit", files=parts).status_code == 303
        assert kept(site) == (1, 1, 1, 0)


class TestRefused:
    def refused(self, site: Site, answer: Any, status: int, code: str) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        assert body["code"] == code
        assert kept(site)[:2] == (0, 0)
        assert site.queue.rung == []
        return body

    def test_an_upload_of_which_bytes_are_missing(self, site: Site, ada: Uploader) -> None:
        url = ada.begun(len(ARCHIVE))
        ada.send(url, 0, ARCHIVE[:-1])

        body = self.refused(site, enter(ada, url), 409, "upload_incomplete")

        assert body["offset"] == len(ARCHIVE) - 1
        ada.send(url, len(ARCHIVE) - 1, ARCHIVE[-1:])
        assert enter(ada, url).status_code == 201

    def test_somebody_elses_upload(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE)

        self.refused(site, enter(uploader(site, EVE), url), 404, "not_found")
        assert kept(site) == (0, 0, 1, 1)

    def test_an_expired_upload(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE)
        site.clock.time += site.settings.uploads_wait

        self.refused(site, enter(ada, url), 410, "upload_gone")

    def test_bytes_that_are_not_what_was_announced(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE, metadata=announced(hashlib.sha256(b"other").hexdigest()))

        self.refused(site, enter(ada, url), 422, "upload_differs")
        assert kept(site) == (0, 0, 0, 0)

    def test_a_refused_entry_leaves_the_upload_to_be_entered_again(
        self, site: Site, ada: Uploader
    ) -> None:
        url = ada.sent(ARCHIVE, metadata=announced(hashlib.sha256(ARCHIVE).hexdigest()))

        self.refused(site, enter(ada, url, protocol="unsupervised"), 404, "not_found")
        self.refused(site, enter(ada, url, declarations={}), 422, "declarations_incomplete")
        assert enter(ada, url).status_code == 201

    def test_an_archive_beside_it(self, site: Site, ada: Uploader) -> None:
        fields = {**entry(ada.sent(ARCHIVE)), "declarations": json.dumps(NO_TO_ALL)}
        answer = ada.client.post(
            SUBMISSIONS, data=fields, files={"archive": ARCHIVE}, headers=ada.headers
        )

        self.refused(site, answer, 422, "upload_malformed")

    @pytest.mark.parametrize(
        ("content", "status", "code"),
        [
            (b"{", 422, "upload_malformed"),
            (b"[]", 422, "upload_malformed"),
            (b"[" * 100_000, 422, "upload_malformed"),
            (b"{}", 422, "field_invalid"),
            (b'"' + b"x" * 300_000 + b'"', 413, "archive_too_large"),
        ],
        ids=["cut", "list", "deep", "empty", "long"],
    )
    def test_json_that_is_no_entry(
        self, site: Site, ada: Uploader, content: bytes, status: int, code: str
    ) -> None:
        headers = {**ada.headers, "Content-Type": "application/json"}
        answer = ada.client.post(SUBMISSIONS, content=content, headers=headers)

        self.refused(site, answer, status, code)

    def test_nothing_is_lost_when_the_row_cannot_be_written(
        self, site: Site, ada: Uploader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = ada.sent(ARCHIVE)

        def broken(*_args: object, **_named: object) -> None:
            raise RuntimeError("the database went away")

        with monkeypatch.context() as patch:
            patch.setattr(service, "accept", broken)
            assert enter(ada, url).status_code == 500

        assert kept(site) == (0, 0, 1, 1)
        assert enter(ada, url).status_code == 201


class TestOnce:
    def test_a_used_upload_becomes_no_second_submission(self, site: Site, ada: Uploader) -> None:
        url = ada.sent(ARCHIVE)
        enter(ada, url)

        answer = enter(ada, url, key="another")

        assert (answer.status_code, answer.json()["code"]) == (409, "upload_used")
        assert kept(site) == (1, 1, 1, 0)

    @pytest.mark.parametrize("key", [None, "the same"])
    def test_of_many_at_the_same_time_one_wins(
        self, site: Site, ada: Uploader, monkeypatch: pytest.MonkeyPatch, key: str | None
    ) -> None:
        """Let four requests find the upload unused before any of them uses it."""
        url = ada.sent(ARCHIVE)
        together = threading.Barrier(4)
        keep = arrival.keep

        def keep_together(*args: Any) -> str:
            together.wait(timeout=60)
            return keep(*args)

        monkeypatch.setattr(arrival, "keep", keep_together)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: enter(ada, url, key=key), range(4)))

        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == ([201] * 4 if key else [201, 409, 409, 409])
        assert len({each.json()["id"] for each in answers if each.status_code == 201}) == 1
        assert kept(site) == (1, 1, 1, 0)
        assert site.queue.rung == [Job(SCORE_SUBMISSION, 1)]


@pytest.mark.parametrize("name", ["subset", "method_name", "declarations", "upload_id"])
def test_half_a_character_is_refused(ada: Uploader, site: Site, name: str) -> None:
    whole = entry(ada.sent(ARCHIVE), **{name: {"@": True} if name == "declarations" else "@"})
    sent = {**ada.headers, "Content-Type": "application/json"}

    answer = ada.client.post(
        SUBMISSIONS, content=json.dumps(whole).replace("@", "\\ud800"), headers=sent
    )

    assert answer.status_code == 422
    assert "half a character" in answer.json()["detail"]
    assert kept(site)[0] == 0
