"""A submission travels the whole way: by browser, by `luss submit`, by plain HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import chromium
from tests.support.database import NO_TO_ALL
from tests.support.stack import DECLARE, EMAIL, PASSWORD, Stack

pytestmark = pytest.mark.slow
S50 = Path(__file__).parents[1] / "golden" / "s50"
EXPECTED = json.loads((S50 / "expected.json").read_text())["scores"]
BOARD = ["--protocol", "fully-unsupervised", "--subset", "50", "--split", "test"]


@pytest.fixture(scope="module", params=["embedded_stack", "native_stack"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Everything here holds on SQLite with a file broker and on PostgreSQL with Redis."""
    started: Stack = request.getfixturevalue(request.param)
    return started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def row_of(stack: Stack, method: str) -> dict[str, Any]:
    board = stack.get("/api/v1/boards/fully-unsupervised/50/test")
    (row,) = [each for each in board["rows"] if each["method"] == method]
    found: dict[str, Any] = row
    return found


class TestInABrowser:
    @pytest.fixture
    def page(self, browser: Browser, stack: Stack) -> Iterator[Page]:
        with browser.new_context(base_url=stack.url) as context:
            page = context.new_page()
            page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
            yield page

    @pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
    def test_sign_in_upload_watch_and_find_the_score_on_the_board(
        self, browser: Browser, stack: Stack, scripts: bool
    ) -> None:
        name = f"By browser {'with' if scripts else 'without'} scripts"
        with browser.new_context(base_url=stack.url, java_script_enabled=scripts) as context:
            page = context.new_page()
            self.sign_in(page)
            self.fill_in(page, name)
            page.get_by_role("button", name="Submit").click()
            self.wait_until_scored(page, scripts=scripts)

            page.goto("/boards/fully-unsupervised/50/test")
            row = page.locator("tr", has=page.get_by_text(name, exact=True))
            shown = row.locator("[data-score=miou]").inner_text()

        assert float(shown.split()[0]) == pytest.approx(EXPECTED["good"]["miou"], abs=0.01)

    @staticmethod
    def sign_in(page: Page) -> None:
        page.goto("/submit")
        page.locator("[name=email]").fill(EMAIL)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").click()
        expect(page.locator("[name=archive]")).to_be_attached()

    @staticmethod
    def fill_in(page: Page, method: str) -> None:
        page.goto("/submit")
        page.locator("[name=protocol]").select_option("fully-unsupervised")
        page.locator("[name=subset]").select_option("50")
        page.locator("[name=split]").select_option("test")
        for key in NO_TO_ALL:
            answer = "yes" if key == "label_generation" else "no"
            page.locator(f"[name={key}][value={answer}]").check()
        page.locator("[name=method_name]").fill(method)
        page.locator("[name=archive]").set_input_files(S50 / "good.zip")

    @staticmethod
    def wait_until_scored(page: Page, *, scripts: bool) -> None:
        state = page.locator("[data-state]").first
        for _ in range(60):
            if state.get_attribute("data-state") == "scored":
                return
            page.wait_for_timeout(500)
            if not scripts:
                page.reload()
        raise AssertionError(f"the page still says {state.get_attribute('data-state')}")

    def test_a_wrong_password_is_told_and_the_address_is_kept(self, page: Page) -> None:
        page.goto("/sign-in")
        page.locator("[name=email]").fill(EMAIL)
        page.locator("[name=password]").fill("not this one")
        page.locator("main form button").click()

        expect(page.get_by_text("No account has this e-mail address and password")).to_be_visible()
        expect(page.locator("[name=email]")).to_have_value(EMAIL)

    def test_the_boards_of_imagenet_s_show_their_reported_rows(self, page: Page) -> None:
        for subset in ("50", "300", "919"):
            page.goto(f"/boards/fully-unsupervised/{subset}/test")
            expect(page.get_by_text("PASS-s", exact=True).first).to_be_visible()


