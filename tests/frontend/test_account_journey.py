"""From a stranger to a team's first entry, in a real browser that runs no scripts of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from server.protocols import FACT_KEYS
from tests.support.chromium import chromium
from tests.support.database import PASSWORD
from tests.support.serving import listening
from tests.support.site import EVE, Site

pytestmark = pytest.mark.slow
BOB = "bob@example.org"
PHONE = {"width": 375, "height": 812}


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    with (
        chromium() as browser,
        listening(site) as address,
        browser.new_context(base_url=address, java_script_enabled=False, viewport=PHONE) as context,
    ):
        yield context.new_page()


def send(page: Page, button: str, **fields: str) -> None:
    """Fill in fields by their labels and press a button, with the keyboard alone."""
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)
    page.get_by_role("button", name=button, exact=True).press("Enter")


def test_from_a_stranger_to_an_entry_of_a_team(page: Page, site: Site, tmp_path: Path) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").press("Enter")
    send(page, "Make an account", **{"E-mail": BOB, "Name": "Bob B.", "Password": "short"})
    expect(page.get_by_role("alert")).to_contain_text("at least 10")
    expect(page.get_by_label("Name")).to_have_value("Bob B.")
    send(page, "Make an account", Password=PASSWORD)
    expect(page.locator("h1")).to_have_text("Look into your mail")

    page.goto(site.link_mailed_to(BOB))
    send(page, "Confirm")
    send(page, "Sign in", **{"E-mail": BOB, "Password": PASSWORD})
    expect(page.locator("h1")).to_have_text("My submissions")

    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("link", name="Make a team").click()
    send(page, "Make the team", **{"Name of the team": "The Analysts"})
    expect(page.locator("h1")).to_have_text("The Analysts")
    send(page, "Send the invitation", **{"E-mail": EVE})
    expect(page.locator("main")).to_contain_text(EVE)
    assert "Bob" not in site.mails(EVE)[-1].subject

    page.goto("/account/tokens")
    page.get_by_label("Scope").select_option("submit")
    send(page, "Make a token", Name="the cluster")
    token = page.locator("[data-token]").inner_text()

    archive = tmp_path / "predictions.zip"
    archive.write_bytes(b"PK\x03\x04" + b"x" * 1000)
    page.goto("/submit?protocol=fully-unsupervised&subset=tiny&split=test")
    page.get_by_label("Team", exact=True).select_option(label="The Analysts")
    for key in FACT_KEYS:
        page.locator(f"[name={key}][value=no]").check()
    page.locator("[name=method_name]").fill("First")
    page.locator("[name=archive]").set_input_files(archive)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("h1")).to_have_text("First")
    expect(page.locator("main")).to_contain_text("The Analysts")

    answer = page.request.get(
        "/api/v1/submissions", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert [each["team"] for each in answer["submissions"]] == ["The Analysts"]


def test_no_page_of_accounts_is_wider_than_a_phone(page: Page, site: Site) -> None:
    page.goto("/sign-in")
    send(page, "Sign in", **{"E-mail": EVE, "Password": PASSWORD})
    page.goto("/account/teams/new")
    long_name = "A team with a name as long as names of teams can be, and some more of it"
    send(page, "Make the team", **{"Name of the team": long_name})
    send(page, "Send the invitation", **{"E-mail": "somebody.with.a.long.name@a.long.example.org"})
    team = page.url
    page.goto("/account/tokens")
    send(page, "Make a token", Name="a name that is long")
    for path in ("", team, "/account", "/account/delete", "/sign-up", "/password-reset"):
        if path:
            page.goto(path)
        root = page.locator("html").bounding_box()
        assert root is not None
        for each in page.locator("main *").all():
            box = each.bounding_box()
            assert box is None or box["x"] + box["width"] <= PHONE["width"], (path, each)
