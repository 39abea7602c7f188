"""An organizer sets a board on a phone, by keyboard, in a real browser that runs no scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import chromium
from tests.support.database import PASSWORD
from tests.support.serving import listening
from tests.support.site import BOARD, EVE, Site

pytestmark = pytest.mark.slow
PHONE = {"width": 375, "height": 812}


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    site.make_organizer(EVE)
    with (
        chromium() as browser,
        listening(site) as address,
        browser.new_context(base_url=address, java_script_enabled=False, viewport=PHONE) as context,
    ):
        page = context.new_page()
        page.goto("/sign-in?next=/account")
        page.get_by_label("E-mail").fill(EVE)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).press("Enter")
        yield page


def is_as_wide_as_the_phone(page: Page) -> bool:
    boxes = [each.bounding_box() for each in page.locator("main :is(p, input, td, th)").all()]
    return all(box is None or box["x"] + box["width"] <= PHONE["width"] for box in boxes)


def test_pauses_a_board_until_a_time(page: Page, site: Site) -> None:
    page.get_by_role("link", name="Settings of the boards").press("Enter")
    assert is_as_wide_as_the_phone(page)
    page.get_by_role("link", name="Fully unsupervised, test").press("Enter")
    assert is_as_wide_as_the_phone(page)

    page.get_by_label("In a UTC day").fill("none of your business")
    page.get_by_label("Closes").fill("2027-01-31 12:00")
    page.get_by_label("Paused: it takes none").press("Space")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("it is a whole number")
    expect(page.get_by_label("Closes")).to_have_value("2027-01-31 12:00")
    expect(page.get_by_label("Paused: it takes none")).to_be_checked()
    assert is_as_wide_as_the_phone(page)

    page.get_by_label("In a UTC day").fill("3")
    page.get_by_label("Set it on").select_option("All boards of Tiny")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator("main")).to_contain_text("What was changed is set on 8 boards.")
    expect(page.get_by_label("Closes")).to_have_value("2027-01-31 12:00 UTC")

    shown = site.browser().get(f"/api/v1{BOARD}").json()
    assert (shown["phase"], shown["closes_at"]) == ("paused", "2027-01-31T12:00:00Z")
    assert shown["limits"]["daily"] == 3
