"""What the scripts add, in a real browser, and that the styles hold on a phone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from server.models import ModelRun, ModelRunState, Split, Submission, SubmissionState
from server.protocols import FACT_KEYS
from tests.support.chromium import chromium
from tests.support.database import PASSWORD
from tests.support.serving import listening
from tests.support.site import ADA, BOARD, Site, site_in
from tests.support.weights import RESNET18, safetensors

pytestmark = pytest.mark.slow
PHONE = {"width": 375, "height": 812}
SUBMIT = "/submit?protocol=distance-matching&subset=tiny&split=test"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_in(tmp_path_factory.mktemp("site")) as site:
        site.scored(30.0, method="A method with a name that is as long as names on boards can be")
        site.reported("Paper", 50.0)
        yield site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    with listening(site) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with browser.new_context(base_url=address) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
        page.on("console", lambda line: line.type != "error" or complain(line.text))
        yield page


def complain(text: str) -> None:
    """Fail on what the browser complains of, but for answers that refuse a form."""
    assert "422" in text, text


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.locator("[name=email]").fill(ADA)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form button").click()
    expect(page.locator("h1")).to_have_text("My submissions")


def test_a_refused_form_keeps_the_archive_that_was_chosen(page: Page, tmp_path: Path) -> None:
    archive = tmp_path / "predictions.zip"
    archive.write_bytes(b"PK\x03\x04" + b"x" * 1000)
    sign_in(page)
    page.goto(SUBMIT)
    for key in FACT_KEYS:
        page.locator(f"[name={key}][value=no]").check()
    page.locator("[name=label_generation][value=yes]").check()
    page.locator("[name=method_name]").fill("Kept")
    page.locator("[name=archive]").set_input_files(archive)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("label_generation")

    expect(page.locator("[name=method_name]")).to_have_value("Kept")
    page.locator("[name=label_generation][value=no]").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("h1")).to_have_text("Kept")


def test_the_board_that_is_chosen_says_what_is_left_and_when_it_closes(
    browser: Browser, tmp_path: Path
) -> None:
    place = {"timezone_id": "Asia/Tokyo", "locale": "en-GB"}
    with (
        site_in(tmp_path) as site,
        listening(site) as address,
        browser.new_context(base_url=address, **place) as context,
    ):
        site.change_boards(daily_limit=4, closes_at=datetime(2026, 11, 30, 23, tzinfo=UTC))
        page = context.new_page()
        sign_in(page)
        page.goto("/submit")
        limits = page.locator("[data-limits]")
        expect(limits).to_have_text("")
        page.locator("[name=protocol]").select_option("free")
        for name in ("subset", "split"):  # chosen already where there is one
            page.locator(f"[name={name}]").select_option(index=0)

        expect(limits).to_contain_text("4 of 4 today")
        closes = "Closing time: 2026-11-30 23:00 UTC (1 Dec 2026, 08:00 GMT+9). Later"
        expect(limits).to_contain_text(closes)
        page.goto("/boards/free/tiny/test")
        expect(page.locator("[data-closes]")).to_contain_text(closes)


def test_a_submission_is_followed_until_it_is_done(page: Page, site: Site) -> None:
    public_id = site.submission(state=SubmissionState.SCORING, progress_done=1, progress_total=100)
    sign_in(page)
    page.goto(f"/submissions/{public_id}")
    change(site, public_id, progress_done=50)
    expect(page.locator("[data-progress-done]")).to_have_text("50")

    change(site, public_id, postponed_because="The worker's disk is full.")
    expect(page.get_by_text("The worker's disk is full.")).to_be_visible(timeout=15_000)

    change(site, public_id, state=SubmissionState.REJECTED)
    expect(page.locator("[data-state=rejected]")).to_be_visible(timeout=15_000)


def test_weights_are_sent_and_their_run_is_followed(browser: Browser, tmp_path: Path) -> None:
    other, backbone = tmp_path / "other.safetensors", tmp_path / "backbone.safetensors"
    other.write_bytes(safetensors({"features.0.weight": (1, 3, 3, 3)}))
    backbone.write_bytes(RESNET18)
    with (
        site_in(tmp_path) as site,
        listening(site) as address,
        browser.new_context(base_url=address, viewport=PHONE) as context,
    ):
        change_all(site, Split, image_folder="/images")
        page = context.new_page()
        sign_in(page)
        page.goto(SUBMIT)
        for key in FACT_KEYS:
            page.locator(f"[name={key}][value=no]").check()
        page.locator("[name=method_name]").fill("Ours")
        page.locator("[name=kind][value=weights]").check()
        page.locator("[name=archive]").set_input_files(other)
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("alert")).to_contain_text("Known are ResNet-18")

        expect(page.locator("[name=kind][value=weights]")).to_be_checked()
        page.locator("[name=archive]").set_input_files(backbone)
        page.get_by_role("button", name="Submit").click()
        expect(page.locator("h1")).to_contain_text("run by the server")
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

        change_all(site, ModelRun, state=ModelRunState.RUNNING, step=3, steps=6)
        expect(page.locator("[data-progress-done]")).to_have_text("3", timeout=15_000)
        change_all(site, ModelRun, step=7, steps=160)
        expect(page.locator("[data-progress-total]")).to_have_text("160", timeout=15_000)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def change_all(site: Site, rows: type[Split | ModelRun], **values: object) -> None:
    with site.database.unit_of_work() as session:
        session.execute(update(rows).values(values))


def change(site: Site, public_id: str, **values: object) -> None:
    with site.database.unit_of_work() as session:
        statement = update(Submission).where(Submission.public_id == public_id)
        session.execute(statement.values(values))


@pytest.mark.parametrize(
    "path", ["/", BOARD, "/docs/submitting", "/docs/protocols", "/docs/components", SUBMIT]
)
def test_no_page_is_wider_than_a_phone(page: Page, path: str) -> None:
    sign_in(page)
    page.set_viewport_size(PHONE)
    page.goto(path)

    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == PHONE["width"]


def test_the_method_stays_in_sight_while_a_board_scrolls(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.goto(BOARD)
    page.locator(".table-scroll").evaluate("board => { board.scrollLeft = 400 }")

    box = page.locator("th.method").first.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < PHONE["width"] / 4


def test_the_api_can_be_tried_with_nothing_from_another_host(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/docs/try")

    page.locator("#operations-boards-boards_index .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table tbody td.response-col_status")
    expect(answer).to_contain_text("200")

    assert f"{address}/api/v1/boards" in asked
    assert all(url.startswith((address, "data:")) for url in asked), asked
