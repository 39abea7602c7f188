"""The submit page's upload in a real browser: paused, cut off, reloaded, gone on with."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from server.models import Protocol, Submission, Upload
from server.protocols import FACT_KEYS
from server.submissions import service
from server.uploads import staging
from tests.support.chromium import chromium
from tests.support.database import PASSWORD
from tests.support.serving import listening
from tests.support.site import ADA, Site, site_in

pytestmark = pytest.mark.slow
CONTENT = random.Random(11).randbytes(900_000)
PIECE = 100_000
SUBMIT = "/submit?protocol=free&subset=tiny&split=test"
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as site:
        yield site


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.zip"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of somebody who is signed in, whose script sends small pieces."""
    with listening(site) as address, browser.new_context(base_url=address) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
        page.route("**/js/tus.js*", small_pieces)
        page.goto("/sign-in")
        page.locator("[name=email]").fill(ADA)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").click()
        expect(page.locator("h1")).to_have_text("My submissions")
        yield page


def small_pieces(route: Route) -> None:
    answer = route.fetch()
    text = re.sub(r"PIECE_BYTES = [^;]+;", f"PIECE_BYTES = {PIECE};", answer.text())
    assert f"PIECE_BYTES = {PIECE};" in text
    route.fulfill(response=answer, body=text)


class Wire:
    """Lets some pieces through and stops the others, as a connection that is lost would."""

    def __init__(self, page: Page, *, pieces: int) -> None:
        self.left = pieces
        self.offsets: list[int] = []
        page.route("**/api/v1/uploads/*", self._pass)

    def _pass(self, route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        if self.left <= 0:
            route.abort("connectionreset")
            return
        self.left -= 1
        self.offsets.append(int(route.request.headers["upload-offset"]))
        route.continue_()


def fill_in(page: Page, archive: Path) -> None:
    page.goto(SUBMIT)
    for key in FACT_KEYS:
        page.locator(f"[name={key}][value=no]").check()
    page.locator("[name=method_name]").fill("Resumed")
    page.locator("[name=archive]").set_input_files(archive)


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()


def text_is(page: Page, pattern: str) -> None:
    expect(page.locator("[data-upload-text]")).to_contain_text(pattern, timeout=PATIENCE_MS)


def stored(site: Site) -> list[bytes]:
    """Return what was submitted, byte for byte."""
    with site.database.reading() as session:
        ids = session.scalars(select(Submission.public_id)).all()
    found = []
    for public_id in ids:
        with site.store.as_file(service.archive_key(public_id)) as path:
            found.append(path.read_bytes())
    return found


def is_submitted(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Resumed", timeout=PATIENCE_MS)


def test_goes_on_after_a_reload_when_the_same_file_is_chosen_again(
    page: Page, site: Site, archive: Path
) -> None:
    wire = Wire(page, pieces=4)
    fill_in(page, archive)
    submit(page)
    text_is(page, "0.4 of 0.9 MB sent")

    page.reload()
    assert stored(site) == []
    fill_in(page, archive)
    text_is(page, "0.4 of 0.9 MB of this file have arrived")
    wire.left, wire.offsets = 100, []
    submit(page)

    is_submitted(page)
    assert wire.offsets == list(range(400_000, 900_000, PIECE))
    assert stored(site) == [CONTENT]
    assert list(staging.all_in(site.settings.staging_folder)) == []


def test_a_lost_connection_is_waited_for(page: Page, site: Site, archive: Path) -> None:
    wire = Wire(page, pieces=3)
    fill_in(page, archive)
    submit(page)
    text_is(page, "0.3 of 0.9 MB sent")
    wire.left = 100

    is_submitted(page)
    assert stored(site) == [CONTENT]


def test_pauses_and_resumes(page: Page, site: Site, archive: Path) -> None:
    wire = Wire(page, pieces=3)
    fill_in(page, archive)
    submit(page)
    text_is(page, "0.3 of 0.9 MB sent")
    page.get_by_role("button", name="Pause").click()
    text_is(page, "paused")
    wire.left = 100
    page.wait_for_timeout(1500)  # longer than the first pause between attempts
    assert len(wire.offsets) == 3

    page.get_by_role("button", name="Resume").click()

    is_submitted(page)
    assert stored(site) == [CONTENT]


def test_a_refused_form_does_not_send_the_archive_again(
    page: Page, site: Site, archive: Path
) -> None:
    wire = Wire(page, pieces=100)
    fill_in(page, archive)
    page.locator("[name=val_test_annotations][value=yes]").check()
    submit(page)
    expect(page.get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("has to be chosen again")).to_have_count(0)
    sent = len(wire.offsets)
    page.locator("[name=val_test_annotations][value=no]").check()
    submit(page)

    is_submitted(page)
    assert len(wire.offsets) == sent == len(CONTENT) / PIECE
    assert stored(site) == [CONTENT]


def test_what_is_over_the_quota_is_said_before_a_byte_is_sent(
    page: Page, site: Site, archive: Path
) -> None:
    wire = Wire(page, pieces=100)
    fill_in(page, archive)
    site.change_boards(daily_limit=1)
    site.submission(protocol=Protocol.FREE)
    submit(page)

    text_is(page, "Your team has 1 of 1 entries on this board today")
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()
    assert wire.offsets == []


def test_what_the_server_does_not_take_is_said(page: Page, site: Site, tmp_path: Path) -> None:
    large = tmp_path / "large.zip"
    large.write_bytes(b"x" * (site.settings.upload_limit_bytes + 1))
    fill_in(page, large)
    submit(page)

    text_is(page, "at most 1000000 are taken")
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()
    with site.database.reading() as session:
        assert session.scalars(select(Upload)).all() == []
