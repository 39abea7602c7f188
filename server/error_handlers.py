"""From an error to an answer: RFC 9457 problem+json for programs, a page for people."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException

from server.errors import (
    BodyUnreadable,
    DatabaseUnavailable,
    FieldInvalid,
    NotFound,
    NotSignedIn,
    ServerError,
    StorageUnavailable,
)
from server.measures import HTTP_REFUSALS
from server.storage.retrying import StoreUnavailable
from server.web.redirects import see_other
from server.web.templating import path_and_query, render

log = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5
PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """Any error, as a sentence for the person who must act."""

    template: ClassVar[str] = "error.html"

    status: int
    code: str
    title: str
    message: str


def install(app: FastAPI) -> None:
    app.add_exception_handler(ServerError, _server_error)
    app.add_exception_handler(StoreUnavailable, _store_unavailable)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(DataError, _value_refused)
    app.add_exception_handler(OperationalError, _database_unavailable)
    app.add_exception_handler(NoConnectionFree, _database_unavailable)


def problem(error: ServerError) -> JSONResponse:
    body = {
        "type": f"/docs/errors#{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.message,
        **error.details,
    }
    headers = {"Cache-Control": "no-store", **error.headers}
    return JSONResponse(body, status_code=error.status, media_type=PROBLEM_JSON, headers=headers)


def _answer(request: Request, error: ServerError) -> Response:
    HTTP_REFUSALS.labels(error.code).inc()
    path = request.url.path
    if path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return problem(error)
    if isinstance(error, NotSignedIn) and request.method == "GET":
        return see_other(f"/sign-in?{urlencode({'next': path_and_query(request)})}")
    page = ErrorPage(status=error.status, code=error.code, title=error.title, message=error.message)
    return render(request, page, status=error.status, headers=error.headers)


def _server_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServerError)  # noqa: S101  # registered for this class
    return _answer(request, error)


def _store_unavailable(request: Request, error: Exception) -> Response:
    log.error("a request met no store", exc_info=error)
    return _answer(
        request,
        StorageUnavailable(
            "The store of archives does not answer. What you sent last was not kept: send it again "
            "later."
        ),
    )


def _http_exception(request: Request, error: Exception) -> Response:
    """Put the framework's own refusals (no such path, no such method) into our form."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return _answer(request, BodyUnreadable(f"{error.detail}; it must be UTF-8."))
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _answer(request, NotFound(f"There is nothing at {request.url.path}."))
    framed = ServerError(error.detail)
    framed.status, framed.title = error.status_code, error.detail
    framed.code = HTTPStatus(error.status_code).name.lower()
    response = _answer(request, framed)
    response.headers.update(error.headers or {})
    return response


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class
    problems = [
        {"field": ".".join(str(part) for part in each["loc"][1:]), "message": each["msg"]}
        for each in error.errors()
    ]
    sentence = "; ".join(f"{each['field']}: {each['message']}" for each in problems)
    return _answer(request, FieldInvalid(f"{sentence}.", fields=problems))


def _value_refused(request: Request, error: Exception) -> Response:
    """Say what a database can only say of a value: PostgreSQL keeps no NUL, and no endless text."""
    log.warning("the database refused a value: %s", error)
    return _answer(
        request,
        FieldInvalid(
            "The address or a field has a NUL character, or is longer than can be kept.", fields=[]
        ),
    )


def _database_unavailable(request: Request, error: Exception) -> Response:
    log.error("a request met no database", exc_info=error)
    response = _answer(
        request,
        DatabaseUnavailable("The database does not answer at the moment; please try again."),
    )
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def refuse(request: Request, error: ServerError) -> Response:
    """Answer for what was refused before any route was asked."""
    return _answer(request, error)


def unforeseen(request: Request) -> Response:
    """Answer for an error that is none of ours; who caught it has logged it."""
    return _answer(
        request,
        ServerError("This is our fault, not yours. It has been logged; please try again."),
    )
