"""Weights in place of masks, as they come in: what is taken, what is refused, what is shown."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from server.jobs.queue import RUN_MODEL, SCORE_SUBMISSION, Job
from server.models import ModelRun, ModelRunState, Split, SplitName, Submission, SubmissionState
from server.protocols import FACT_KEYS
from server.submissions import leases, predictions, service
from tests.support import html
from tests.support.database import LEASE, NO_TO_ALL, NOW, TERMS
from tests.support.site import EVE, Browser, Site, site_in
from tests.support.uploads import Uploader, id_of
from tests.support.weights import RESNET18, safetensors

S, R = SubmissionState, ModelRunState
FIELDS = {
    "protocol": "distance-matching",
    "subset": "tiny",
    "split": "test",
    "declarations": json.dumps(NO_TO_ALL),
    "kind": "weights",
    "method_name": "Ours",
}
BOARD = "/boards/distance-matching/tiny/test"
HERE = "/submit?protocol=distance-matching&subset=tiny&split=test&kind=weights"
ANSWERS = dict.fromkeys(FACT_KEYS, "no")
OTHER_LAYOUT = safetensors({"features.0.weight": (2, 3, 3, 3)})


def show_images(site: Site, folder: str | None = "/images/tiny") -> None:
    with site.database.unit_of_work() as session:
        session.execute(
            update(Split).where(Split.name == SplitName.TEST).values(image_folder=folder)
        )


@pytest.fixture
def site(site: Site) -> Site:
    show_images(site)
    return site


@pytest.fixture
def ada(site: Site) -> TestClient:
    return site.client({"Authorization": f"Bearer {site.token()}"})


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.browser().sign_in()


def enter(client: TestClient, content: bytes = RESNET18, **changes: str) -> Any:
    files = {"archive": ("weights.safetensors", content)}
    return client.post("/api/v1/submissions", data=FIELDS | changes, files=files)


def by_upload(client: TestClient, token: str, content: bytes, **changes: str) -> Any:
    url = Uploader(client, token).sent(content)
    said = FIELDS | {"declarations": NO_TO_ALL, "upload_id": id_of(url)} | changes
    return client.post("/api/v1/submissions", json=said)


def rows(site: Site) -> list[Submission]:
    with site.database.reading() as session:
        return list(session.scalars(select(Submission)))


def the_run(site: Site) -> ModelRun:
    with site.database.reading() as session:
        return session.scalars(select(ModelRun)).one()


def stored(site: Site) -> list[str]:
    return [entry.key for folder in ("archives", "weights") for entry in site.store.entries(folder)]


def move(site: Site, run: ModelRun, **columns: Any) -> None:
    with site.database.unit_of_work() as session:
        session.execute(update(ModelRun).where(ModelRun.id == run.id).values(**columns))


class TestAccepted:
    @pytest.mark.parametrize("is_uploaded", [False, True], ids=["in the form", "uploaded first"])
    def test_they_wait_in_the_store_for_a_run_that_is_made_with_the_row(
        self, site: Site, ada: TestClient, is_uploaded: bool
    ) -> None:
        answer = by_upload(ada, site.token(), RESNET18) if is_uploaded else enter(ada)

        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert (body["state"], body["method"], body["run_here"]) == ("received", "Ours", True)
        assert (body["archive_sha256"], body["archive_bytes"], body["queue"]) == (None, 0, None)
        assert body["weights"] == {
            "sha256": hashlib.sha256(RESNET18).hexdigest(),
            "bytes": len(RESNET18),
            "run": {
                "state": "waiting",
                "attempts": 0,
                "done": 0,
                "total": 0,
                "seconds_left": None,
            },
        }
        (row,), run = rows(site), the_run(site)
        assert (row.archive_key, row.weights_key) == (None, service.weights_key(body["id"]))
        assert (run.submission_id, run.is_of_weights, run.state) == (row.id, True, R.WAITING)
        assert site.queue.rung == [Job(RUN_MODEL, run.id)]
        with site.store.as_file(str(row.weights_key)) as path:
            assert path.read_bytes() == RESNET18

    def test_the_page_takes_them_and_says_what_they_wait_for(
        self, site: Site, browser: Browser
    ) -> None:
        answer = browser.fill_in(HERE, RESNET18, **ANSWERS, method_name="Ours")

        assert answer.status_code == 303, answer.text
        page = browser.page(answer.headers["location"])
        assert "run by the server" in page.one("h1").text
        assert "wait for a worker that runs models" in page.text
        assert hashlib.sha256(RESNET18).hexdigest() in page.text
        assert page.one("section", class_="status").attributes["data-run"] == "waiting"

    def test_masks_are_what_is_meant_where_nothing_is_said(
        self, site: Site, ada: TestClient
    ) -> None:
        said = {name: value for name, value in FIELDS.items() if name != "kind"}
        files = {"archive": ("entry.zip", b"PK")}
        body = ada.post("/api/v1/submissions", data=said, files=files).json()

        assert (body["weights"], body["run_here"]) == (None, False)
        assert site.queue.rung == [Job(SCORE_SUBMISSION, 1)]

    def test_they_count_against_the_quota_until_they_are_refused(
        self, site: Site, ada: TestClient
    ) -> None:
        site.change_boards(daily_limit=1)
        assert enter(ada).status_code == 201
        assert enter(ada).json()["code"] == "quota_daily"

        with site.database.unit_of_work() as session:
            key = predictions.reject(session, rows(site)[0].id, findings=[], now=NOW)

        assert [key] == stored(site)
        assert enter(ada).status_code == 201

    def test_declarations_hold_as_for_masks(self, site: Site, ada: TestClient) -> None:
        declared = json.dumps(NO_TO_ALL | {"label_generation": True})

        answer = enter(ada, declarations=declared)

        assert answer.json()["code"] == "declarations_contradict"
        assert rows(site) == []


REFUSALS: dict[str, tuple[dict[str, str], bytes, int, str, str]] = {
    "another protocol": (
        {"protocol": "fully-unsupervised"},
        RESNET18,
        422,
        "weights_not_taken",
        "under Distance matching alone",
    ),
    "no safetensors": ({}, b"PK\x03\x04 a pickle", 422, "weights_unreadable", "save_file"),
    "a broken header": ({}, RESNET18[:-9], 422, "weights_unreadable", "follow the header"),
    "another network": ({}, OTHER_LAYOUT, 422, "weights_layout_unknown", "ResNet-50"),
    "no name": ({"method_name": " "}, RESNET18, 422, "field_invalid", "without a method.txt"),
    "no kind of that name": ({"kind": "mask"}, RESNET18, 422, "field_invalid", "masks or weights"),
}


class TestRefused:
    @pytest.mark.parametrize("name", REFUSALS)
    @pytest.mark.parametrize("is_uploaded", [False, True], ids=["in the form", "uploaded first"])
    def test_by_the_api_and_nothing_is_kept(
        self, site: Site, ada: TestClient, name: str, is_uploaded: bool
    ) -> None:
        changes, content, status, code, sentence = REFUSALS[name]
        if is_uploaded:
            answer = by_upload(ada, site.token(), content, **changes)
        else:
            answer = enter(ada, content, **changes)

        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert sentence in answer.json()["detail"]
        assert (rows(site), stored(site), site.queue.rung) == ([], [], [])

    @pytest.mark.parametrize("name", [name for name in REFUSALS if "kind" not in name])
    def test_by_the_page_and_what_was_typed_is_there_again(
        self, site: Site, browser: Browser, name: str
    ) -> None:
        changes, content, status, code, _ = REFUSALS[name]
        typed = {**ANSWERS, "kind": "weights", "method_name": "Ours", "networks": "R18", **changes}

        answer = browser.fill_in(HERE, content, **typed)

        assert answer.status_code == status
        page = html.read(answer.text)
        assert page.one("p", data_refused=code).text
        again = html.typed_into(page.one("form", action="/submit"))
        assert again.items() >= typed.items()
        assert stored(site) == []

    def test_where_the_images_are_not_registered(self, site: Site, ada: TestClient) -> None:
        show_images(site, None)

        answer = enter(ada)

        assert (answer.status_code, answer.json()["code"]) == (409, "images_missing")
        assert (rows(site), stored(site)) == ([], [])

    @pytest.mark.parametrize("is_uploaded", [False, True], ids=["in the form", "uploaded first"])
    def test_what_is_too_large_for_weights_though_not_for_an_archive(
        self, tmp_path: Path, is_uploaded: bool
    ) -> None:
        with site_in(tmp_path, weights_limit_bytes=len(RESNET18) - 1) as site:
            show_images(site)
            token = site.token()
            ada = site.client({"Authorization": f"Bearer {token}"})
            answer = by_upload(ada, token, RESNET18) if is_uploaded else enter(ada)

            assert (answer.status_code, answer.json()["code"]) == (413, "weights_too_large")
            assert enter(ada, b"x" * len(RESNET18), kind="masks").status_code == 201

    def test_what_an_upload_announces_is_refused_before_its_bytes(
        self, site: Site, ada: TestClient
    ) -> None:
        sender = Uploader(ada, site.token())
        words = {name: FIELDS[name] for name in ("subset", "split", "kind")}

        def announced(**changes: str) -> Any:
            said = (words | {"protocol": "distance-matching"} | changes).items()
            encoded = (f"{name} {b64encode(word.encode()).decode()}" for name, word in said)
            return sender.begin(len(RESNET18), metadata=",".join(encoded))

        assert announced(protocol="free").json()["code"] == "weights_not_taken"
        assert announced(kind="weight").json()["code"] == "field_invalid"
        assert announced().status_code == 201
        show_images(site, None)
        assert announced().json()["code"] == "images_missing"


class TestTheForm:
    def test_has_no_choice_of_kinds_where_nothing_can_be_run(
        self, site: Site, browser: Browser
    ) -> None:
        assert len(browser.page("/submit").all("input", name="kind")) == 2
        assert "Tiny, test" in browser.page("/submit").text

        show_images(site, None)

        assert browser.page("/submit").all("input", name="kind") == []

    def test_has_chosen_masks_unless_the_link_says_otherwise(self, browser: Browser) -> None:
        kinds = [
            html.typed_into(browser.page(path).one("form", action="/submit"))["kind"]
            for path in ("/submit", HERE)
        ]

        assert kinds == ["masks", "weights"]


class TestWhileTheyWait:
    def test_page_and_api_say_how_far_the_run_is(
        self, site: Site, ada: TestClient, browser: Browser
    ) -> None:
        public_id = enter(ada).json()["id"]
        move(site, the_run(site), state=R.RUNNING, step=3, steps=6, attempts=2)

        body = ada.get(f"/api/v1/submissions/{public_id}").json()
        page = browser.page(f"/submissions/{public_id}")

        assert (body["weights"]["run"]["done"], body["weights"]["run"]["total"]) == (3, 6)
        bar = page.one("progress").attributes
        assert (bar["value"], bar["max"]) == ("3", "6")
        assert "A worker runs the weights" in page.text
        assert "Something interrupted the run" in page.text

    def test_the_page_says_that_no_worker_runs_models(self, site: Site, ada: TestClient) -> None:
        enter(ada)
        address = f"/submissions/{rows(site)[0].public_id}"
        browser = site.browser().sign_in()

        site.serve("score")
        assert "No worker runs models now. Nothing is lost" in browser.page(address).text
        site.serve("score", "model")
        assert "No worker" not in browser.page(address).text

    def test_scoring_leaves_them_alone_until_there_are_masks(
        self, site: Site, ada: TestClient
    ) -> None:
        enter(ada)
        (row,) = rows(site)
        with site.database.unit_of_work() as session:
            assert leases.claim(session, row.id, now=NOW, terms=TERMS) is None
            assert leases.to_ring_again(session, now=NOW + 9 * LEASE, lease=LEASE) == []
        with site.database.unit_of_work() as session:
            leases.put_off(session, row.id, because="No room.", now=NOW, lease=LEASE)
        assert rows(site)[0].postponed_because is None
        with site.database.unit_of_work() as session:
            assert predictions.deliver(
                session,
                row.id,
                key="archives/x.zip",
                sha256="0" * 64,
                size_bytes=5,
                now=NOW,
                lease=LEASE,
            )
        assert site.queue.rung[-1] == Job(SCORE_SUBMISSION, row.id)
        with site.database.unit_of_work() as session:
            assert leases.claim(session, row.id, now=NOW, terms=TERMS) is not None

    def test_they_are_not_in_the_queue_of_scoring(self, site: Site, ada: TestClient) -> None:
        enter(ada)
        other = site.submission()

        place = ada.get(f"/api/v1/submissions/{other}").json()["queue"]

        assert place["position"] == 0
        assert ada.get("/api/v1/status").json()["queue"]["length"] == 1

    def test_reference_runs_are_not_among_them(self, site: Site, ada: TestClient) -> None:
        enter(ada)
        site.make_organizer(EVE)
        organizer = site.browser().sign_in(EVE)

        assert the_run(site).public_id not in organizer.get("/reference-runs").text
        assert organizer.get(f"/reference-runs/{the_run(site).public_id}").status_code == 404

    @pytest.mark.parametrize("state", [R.WAITING, R.RUNNING])
    def test_withdrawn_ones_end_their_run_and_forget_the_weights(
        self, site: Site, ada: TestClient, state: ModelRunState
    ) -> None:
        public_id = enter(ada).json()["id"]
        move(site, the_run(site), state=state)

        assert ada.delete(f"/api/v1/submissions/{public_id}").json()["state"] == "withdrawn"

        assert the_run(site).state is R.CANCELLED
        assert rows(site)[0].weights_key is None

    def test_masks_and_findings_come_too_late_for_withdrawn_ones(
        self, site: Site, ada: TestClient
    ) -> None:
        public_id = enter(ada).json()["id"]
        ada.delete(f"/api/v1/submissions/{public_id}")
        (row,) = rows(site)

        with site.database.unit_of_work() as session:
            assert predictions.reject(session, row.id, findings=[], now=NOW) is None
            assert not predictions.deliver(
                session, row.id, key="k", sha256="0" * 64, size_bytes=5, now=NOW, lease=LEASE
            )

        assert (rows(site)[0].state, rows(site)[0].archive_key) == (S.WITHDRAWN, None)
        assert Job(SCORE_SUBMISSION, row.id) not in site.queue.rung

    def test_withdrawn_ones_with_scores_forget_the_weights_too(
        self, site: Site, ada: TestClient
    ) -> None:
        public_id = site.scored(30.0, weights_key="weights/x.safetensors", weights_sha256="0")

        assert ada.delete(f"/api/v1/submissions/{public_id}").status_code == 200
        assert rows(site)[0].weights_key is None


def test_the_board_marks_them_as_run_by_the_server(site: Site, browser: Browser) -> None:
    site.scored(30.0, is_run_here=True, weights_sha256="0" * 64)

    page = browser.page("/boards/fully-unsupervised/tiny/test")

    assert "run by the server" in page.text
