"""The API's description (OpenAPI): what FastAPI reads from the routes, and what they say here.

A route names the errors of its own (`problems`) and whether it wants a token (`TOKEN`); what every
route may answer is added for all of them.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from server.errors import (
    BoardNotOpen,
    BoardPaused,
    BodyUnreadable,
    DatabaseUnavailable,
    FieldInvalid,
    NotSignedIn,
    QuotaDaily,
    QuotaHourly,
    QuotaInFlight,
    QuotaTotal,
    RateLimited,
    ServerError,
    TooLarge,
)
from server.web.sessions import COOKIE

Described = dict[int | str, dict[str, Any]]

TOKEN: dict[str, Any] = {"security": [{"token": []}]}
"""The route answers 401 to whoever sends no token; to be given as its ``openapi_extra``."""
TOKEN_OR_NOBODY: dict[str, Any] = {"security": [{}, {"token": []}]}
"""The route answers everyone, and members of a team more."""

ADMISSION = (BoardNotOpen, BoardPaused, QuotaTotal, QuotaDaily, QuotaHourly, QuotaInFlight)
"""What a board may answer to an entry that is sound."""

SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from the account page, or of `luss admin token`. Its scope says "
        "what it may do: read, submit (and read), organize (and both).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The cookie of a browser that has signed in; it counts for reading only.",
    },
}
TAGS = [
    {"name": "boards", "description": "Ranks and scores, open to everyone."},
    {"name": "methods", "description": "What a row of a board is: a team's method."},
    {"name": "submissions", "description": "Enter an archive, and read what became of it."},
    {"name": "teams", "description": "Whom a submission belongs to."},
    {"name": "tokens", "description": "Keys for programs."},
    {"name": "uploads", "description": "Archives in pieces, resumable: the protocol tus 1.0."},
    {"name": "status", "description": "How the service is."},
]
_TELLING: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
}
"""Headers that each answer of a status has."""
_CODES = "x-codes"
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457. The code never changes its meaning; detail is a sentence for people. "
    "Some problems have further members, such as field or offset.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Address of what the code means."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "additionalProperties": True,
}
_RATE_HEADERS = {
    "RateLimit-Policy": {
        "description": "How many requests are answered, in which time in seconds.",
        "schema": {"type": "string"},
        "example": '"address";q=600;w=60',
    },
    "RateLimit": {
        "description": "How many of them are left, and in how many seconds all are there again.",
        "schema": {"type": "string"},
        "example": '"address";r=599;t=60',
    },
}


def problems(*kinds: type[ServerError]) -> Described:
    """Describe the errors that a route gives of its own, as its ``responses``."""
    described: Described = {}
    for kind in kinds:
        answer = described.setdefault(kind.status, {"description": "", _CODES: []})
        answer[_CODES].append(kind.code)
    return described


def operation_id(route: APIRoute) -> str:
    """Name an operation for generated clients: its tag and its function."""
    return "_".join([*map(str, route.tags), route.name])


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description; made once."""
    if not app.openapi_schema:
        written = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
            tags=TAGS,
        )
        written["servers"] = [{"url": "/"}]
        components = written.setdefault("components", {})
        components["securitySchemes"] = SCHEMES
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Problem"] = _PROBLEM
        kinds = {kind.code: kind for kind in ServerError.kinds()}
        for method, operation in _operations(written):
            _finish(method, operation, kinds)
        app.openapi_schema = written
    return app.openapi_schema


def _operations(written: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in written["paths"].values():
        yield from methods.items()


def _finish(method: str, operation: dict[str, Any], kinds: dict[str, type[ServerError]]) -> None:
    operation["summary"] = operation["description"].partition("\n\n")[0].rstrip(".")
    security = operation.get("security", [])
    if method == "get" and security:
        operation["security"] = [*security, {"session": []}]
    answers: dict[str, dict[str, Any]] = operation["responses"]
    own = [kinds[code] for answer in answers.values() for code in answer.pop(_CODES, ())]
    for kind in dict.fromkeys([*own, *_of_every(operation)]):
        _add(answers, kind)
    operation["responses"] = dict(sorted(answers.items()))
    for answer in answers.values():
        answer["headers"] = {**answer.get("headers", {}), **_RATE_HEADERS}


def _of_every(operation: dict[str, Any]) -> Iterable[type[ServerError]]:
    yield from (RateLimited, DatabaseUnavailable, ServerError)
    if operation.get("security"):
        yield NotSignedIn
    if "requestBody" in operation:
        yield from (BodyUnreadable, TooLarge)
    if "requestBody" in operation or operation.get("parameters"):
        yield FieldInvalid


def _add(answers: dict[str, dict[str, Any]], kind: type[ServerError]) -> None:
    """Let an answer of this status have one more code."""
    answer = answers.setdefault(str(kind.status), {})
    content = answer.get("content", {}).get("application/problem+json")
    if content is None:  # what FastAPI wrote of a 422 is not what is answered here
        answer.clear()
        content = {"schema": _coded(kind.status), "examples": {}}
        answer |= {"description": "", "content": {"application/problem+json": content}}
    meaning = cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    answer["description"] = f"{answer['description']}\n\n`{kind.code}`: {meaning}".strip()
    content["schema"]["properties"]["code"]["enum"].append(kind.code)
    content["examples"][kind.code] = {
        "summary": kind.title,
        "value": {
            "type": f"/docs/errors#{kind.code}",
            "title": kind.title,
            "status": kind.status,
            "code": kind.code,
            "detail": meaning,
        },
    }
    if kind.status in _TELLING:
        header = {"required": True, "schema": {"type": "string"}}
        answer["headers"] = {_TELLING[kind.status]: header}


def _coded(status: int) -> dict[str, Any]:
    return {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {"status": {"const": status}, "code": {"enum": []}},
    }