class TestByTheCommand:
    def test_submit_waits_and_prints_the_scores(self, stack: Stack) -> None:
        run = stack.luss("submit", S50 / "generated.zip", *BOARD, *DECLARE, "--wait", "--json")

        body = json.loads(run.stdout)
        assert body["state"] == "scored"
        assert body["scores"]["miou"] == pytest.approx(EXPECTED["generated"]["miou"], rel=1e-5)
        assert row_of(stack, "generated")["submission"] == body["id"]

    def test_status_and_board_answer_in_json(self, stack: Stack) -> None:
        run = stack.luss("submit", S50 / "messy.zip", *BOARD, *DECLARE, "--wait", "--json")
        public_id = json.loads(run.stdout)["id"]

        status = json.loads(stack.luss("status", public_id, "--json").stdout)
        board = json.loads(stack.luss("board", *BOARD, "--json").stdout)

        assert status["state"] == "scored"
        assert public_id in [row["submission"] for row in board["rows"]]
        assert board["phase"] == "open"

    def test_edit_and_withdraw_change_what_the_board_shows(self, stack: Stack) -> None:
        run = stack.luss("submit", S50 / "good.zip", *BOARD, *DECLARE, "--wait", "--json")
        public_id = json.loads(run.stdout)["id"]

        stack.luss("edit", public_id, "--set", "method_name=By edit", "--set", "networks=ViT")
        assert row_of(stack, "By edit")["backbone"] == "ViT"
        withdrawn = stack.luss("withdraw", public_id, "--yes", "--json")

        assert json.loads(withdrawn.stdout)["state"] == "withdrawn"
        board = json.loads(stack.luss("board", *BOARD, "--json").stdout)
        assert "By edit" not in [row["method"] for row in board["rows"]]

    def test_a_rejected_archive_exits_with_1_and_says_what_to_mend(
        self, stack: Stack, tmp_path: Path
    ) -> None:
        archive = tmp_path / "entry.zip"
        archive.write_bytes(b"not a zip")

        run = stack.luss("submit", archive, *BOARD, *DECLARE, "--wait", check=False)

        assert run.returncode == 1
        assert "zip" in run.stdout + run.stderr

    def test_an_unknown_split_is_a_usage_error_with_a_hint(self, stack: Stack) -> None:
        words = ["--protocol", "free", "--subset", "50", "--split", "tset"]
        run = stack.luss("submit", S50 / "good.zip", *words, *DECLARE, check=False)

        assert run.returncode == 2
        assert "did you mean" in run.stderr.lower()

    def test_without_all_seven_declarations_it_lists_the_missing(self, stack: Stack) -> None:
        run = stack.luss("submit", S50 / "good.zip", *BOARD, *DECLARE[:-2], check=False)

        assert run.returncode == 2
        assert list(NO_TO_ALL)[-1] in run.stderr

    def test_check_asks_the_server_for_the_manifest(self, stack: Stack) -> None:
        words = ["--classes", "50", "--server", stack.url, "--subset", "50", "--split", "test"]
        run = stack.luss("check", S50 / "good.zip", *words, "--json")

        assert json.loads(run.stdout)["ok"]

    def test_a_server_that_does_not_answer_exits_with_3(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stack, "url", "http://127.0.0.1:9")

        assert stack.luss("board", *BOARD, check=False).returncode == 3


class TestByPlainHttp:
    def test_post_poll_and_read_the_board(self, stack: Stack) -> None:
        with (S50 / "good.zip").open("rb") as archive:
            answer = httpx.post(
                f"{stack.url}/api/v1/submissions",
                data={
                    "protocol": "fully-unsupervised",
                    "subset": "50",
                    "split": "test",
                    "declarations": json.dumps({**NO_TO_ALL, "label_generation": True}),
                    "method_name": "By HTTP",
                },
                files={"archive": archive},
                headers={"Authorization": f"Bearer {stack.token}"},
            )
        assert answer.status_code == 201, answer.text

        body = stack.final(answer.json()["id"])

        assert body["state"] == "scored"
        row = row_of(stack, "By HTTP")
        for name, value in row["scores"].items():
            assert value == pytest.approx(EXPECTED["good"][name], rel=1e-5), name
        assert body["scores"]["per_class_iou"] == pytest.approx(
            EXPECTED["good"]["per_class_iou"],
            abs=0.005,  # the split is hidden
        )
