"""What every answer tells a browser, whatever the answer is."""

from pathlib import Path

from tests.support.site import BOARD, Site, site_in

STRICT = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def test_every_answer_is_strict(site: Site) -> None:
    site.scored(30.0)
    browser = site.browser()
    program = site.client({"Authorization": f"Bearer {site.token()}"})
    etag = browser.get(f"/api/v1{BOARD}").headers["etag"]

    answers = {
        "a page": browser.get(BOARD),
        "a file": browser.get("/static/css/base.css"),
        "JSON": browser.get(f"/api/v1{BOARD}"),
        "what is kept": browser.get(f"/api/v1{BOARD}", **{"If-None-Match": etag}),
        "a redirect": browser.get("/submit"),
        "nothing": browser.get("/nothing"),
        "a wrong method": browser.client.patch("/"),
        "a body too large": program.post("/api/v1/tokens", content=b"x" * 300_000),
        "a form of another site": browser.post("/sign-in", {}),
        "a bad token": site.client({"Authorization": "Bearer none"}).get("/api/v1/tokens"),
        "an upload": browser.client.options("/api/v1/uploads"),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "a page": 200,
        "a file": 200,
        "JSON": 200,
        "what is kept": 304,
        "a redirect": 303,
        "nothing": 404,
        "a wrong method": 405,
        "a body too large": 413,
        "a form of another site": 403,
        "a bad token": 401,
        "an upload": 204,
    }
    for name, answer in answers.items():
        found = {header: answer.headers.get(header) for header in STRICT}
        assert found == STRICT, name


def test_what_is_ours_alone_is_kept_by_nobody(site: Site) -> None:
    browser = site.browser().sign_in()

    for path in ("/account", "/submissions", "/account/tokens", BOARD):
        assert browser.get(path).headers["cache-control"] == "private, no-store", path


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    answer = site.browser().get("/sign-in")

    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert "Secure" not in answer.headers["set-cookie"]  # http, on the machine of a developer
    assert "strict-transport-security" not in answer.headers


def test_over_https_nothing_is_sent_in_the_clear(tmp_path: Path) -> None:
    facts = {"public_url": "https://luss.example.org", "secret_key": "made for this"}
    with site_in(tmp_path, **facts) as site:
        answer = site.browser().get("/sign-in")

    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
