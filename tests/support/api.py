"""The routes of the app, as the app has them."""

from collections.abc import Iterable, Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

PROGRAMS = ("/api/v1/", "/healthz", "/readyz", "/metrics")


def routes(app: FastAPI) -> Iterator[tuple[str, Route | Mount]]:
    """Yield every route with each of its methods; a folder of files is read."""
    for route in _flat(app.routes):
        if isinstance(route, Mount):
            yield "GET", route
        else:
            assert isinstance(route, Route), route
            for method in sorted(route.methods or ()):
                yield method, route


def api_routes(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield those that answer programs."""
    for method, route in routes(app):
        if route.path.startswith(PROGRAMS):
            assert isinstance(route, APIRoute), route
            yield method, route


def _flat(found: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in found:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from _flat(included.routes)
