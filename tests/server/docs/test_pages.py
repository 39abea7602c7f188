from server.docs.error_codes import error_entries
from server.models import Protocol
from server.protocols import FACTS
from server.score_names import OVERALL
from tests.support.site import Site


def test_every_error_says_what_happened(site: Site) -> None:
    page = site.browser().page("/docs/errors")

    for each in error_entries():
        section = page.one("section", id=each.code)
        assert each.meaning
        assert each.meaning in section.text
        assert str(each.status) in section.text


def test_a_problem_points_at_its_entry(site: Site) -> None:
    problem = site.browser().get("/api/v1/methods/none", Accept="application/json").json()

    path, _, code = problem["type"].partition("#")
    assert site.browser().page(path).one("section", id=code)


def test_the_table_of_facts_is_that_of_the_code(site: Site) -> None:
    page = site.browser().page("/docs/protocols")

    for fact in FACTS:
        verdicts = [cell.text for cell in page.one("tr", id=fact.key).all("td")]
        wanted = ["allowed" if each in fact.allowed_by else "not allowed" for each in Protocol]
        assert verdicts == wanted, fact.key


def test_every_score_is_explained(site: Site) -> None:
    page = site.browser().page("/docs/scores")

    for score in OVERALL.scores:
        assert score.meaning in page.one("div", id=score.key).text


def test_the_examples_name_this_server_and_every_fact(site: Site) -> None:
    page = site.browser().page("/docs/submitting")

    assert f"curl {site.settings.site_url}/api/v1/submissions" in page.text
    for fact in FACTS:
        assert f'"{fact.key}": false' in page.text


def test_every_route_of_the_api_is_listed(site: Site) -> None:
    page = site.browser().page("/api/docs")

    described = site.browser().get("/api/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, facts in methods.items():
            section = page.one("section", id=facts["operationId"])
            assert section.one("h2").text == f"{method.upper()} {path}"
