import pytest

from server.models import AttemptOutcome, SubmissionState
from server.protocols import FACT_KEYS
from server.submissions.pages import PAGE_LENGTH
from server.web import csrf
from server.web.filters import DASH
from tests.support import html
from tests.support.database import NOW
from tests.support.html import Element, typed_into
from tests.support.site import ADA, BOARD, EVE, Browser, Site

S = SubmissionState
ARCHIVE = b"PK\x03\x04" + b"x" * 1000
HERE = "/submit?protocol=fully-unsupervised&subset=tiny&split=test"
NO_TO_ALL = dict.fromkeys(FACT_KEYS, "no")
FINDING = {
    "code": "wrong_size",
    "severity": "error",
    "file": "n1/a.png",
    "expected": "4 x 5",
    "found": "5 x 4",
    "message": "n1/a.png: Write the mask at the size of its image.",
    "count": 3,
}


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.browser().sign_in()


class TestTheForm:
    def test_asks_for_all_that_the_server_reads_and_for_the_archive_last(
        self, ada: Browser
    ) -> None:
        form = ada.page("/submit").one("form", action="/submit")

        names = [each.attributes["name"] for each in form.inside if "name" in each.attributes]
        assert set(names) == {
            *("form_token", "protocol", "subset", "split", "public", *FACT_KEYS),
            *("method_name", "training_data", "training_scheme", "networks", "link"),
            *("description", "anonymous_until", "archive"),
        }
        assert names[-1] == "archive"
        assert form.attributes["enctype"] == "multipart/form-data"

    def test_declares_nothing_by_itself(self, ada: Browser) -> None:
        typed = typed_into(ada.page(HERE).one("form", action="/submit"))

        assert not set(FACT_KEYS) & set(typed)
        assert typed["public"] == "true"

    def test_has_chosen_the_board_of_the_link(self, ada: Browser) -> None:
        page = ada.page(HERE.replace("fully-unsupervised", "free"))

        typed = typed_into(page.one("form", action="/submit"))
        assert (typed["protocol"], typed["subset"], typed["split"]) == ("free", "tiny", "test")
        assert "Was it trained on images outside Tiny?" in page.text

    def test_offers_only_what_can_be_scored(self, ada: Browser) -> None:
        page = ada.page("/submit")

        offered = [page.one("select", name=name).all("option") for name in ("subset", "split")]
        assert [[option.text for option in each] for each in offered] == [["Tiny"], ["Test"]]
        assert "These can be scored here: Tiny, test." in page.text

    def test_offers_a_choice_of_teams_to_whoever_has_one(self, site: Site, ada: Browser) -> None:
        assert not ada.page(HERE).all("select", name="team")
        ada.fill_in("/account/teams/new", name="The Analysts")
        own, team = ada.page(HERE).one("select", name="team").all("option")

        assert (own.text, team.text) == ("ada", "The Analysts")
        assert "selected" in own.attributes
        sent = NO_TO_ALL | {"method_name": "Pass", "team": team.attributes["value"]}
        refused = html.read(ada.fill_in(HERE, b"", **sent).text)
        assert typed_into(refused.one("form", action="/submit"))["team"] == sent["team"]
        answer = ada.fill_in(HERE, ARCHIVE, **sent)
        assert "The Analysts" in ada.page(answer.headers["location"]).one("main").text

    def test_says_when_nothing_can(self, site: Site, ada: Browser) -> None:
        site.close_all_splits()
        page = ada.page("/submit")

        assert "Nothing can be submitted yet" in page.text
        assert not page.all("form", action="/submit")


