"""One log line and one measurement a request, and an id that ties its lines together.

The line names the route's template and not the path, which may hold what is known to one person
only; query strings, headers and bodies are never logged.
"""

import logging
import re
import time
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import error_handlers, measures
from server.log_config import about
from server.models import new_public_id

log = logging.getLogger(__name__)
HEADER = "X-Request-Id"
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/static"})
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """Gives each request its id, taken over from a proxy in front if it is a sane one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if SANE_ID.fullmatch(given) else new_public_id()
        status = received_bytes = 0  # no status: nothing was answered
        began = time.perf_counter()

        async def receive_counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            return message

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with about(request_id=request_id):
            try:
                await self._app(scope, receive_counted, send_with_id)
            finally:
                seconds = time.perf_counter() - began
                _report(scope, status, seconds=seconds, received_bytes=received_bytes)


class Unforeseen:
    """Answers what nobody foresaw: logged once, with its traceback, under the request's id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except ClientDisconnect:  # nobody is there to be answered, and nothing went wrong here
            log.info("the client went away in the middle of its request")
        except Exception:  # the error page
            if scope["type"] != "http" or has_begun:
                raise  # uvicorn logs it and closes the connection, which is all that can be done
            log.exception("%s %s failed", scope["method"], route_of(scope))
            response = error_handlers.unforeseen(Request(scope, receive))
            await response(scope, receive, send)


def route_of(scope: Scope) -> str:
    """Return a request's route as its template: a bounded set, whatever people ask for."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is not None:
        return path
    return "/static" if scope.get("root_path") == "/static" else "unmatched"


def _report(scope: Scope, status: int, *, seconds: float, received_bytes: int) -> None:
    route = route_of(scope)
    method = scope["method"] if scope["method"] in KNOWN_METHODS else "other"
    measures.HTTP_SECONDS.labels(method, route, str(status)).observe(seconds)
    if received_bytes:
        measures.HTTP_BYTES.labels(route).inc(received_bytes)
    facts = {
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "received_bytes": received_bytes,
        **_named_in_path(scope),
    }
    is_quiet = route in QUIET_ROUTES and status < HTTPStatus.INTERNAL_SERVER_ERROR
    level = logging.DEBUG if is_quiet else logging.INFO
    log.log(level, "%s %s %d", method, route, status, extra={"facts": facts})


def _named_in_path(scope: Scope) -> dict[str, str]:
    """Return what may be said of the path: which submission it is about."""
    found = scope.get("path_params") or {}
    return {"submission": str(found["submission_id"])} if "submission_id" in found else {}
