"""The way of the bytes in, through HTTP: what is refused, and that nothing of it stays."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from server.accounts import tokens
from server.app import create_app
from server.clock import SetClock
from server.db import Database
from server.jobs.queue import SCORE_SUBMISSION, Job, RecordingQueue
from server.models import ApiToken, Membership, Scope, Submission, SubmissionState, User
from server.settings import Settings
from server.storage.retrying import StoreUnavailable, open_store
from server.submissions import service
from server.teams.service import create_team
from tests.support.database import NO_TO_ALL, NOW, add_subset, add_truth, add_user

ARCHIVE = b"PK\x03\x04" + b"x" * 100_000
FIELDS = {
    "protocol": "fully-unsupervised",
    "subset": "tiny",
    "split": "test",
    "declarations": json.dumps(NO_TO_ALL),
}


class Site:
    """A running app, a token, and a look behind the counter."""

    def __init__(self, database: Database, queue: RecordingQueue, folder: Path) -> None:
        self.queue = queue
        self.settings = Settings(data_dir=folder, upload_limit_bytes=1_000_000)
        self.store = open_store("memory://")
        self.app = create_app(self.settings, queue=queue, store=self.store, clock=SetClock(NOW))
        self.client = TestClient(self.app)
        self.database = database
        with database.unit_of_work() as session:
            add_subset(session)
            add_truth(session)
            add_user(session)
            self.token = self.token_of(session, Scope.SUBMIT)

    def team_of_ada(self, name: str) -> str:
        """Make a team in which Ada is and return its public id."""
        with self.database.unit_of_work() as session:
            ada = session.scalars(select(User)).one()
            return create_team(session, user_id=ada.id, name=name, now=NOW).public_id

    @staticmethod
    def token_of(session: Session, scope: Scope) -> str:
        return tokens.create_for(session, email="ada@example.org", scope=scope, days=None, now=NOW)

    def post(
        self,
        fields: dict[str, str] | None = None,
        *,
        token: str | None = None,
        archive: bytes = ARCHIVE,
        headers: dict[str, str] | None = None,
    ) -> Any:
        return self.client.post(
            "/api/v1/submissions",
            data=FIELDS if fields is None else fields,
            files={"archive": ("entry.zip", archive)},
            headers={"Authorization": f"Bearer {token or self.token}", **(headers or {})},
        )

    def kept(self) -> tuple[int, int, int]:
        """Return how many rows, archives and staged files there are."""
        with self.database.reading() as session:
            rows = len(session.scalars(select(Submission.id)).all())
        staging = self.settings.staging_folder
        staged = len(list(staging.iterdir())) if staging.exists() else 0
        return rows, len(list(self.store.entries("archives"))), staged


@pytest.fixture
def site(served: tuple[Database, RecordingQueue], tmp_path: Path) -> Iterator[Site]:
    built = Site(*served, tmp_path)
    yield built
    built.app.state.rooms.database.close()


class TestAccepted:
    def test_makes_one_row_one_archive_and_rings_once(self, site: Site) -> None:
        answer = site.post()

        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["state"] == SubmissionState.RECEIVED
        assert body["archive_bytes"] == len(ARCHIVE)
        assert answer.headers["location"] == body["url"]
        assert site.kept() == (1, 1, 0)
        assert site.queue.rung == [Job(SCORE_SUBMISSION, 1)]

    def test_keeps_the_bytes_as_they_were_sent(self, site: Site) -> None:
        body = site.post().json()

        with site.store.as_file(service.archive_key(body["id"])) as path:
            assert path.read_bytes() == ARCHIVE

    def test_takes_declarations_as_one_answer_a_field(self, site: Site) -> None:
        fields = {name: value for name, value in FIELDS.items() if name != "declarations"}
        fields |= {**dict.fromkeys(NO_TO_ALL, "no"), "label_generation": "yes"}

        body = site.post(fields).json()

        assert body["declarations"] == {**NO_TO_ALL, "label_generation": True}

    def test_is_for_ones_own_team_unless_another_is_named(self, site: Site) -> None:
        team_id = site.team_of_ada("The Analysts")
        teams = [
            site.post({**FIELDS, **named}).json()["team"]
            for named in ({}, {"team": ""}, {"team": "The Analysts"}, {"team": team_id})
        ]

        assert teams == ["ada", "ada", "The Analysts", "The Analysts"]

    def test_writes_down_that_the_token_is_in_use(self, site: Site) -> None:
        site.post()

        with site.database.reading() as session:
            assert session.scalars(select(ApiToken.last_used_at)).all() == [NOW]

    def test_a_repeat_under_the_same_key_makes_nothing_new(self, site: Site) -> None:
        first = site.post(headers={"Idempotency-Key": "k-1"})
        second = site.post(headers={"Idempotency-Key": "k-1"})

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["id"] == second.json()["id"]
        assert site.kept() == (1, 1, 0)


class TestRefused:
    def refused(self, site: Site, answer: Any, status: int, code: str) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        body: dict[str, Any] = answer.json()
        assert body["code"] == code
        assert site.kept() == (0, 0, 0)
        assert site.queue.rung == []
        return body

    def test_a_wrong_token(self, site: Site) -> None:
        self.refused(site, site.post(token="luss_wrong"), 401, "not_signed_in")

    def test_no_token(self, site: Site) -> None:
        answer = site.client.post("/api/v1/submissions", data=FIELDS, files={"archive": ARCHIVE})

        self.refused(site, answer, 401, "not_signed_in")

    def test_a_token_for_reading_only(self, site: Site) -> None:
        with site.database.unit_of_work() as session:
            token = site.token_of(session, Scope.READ)

        self.refused(site, site.post(token=token), 403, "not_allowed")

    def test_an_archive_over_the_limit_by_its_declared_length(self, site: Site) -> None:
        answer = site.post(archive=b"x" * 3_000_000)

        self.refused(site, answer, 413, "archive_too_large")

    def test_an_archive_that_outgrows_the_limit_on_its_way(self, site: Site) -> None:
        answer = site.post(archive=b"x" * 1_000_001)

        self.refused(site, answer, 413, "archive_too_large")

    def test_an_idempotency_key_that_no_row_can_hold(self, site: Site) -> None:
        answer = site.post(headers={"Idempotency-Key": "k" * 121})

        self.refused(site, answer, 422, "field_invalid")

    def test_a_team_that_one_is_not_in_or_that_is_not_clear(self, site: Site) -> None:
        ids = [site.team_of_ada("Twins") for _ in range(2)]
        unclear = site.post({**FIELDS, "team": "Twins"}, archive=b"").json()
        unknown = site.post({**FIELDS, "team": "Others"}, archive=b"").json()

        assert (unclear["code"], unclear["field"]) == ("field_invalid", "team")
        assert all(each in unclear["detail"] for each in ids)
        assert "'Twins'" in unknown["detail"]

    def test_a_team_that_was_left_while_the_bytes_travelled(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        public_id = site.team_of_ada("The Analysts")
        put = site.store.put

        def leave_meanwhile(*arguments: Any) -> None:
            put(*arguments)
            with site.database.unit_of_work() as session:
                session.execute(delete(Membership))

        monkeypatch.setattr(site.store, "put", leave_meanwhile)
        answer = site.post({**FIELDS, "team": public_id})

        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert site.kept() == (0, 0, 0)

    def test_an_empty_archive(self, site: Site) -> None:
        self.refused(site, site.post(archive=b""), 422, "archive_empty")

    def test_a_form_without_an_archive(self, site: Site) -> None:
        answer = site.client.post(
            "/api/v1/submissions",
            files={name: (None, value) for name, value in FIELDS.items()},
            headers={"Authorization": f"Bearer {site.token}"},
        )

        self.refused(site, answer, 422, "archive_empty")

    def test_a_file_under_another_name(self, site: Site) -> None:
        answer = site.client.post(
            "/api/v1/submissions",
            data=FIELDS,
            files={"zip": ARCHIVE},
            headers={"Authorization": f"Bearer {site.token}"},
        )

        self.refused(site, answer, 422, "upload_malformed")

    def test_a_body_that_is_no_form(self, site: Site) -> None:
        answer = site.client.post(
            "/api/v1/submissions",
            content=ARCHIVE,
            headers={"Authorization": f"Bearer {site.token}"},
        )

        self.refused(site, answer, 422, "upload_malformed")

    @pytest.mark.parametrize("cut", [50, 700, 5_000, 99_000])
    def test_a_body_that_was_cut(self, site: Site, cut: int) -> None:
        request = site.client.build_request(
            "POST", "/api/v1/submissions", data=FIELDS, files={"archive": ARCHIVE}
        )
        answer = site.client.post(
            "/api/v1/submissions",
            content=request.read()[:cut],
            headers={
                "Authorization": f"Bearer {site.token}",
                "Content-Type": request.headers["content-type"],
            },
        )

        assert answer.status_code == 422
        assert site.kept() == (0, 0, 0)

    def test_fields_after_the_archive(self, site: Site) -> None:
        parts = [*((n, (None, v)) for n, v in FIELDS.items())]
        answer = site.client.post(
            "/api/v1/submissions",
            files=[*parts, ("archive", ("a.zip", ARCHIVE)), ("public", (None, "false"))],
            headers={"Authorization": f"Bearer {site.token}"},
        )

        self.refused(site, answer, 422, "upload_malformed")

    @pytest.mark.parametrize(
        ("change", "status", "code", "says"),
        [
            ({"protocol": "unsupervised"}, 404, "not_found", "did you mean fully-unsupervised"),
            ({"split": "tset"}, 404, "not_found", "did you mean test"),
            ({"subset": "tinny"}, 404, "not_found", "did you mean tiny"),
            ({"split": "val"}, 409, "truth_missing", "luss admin dataset"),
            ({"declarations": "{}"}, 422, "declarations_incomplete", "semi_masks"),
            ({"declarations": "no"}, 422, "declarations_incomplete", "not JSON"),
            ({"declarations": "[]"}, 422, "declarations_incomplete", "JSON object"),
            (
                {"declarations": json.dumps({**NO_TO_ALL, "extra_data": 1})},
                422,
                "declarations_incomplete",
                "true and false",
            ),
            (
                {"declarations": json.dumps({**NO_TO_ALL, "semi_masks": True})},
                422,
                "declarations_contradict",
                "semi-supervised would take",
            ),
            ({"public": "maybe"}, 422, "field_invalid", "true or false"),
            ({"method_name": "m" * 201}, 422, "field_invalid", "200"),
        ],
    )
    def test_what_the_fields_say(
        self, site: Site, change: dict[str, str], status: int, code: str, says: str
    ) -> None:
        body = self.refused(site, site.post({**FIELDS, **change}), status, code)

        assert says in body["detail"]

    def test_a_store_that_does_not_answer(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(*_args: object) -> None:
            raise StoreUnavailable("the store could not keep it: 503 at http://inside:9000")

        monkeypatch.setattr(site.store, "put", silent)
        body = self.refused(site, site.post(), 503, "storage_unavailable")

        assert "inside" not in body["detail"]

    def test_nothing_stays_when_the_row_cannot_be_written(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: object, **_named: object) -> None:
            raise RuntimeError("the database went away")

        monkeypatch.setattr(service, "accept", broken)
        answer = site.post()

        assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
        assert site.kept() == (0, 0, 0)


class TestReading:
    def test_a_submission_in_flight_is_its_teams_alone(self, site: Site) -> None:
        submission = site.post().json()["id"]
        with site.database.unit_of_work() as session:
            add_user(session, "eve@example.org")
            eve = tokens.create_for(
                session, email="eve@example.org", scope=Scope.SUBMIT, days=None, now=NOW
            )
        path = f"/api/v1/submissions/{submission}"

        own = site.client.get(path, headers={"Authorization": f"Bearer {site.token}"})
        other = site.client.get(path, headers={"Authorization": f"Bearer {eve}"})

        assert own.status_code == 200
        assert other.status_code == 404
        assert site.client.get(path).status_code == 404

    def test_the_list_is_paged_by_cursor(self, site: Site) -> None:
        made = [site.post().json()["id"] for _ in range(5)]
        headers = {"Authorization": f"Bearer {site.token}"}

        seen, cursor = [], ""
        while True:
            page = site.client.get(f"/api/v1/submissions?limit=2{cursor}", headers=headers).json()
            seen += [each["id"] for each in page["submissions"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"

        assert seen == made[::-1]

    def test_what_comes_in_meanwhile_moves_no_page(self, site: Site) -> None:
        made = [site.post().json()["id"] for _ in range(4)]
        headers = {"Authorization": f"Bearer {site.token}"}
        first = site.client.get("/api/v1/submissions?limit=2", headers=headers).json()

        site.post()
        path = f"/api/v1/submissions?limit=2&cursor={first['next_cursor']}"
        second = site.client.get(path, headers=headers).json()

        assert [each["id"] for each in second["submissions"]] == made[1::-1]
        assert second["next_cursor"] is None

    @pytest.mark.parametrize("cursor", ["", "1", "-1", "²", "nothing", "%00", "9" * 30, "9" * 5000])
    def test_a_cursor_of_ones_own_is_refused(self, site: Site, cursor: str) -> None:
        site.post()
        headers = {"Authorization": f"Bearer {site.token}"}

        answer = site.client.get(f"/api/v1/submissions?cursor={cursor}", headers=headers)

        assert answer.status_code == 422
        assert answer.json()["code"] == "field_invalid"
        assert "cursor" in answer.json()["detail"]