class TestSending:
    def test_makes_a_submission_and_leads_to_its_page(self, site: Site, ada: Browser) -> None:
        answer = ada.fill_in(HERE, ARCHIVE, **NO_TO_ALL, method_name="Pass", public="false")

        assert answer.status_code == 303
        page = ada.page(answer.headers["location"])
        assert page.one("h1").text == "Pass private"
        assert page.one("section", class_="status").attributes["data-state"] == S.RECEIVED
        assert len(site.queue.rung) == 1
        assert len(list(site.store.entries("archives"))) == 1

    @pytest.mark.parametrize(
        ("fields", "refusal", "wrong"),
        [
            (
                {"semi_masks": "yes"},
                "422 The protocol semi-supervised would take this entry.",
                ["semi_masks"],
            ),
            ({"extra_data": "maybe"}, "422 Declare yes or no for: extra_data.", ["extra_data"]),
            ({"split": "val"}, "409 has no truth on this server yet", []),
            ({"subset": "tinny"}, "404 did you mean tiny?", []),
            ({"protocol": ""}, "422 The field protocol is missing", []),
            ({"method_name": "x" * 201}, "422 at most 200", ["method_name"]),
        ],
    )
    def test_a_refused_form_keeps_everything_that_was_typed(
        self, site: Site, ada: Browser, fields: dict[str, str], refusal: str, wrong: list[str]
    ) -> None:
        card = {"method_name": 'A "<method>"', "link": "https://example.org", "networks": "ViT"}
        sent = NO_TO_ALL | card | {"public": "false", "description": "Two\nlines"} | fields
        answer = ada.fill_in(HERE, ARCHIVE, **sent)
        page = html.read(answer.text)

        status, _, message = refusal.partition(" ")
        assert answer.status_code == int(status)
        assert message in page.one("div", role="alert").text
        kept = typed_into(page.one("form", action="/submit"))
        not_on_offer = {"maybe", "val", "tinny", ""}
        for name, value in sent.items():
            assert value in not_on_offer or kept[name] == value, name
        assert marked_wrong(page) == wrong
        assert not site.queue.rung
        assert not list(site.store.entries("archives"))

    def test_an_empty_archive_is_refused(self, ada: Browser) -> None:
        answer = ada.fill_in(HERE, b"", **NO_TO_ALL, method_name="Pass")

        assert answer.status_code == 422
        assert "choose the zip of masks" in answer.text
        assert 'value="Pass"' in answer.text

    def test_a_large_archive_is_refused(self, ada: Browser) -> None:
        answer = ada.fill_in(HERE, b"x" * 1_000_001, **NO_TO_ALL)

        assert answer.status_code == 413
        assert "larger than 1000000 bytes" in answer.text

    def test_a_form_of_another_site_is_refused_and_kept(self, site: Site, ada: Browser) -> None:
        fields = {csrf.FIELD: "0" * 64, "method_name": "Pass", **NO_TO_ALL}
        answer = ada.fill_in(HERE, ARCHIVE, **fields)

        assert answer.status_code == 403
        assert "This form has expired" in answer.text
        again = ada.post(
            "/submit", typed_into(html.read(answer.text).one("main").one("form")), ARCHIVE
        )
        assert again.status_code == 303
        assert len(site.queue.rung) == 1

    def test_nobody_in_particular_is_asked_to_sign_in(self, site: Site) -> None:
        answer = site.browser().post("/submit", NO_TO_ALL, ARCHIVE)

        assert answer.status_code == 401
        assert html.read(answer.text).one("main").one("a", class_="button").text == "Sign in"
        assert not site.queue.rung


def marked_wrong(page: Element) -> list[str]:
    """Return the names of the fields and questions that the page points at."""
    blocks = [each for each in page.inside if "field-wrong" in each.attributes.get("class", "")]
    return [
        next(each.attributes["name"] for each in block.inside if "name" in each.attributes)
        for block in blocks
    ]


class TestOnesOwn:
    def test_lists_those_of_ones_teams_alone(self, site: Site, ada: Browser) -> None:
        site.submission(method="Mine")
        site.submission(method="Hers", by=EVE)
        page = ada.page("/submissions")

        assert [row.one("th").text for row in page.one("tbody").all("tr")] == ["Mine"]

    def test_shows_state_score_and_what_is_private(self, site: Site, ada: Browser) -> None:
        site.submission(state=S.REJECTED)
        site.scored(30.0, is_public=False)
        rows = [row.text for row in ada.page("/submissions").one("tbody").all("tr")]

        assert "Pass private" in rows[0]
        assert "scored 30.00" in rows[0]
        assert f"rejected {DASH}" in rows[1]

    def test_goes_through_all_of_them_page_by_page(self, site: Site, ada: Browser) -> None:
        made = [site.submission(method=f"Number {n}") for n in range(PAGE_LENGTH + 1)]
        first = ada.page("/submissions")
        older = first.one("a", rel="next").attributes["href"]
        second = ada.page(f"/submissions{older}")

        shown = [
            row.one("a").attributes["href"].rpartition("/")[2]
            for page in (first, second)
            for row in (cell for cell in page.one("tbody").all("th"))
        ]
        assert shown == made[::-1]
        assert not second.all("a", rel="next")
        assert second.one("nav", class_="pager").one("a").attributes["href"] == "/submissions"

    def test_says_when_there_are_none(self, ada: Browser) -> None:
        assert "You have not submitted anything yet." in ada.page("/submissions").text

    @pytest.mark.parametrize("cursor", ["0", "-1", "x", "9" * 30])
    def test_refuses_a_cursor_that_is_none(self, ada: Browser, cursor: str) -> None:
        ada.page(f"/submissions?cursor={cursor}", status=422)

    def test_takes_as_many_queries_for_many_as_for_one(self, site: Site, ada: Browser) -> None:
        site.scored(30.0)
        with site.counted_queries() as few:
            ada.page("/submissions")
        for number in range(5):
            site.scored(30.0, method=f"Method {number}")
        with site.counted_queries() as many:
            ada.page("/submissions")

        assert len(many) == len(few)


