"""The API's routes as a page, read from the description that programs get as OpenAPI."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.docs.contexts import Operation, Parameter


def operations(description: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Return every operation of an OpenAPI description, in the order of the paths."""
    return tuple(_operations(description))


def _operations(description: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in sorted(description["paths"].items()):
        for method, facts in methods.items():
            yield Operation(
                name=facts["operationId"],
                method=method.upper(),
                path=path,
                meaning=facts.get("description", facts["summary"]),
                wants_token=bool(facts.get("security")) and {} not in facts["security"],
                parameters=tuple(_parameter(each) for each in facts.get("parameters", ())),
                codes=tuple(_codes(facts["responses"])),
            )


def _codes(answers: Mapping[str, Any]) -> Iterator[str]:
    for answer in answers.values():
        problem = answer.get("content", {}).get("application/problem+json", {})
        yield from problem.get("examples", ())


def _parameter(facts: Mapping[str, Any]) -> Parameter:
    schema = facts["schema"]
    kinds = [each.get("type", "") for each in schema.get("anyOf", [schema])]
    allowed = schema.get("enum") or [kind for kind in kinds if kind != "null"]
    return Parameter(
        name=facts["name"],
        place=facts["in"],
        kind=" or ".join(str(each) for each in allowed),
        is_required=facts.get("required", False),
    )
