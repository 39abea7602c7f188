"""The description of the API is complete, and its examples are what it describes."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from server.errors import ServerError
from server.web.api_description import describe
from tests.support.api import api_routes
from tests.support.site import Site

PROBLEM = "application/problem+json"


@pytest.fixture
def description(site: Site) -> dict[str, Any]:
    return describe(site.app)


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_for_programs_is_described(site: Site, description: dict[str, Any]) -> None:
    described = {name for name, _ in operations(description)}

    assert described == {f"{method} {route.path}" for method, route in api_routes(site.app)}


def test_every_operation_says_what_it_does(description: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in description["tags"]}
    ids = [operation["operationId"] for _, operation in operations(description)]

    assert len(ids) == len(set(ids))
    for name, operation in operations(description):
        assert operation["summary"].istitle() is False, name  # FastAPI's guess at one
        assert set(operation["tags"]) <= tags, name
        for parameter in operation.get("parameters", ()):
            is_chosen = "enum" in parameter["schema"]
            assert is_chosen or parameter["description"], (name, parameter["name"])


def test_every_refusal_is_a_problem_with_the_codes_that_it_may_have(
    description: dict[str, Any],
) -> None:
    known = {kind.code: kind for kind in ServerError.kinds()}
    for name, operation in operations(description):
        assert {"429", "500", "503"} <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                assert answer["description"], (name, status)
                continue
            assert set(answer["content"]) == {PROBLEM}, (name, status)
            codes = answer["content"][PROBLEM]["schema"]["properties"]["code"]["enum"]
            assert codes, (name, status)
            assert {known[code].status for code in codes} == {int(status)}, (name, status)
            assert list(answer["content"][PROBLEM]["examples"]) == codes, (name, status)
    assert not {"HTTPValidationError", "ValidationError"} & set(
        description["components"]["schemas"]
    )


def test_who_wants_a_token_answers_without_one_that_it_does(
    site: Site, description: dict[str, Any]
) -> None:
    for name, operation in operations(description):
        security = operation.get("security", [{}])
        assert ("401" in operation["responses"]) == (security != [{}]), name
        for scheme in security:
            assert set(scheme) <= set(description["components"]["securitySchemes"]), name


def test_every_answer_has_an_example_that_is_one(site: Site) -> None:
    for method, route in api_routes(site.app):
        if route.response_model is not None:
            examples = examples_of(route)
            assert examples, f"{method} {route.path}"
            for example in examples:
                TypeAdapter(route.response_model).validate_python(example)


def examples_of(route: APIRoute) -> list[Any]:
    found: list[Any] = TypeAdapter(route.response_model).json_schema().get("examples", [])
    return found


def test_bodies_take_nothing_that_is_not_described(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for name, operation in operations(description):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
            assert schema["type"] == "string" or schema["additionalProperties"] is False, name


def test_a_field_that_does_not_exist_is_refused(site: Site) -> None:
    program = site.client({"Authorization": f"Bearer {site.token()}"})

    answers = [
        program.post("/api/v1/tokens", json={"scope": "read", "sope": "submit"}),
        program.post("/api/v1/submissions", json={"protocol": "free", "tem": "ours"}),
    ]

    for answer, field in zip(answers, ("sope", "tem"), strict=True):
        assert answer.status_code == 422
        assert answer.json()["code"] == "field_invalid"
        assert field in answer.json()["detail"]


def test_swagger_ui_comes_from_this_host(site: Site) -> None:
    browser = site.browser()
    page = browser.page("/api/docs/try")

    loaded = [each.attributes["src"] for each in page.all("script")]
    loaded += [each.attributes["href"] for each in page.all("link")]
    for address in loaded:
        assert address.startswith("/"), address
        assert browser.get(address).status_code == 200, address