class TestASubmission:
    @pytest.mark.parametrize("state", [S.RECEIVED, S.CHECKING, S.SCORING])
    def test_that_is_not_finished_is_followed(
        self, site: Site, ada: Browser, state: SubmissionState
    ) -> None:
        public_id = site.submission(state=state)
        page = ada.page(f"/submissions/{public_id}")

        status = page.one("section", class_="status")
        assert status.attributes["data-follow"] == f"/api/v1/submissions/{public_id}"
        assert status.one("a").text == "Refresh"
        assert [each for each in page.all("script") if "follow.js" in each.attributes["src"]]

    @pytest.mark.parametrize("state", [S.SCORED, S.REJECTED, S.FAILED, S.WITHDRAWN])
    def test_that_is_finished_is_not(
        self, site: Site, ada: Browser, state: SubmissionState
    ) -> None:
        page = ada.page(f"/submissions/{site.submission(state=state)}")

        assert page.one("section", class_="status").attributes["data-state"] == state
        assert not page.all("script")

    def test_shows_how_many_images_are_done(self, site: Site, ada: Browser) -> None:
        public_id = site.submission(state=S.SCORING, progress_done=34, progress_total=1682)
        page = ada.page(f"/submissions/{public_id}")

        bar = page.one("progress").attributes
        assert (bar["value"], bar["max"]) == ("34", "1682")
        assert "34 of 1 682 images" in page.one("p", class_="progress-line").text

    def test_says_how_many_wait_before_it(self, site: Site, ada: Browser) -> None:
        site.submission(by=EVE)
        site.submission(by=EVE, state=S.SCORED)
        public_id = site.submission()

        assert "Before it in the queue: 1." in ada.page(f"/submissions/{public_id}").text

    def test_says_when_its_scores_may_be_there(self, site: Site, ada: Browser) -> None:
        site.attempt(site.scored(30.0), images=160, seconds=16)
        waiting = site.submission()

        text = ada.page(f"/submissions/{waiting}").text

        assert "its scores are here in less than half a minute" in text

    def test_tells_of_attempts_in_calm_words(self, site: Site, ada: Browser) -> None:
        public_id = site.submission(state=S.SCORING, progress_total=9)
        site.attempt(public_id)
        for number, reason in ((1, "worker lost"), (2, "took too long")):
            outcome = AttemptOutcome.LOST
            site.attempt(public_id, shard=1, number=number, outcome=outcome, reason=reason)
        site.attempt(public_id, shard=0, outcome=None, ended_at=None)

        page = ada.page(f"/submissions/{public_id}")

        assert [line.text for line in page.one("ul", class_="interruptions").all("li")] == [
            "Shard 2, attempt 1: worker lost, tried again.",
            "Shard 2, attempt 2: took too long, will be tried again.",
        ]
        rows = page.one("table", class_="attempts").one("tbody").all("tr")
        assert [row.all("td")[-1].text for row in rows] == [
            "done",
            "worker lost, tried again",
            "took too long, will be tried again",
            "at work",
        ]

    def test_tells_the_same_to_programs(self, site: Site, ada: Browser) -> None:
        public_id = site.submission(state=S.SCORING, progress_total=9)
        site.attempt(public_id, shard=1, outcome=AttemptOutcome.LOST, reason="worker lost")
        site.attempt(public_id, shard=1, number=2, outcome=None, ended_at=None)
        address = f"/api/v1/submissions/{public_id}"

        body = ada.get(address).json()

        assert body["attempts"] == 2
        assert [
            (each["shard"], each["outcome"], each["reason"]) for each in body["attempt_log"]
        ] == [
            (1, "lost", "worker lost"),
            (1, None, None),
        ]
        assert body["queue"] == {"position": 0, "estimated_seconds": None}
        assert ada.get(f"/api/v1/submissions/{site.scored(30.0)}").json()["queue"] is None

    def test_lists_what_to_mend(self, site: Site, ada: Browser) -> None:
        warning = FINDING | {"severity": "warning", "file": None, "code": "extra_file"}
        public_id = site.submission(state=S.REJECTED, findings=[FINDING, warning])
        page = ada.page(f"/submissions/{public_id}")

        errors, warnings = page.all("table", class_="findings stacked")
        assert errors.one("tbody").text == (
            "n1/a.png 4 x 5 5 x 4 Write the mask at the size of its image. wrong_size 3"
        )
        assert "extra_file" in warnings.text
        again = page.one("a", class_="button").attributes["href"]
        assert again == HERE

    def test_says_whose_fault_a_failure_is(self, site: Site, ada: Browser) -> None:
        public_id = site.submission(state=S.FAILED, failure="The worker was lost.")

        assert "our fault, not yours" in ada.page(f"/submissions/{public_id}").text

    def test_says_what_a_postponed_submission_waits_for(self, site: Site, ada: Browser) -> None:
        public_id = site.submission(postponed_because="The worker's disk is full.")
        status = ada.page(f"/submissions/{public_id}").one("section", class_="status")

        assert "The worker's disk is full. Nothing is lost" in status.text
        json = ada.get(f"/api/v1/submissions/{public_id}").json()
        assert json["postponed_because"] == "The worker's disk is full."

    def test_says_that_no_worker_scores(self, site: Site, ada: Browser) -> None:
        waiting, done = site.submission(), site.scored(30.0)
        nobody = "No worker scores now. Nothing is lost"

        assert nobody in ada.page(f"/submissions/{waiting}").one("section", class_="status").text
        assert nobody not in ada.page(f"/submissions/{done}").text
        site.serve("model")
        assert nobody in ada.page(f"/submissions/{waiting}").text
        site.serve("score")
        assert nobody not in ada.page(f"/submissions/{waiting}").text

    def test_that_is_final_waits_for_nothing(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0, postponed_because="The worker's disk is full.")

        assert "disk" not in ada.page(f"/submissions/{public_id}").one("main").text
        assert ada.get(f"/api/v1/submissions/{public_id}").json()["postponed_because"] is None

    def test_says_when_the_archive_was_deleted(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0, archive_key=None, archive_expired_at=NOW)

        page = ada.page(f"/submissions/{public_id}")
        assert "Archive deleted on 2026-11-20 by policy" in page.text
        assert page.one("dl", class_="headline").text
        json = ada.get(f"/api/v1/submissions/{public_id}").json()
        assert json["archive_expired_at"] == "2026-11-20T12:00:00Z"

    def test_shows_every_score(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0)
        page = ada.page(f"/submissions/{public_id}")

        headline = page.one("dl", class_="headline").all("dd")[0]
        assert headline.text == "30.00 [29.0, 31.0]"
        assert headline.one("span", data_score="miou").text == "30.00"
        assert len(page.one("table", class_="by-size").all("td")) == 8
        classes = page.one("table", class_="per-class").one("tbody").all("tr")
        assert [row.one("th").text for row in classes] == [
            *("other", "category 1", "category 2", "category 3")
        ]
        assert classes[3].one("td", data_score="iou").text == "99.00"
        assert classes[3].one("td", data_score="biou").text == "49.50"

    def test_keeps_every_version_of_its_scores(self, site: Site, ada: Browser) -> None:
        public_id = site.scored(30.0, truth="an old truth")
        page = ada.page(f"/submissions/{public_id}")

        assert "an old truth old truth" in page.one("table", class_="versions").text

    def test_shows_what_was_declared_and_which_bytes_came(self, site: Site, ada: Browser) -> None:
        page = ada.page(f"/submissions/{site.submission(archive_sha256='ab' * 32)}")

        answers = [each.text for each in page.one("dl", class_="declared").all("dd")]
        assert answers == ["no"] * 7
        assert "ab" * 32 in page.text

    def test_without_a_name_is_called_by_its_id(self, site: Site, ada: Browser) -> None:
        public_id = site.submission(method=None)

        assert ada.page(f"/submissions/{public_id}").one("h1").text == f"Submission {public_id}"

    def test_that_was_published_is_open_to_everyone(self, site: Site) -> None:
        page = site.browser().page(f"/submissions/{site.scored(30.0)}")

        assert page.one("p", class_="eyebrow").one("a").attributes["href"] == BOARD
        assert page.one("h1").one("a").attributes["href"] == "/methods/pass"

    @pytest.mark.parametrize("state", [S.RECEIVED, S.REJECTED, S.SCORED])
    def test_of_another_team_is_not_found(self, site: Site, state: SubmissionState) -> None:
        public_id = site.submission(by=ADA, state=state, is_public=False)

        site.browser().page(f"/submissions/{public_id}", status=404)
        site.browser().sign_in(EVE).page(f"/submissions/{public_id}", status=404)
