from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from server.web.request_log import HEADER
from tests.support.database import PASSWORD
from tests.support.logs import Written, captured_logs
from tests.support.site import ADA, Site


@pytest.fixture
def written(site: Site) -> Iterator[Written]:
    with captured_logs(site.settings.model_copy(update={"log_format": "json"})) as written:
        yield written


def requests_counted(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("luss_http_request_seconds_count", labels) or 0


class TestTheRequestId:
    def test_is_given_and_told(self, site: Site, written: Written) -> None:
        given = site.browser().get("/docs").headers[HEADER]

        assert len(given) == 16
        assert written.line(route="/docs")["request_id"] == given

    def test_of_a_proxy_in_front_is_taken_over(self, site: Site, written: Written) -> None:
        answer = site.browser().get("/docs", **{HEADER: "edge-7f3a.2026"})

        assert answer.headers[HEADER] == "edge-7f3a.2026"
        assert written.line(route="/docs")["request_id"] == "edge-7f3a.2026"

    @pytest.mark.parametrize(
        "bad", ["short", "x" * 65, "with space here", 'quote"quote', "<b>bold"]
    )
    def test_that_is_not_sane_is_replaced(self, site: Site, written: Written, bad: str) -> None:
        answer = site.browser().get("/docs", **{HEADER: bad})

        assert answer.headers[HEADER] != bad
        assert bad not in written.text

    def test_stands_on_the_lines_of_an_error_and_on_its_answer(
        self, site: Site, written: Written
    ) -> None:
        site.database.close()
        (site.settings.data_dir / "luss.sqlite3").write_bytes(b"no database at all" * 100)

        answer = site.browser().get("/api/v1/boards", Accept="application/json")

        assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
        assert answer.headers["content-security-policy"]
        failure = written.line(level="error")
        assert failure["request_id"] == answer.headers[HEADER]
        assert failure["event"] == "GET /api/v1/boards failed"
        assert "DatabaseError" in failure["exception"]


class TestALine:
    def test_names_the_template_and_never_the_query(self, site: Site, written: Written) -> None:
        public_id = site.scored(30.0)

        site.browser().get(f"/api/v1/submissions/{public_id}?said=in-the-query")

        found = written.line(route="/api/v1/submissions/{submission_id}")
        assert (found["method"], found["status"], found["submission"]) == ("GET", 200, public_id)
        assert found["duration_ms"] > 0
        assert "in-the-query" not in written.text

    def test_knows_who_asked(self, site: Site, written: Written) -> None:
        browser = site.browser().sign_in()
        browser.get("/submissions")

        assert isinstance(written.line(route="/submissions")["user"], int)
        assert ADA not in written.text
        assert PASSWORD not in written.text

    def test_of_what_does_not_exist_does_not_repeat_it(self, site: Site, written: Written) -> None:
        before = requests_counted("GET", "unmatched", "404")

        for number in range(3):
            site.browser().get(f"/guessed/{number}")

        assert len(written.lines(route="unmatched", status=404)) == 3
        assert "guessed" not in written.text
        assert requests_counted("GET", "unmatched", "404") - before == 3

    def test_is_not_written_for_probes_that_succeed(self, site: Site, written: Written) -> None:
        before = requests_counted("GET", "/healthz", "200")

        site.browser().get("/healthz")

        assert written.text == ""
        assert requests_counted("GET", "/healthz", "200") - before == 1

    def test_with_a_made_up_method_is_counted_as_other(self, site: Site, written: Written) -> None:
        before = requests_counted("other", "/docs", "405")

        site.browser().client.request("BREW", "/docs")

        assert requests_counted("other", "/docs", "405") - before == 1


def test_refusals_are_counted_by_their_code(site: Site) -> None:
    def refused() -> float:
        return REGISTRY.get_sample_value("luss_http_refusals_total", {"code": "not_found"}) or 0

    before = refused()

    site.browser().get("/nothing")

    assert refused() - before == 1
