"""The only place where the web process is put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from server import error_handlers, health
from server.accounts import pages as account_pages
from server.boards import pages as board_pages
from server.boards import routes as board_routes
from server.cache import Cache
from server.clock import Clock, SystemClock
from server.db import Database
from server.dependencies import Rooms
from server.docs import pages as docs_pages
from server.jobs.celery_queue import CeleryQueue
from server.jobs.queue import JobQueue
from server.methods import pages as method_pages
from server.methods import routes as method_routes
from server.settings import Settings
from server.storage.retrying import open_store
from server.storage.store import BlobStore
from server.submissions import pages as submission_pages
from server.submissions import routes as submission_routes
from server.web import static_files
from server.web.body_limit import BodyLimit
from server.web.security_headers import SecurityHeaders
from server.web.static_files import STATIC, HashedStaticFiles

ROUTES = (health, board_routes, method_routes, submission_routes)
PAGES = (account_pages, board_pages, docs_pages, method_pages, submission_pages, static_files)
CACHE_BYTES = 64 * 2**20
UPLOAD_PATHS = ("/api/v1/submissions", "/submit")


def create_app(
    settings: Settings,
    *,
    queue: JobQueue | None = None,
    store: BlobStore | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Build the site. What is not given is what the settings say; tests give null twins."""
    built = Rooms(
        settings=settings,
        database=Database(settings.database, queue or CeleryQueue(settings)),
        store=store or open_store(settings.store, settings.s3_access),
        clock=clock or SystemClock(),
        cache=Cache(CACHE_BYTES),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        built.database.close()

    app = FastAPI(
        title="LUSS Bench",
        summary="The home of the LUSS benchmark.",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.rooms = built
    for module in (*ROUTES, *PAGES):
        app.include_router(module.router)
    app.mount("/static", HashedStaticFiles(directory=STATIC), name="static")
    error_handlers.install(app)
    app.add_middleware(BodyLimit, unlimited=UPLOAD_PATHS)
    app.add_middleware(SecurityHeaders)
    return app


def create_app_from_environment() -> FastAPI:
    """Build the site as the environment says; what uvicorn starts."""
    return create_app(Settings())
