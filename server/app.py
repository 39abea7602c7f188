"""The only place where the web process is put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI

from server import error_handlers, health, log_config
from server.accounts import account_pages, token_pages
from server.accounts import pages as sign_in_pages
from server.accounts import routes as token_routes
from server.boards import pages as board_pages
from server.boards import routes as board_routes
from server.cache import Cache
from server.clock import Clock, SystemClock
from server.db import Database
from server.dependencies import Rooms
from server.docs import pages as docs_pages
from server.jobs.celery_queue import CeleryQueue
from server.jobs.queue import JobQueue
from server.mail.mailer import ConsoleMailer, Mailer, NoMailer
from server.mail.postman import PostalQueue, Postman
from server.mail.smtp import SmtpMailer
from server.methods import pages as method_pages
from server.methods import routes as method_routes
from server.model_runs import pages as model_run_pages
from server.operations import pages as operation_pages
from server.operations import routes as operation_routes
from server.organizers import pages as organizer_pages
from server.probes import Probes
from server.settings import Settings
from server.storage.retrying import open_store
from server.storage.store import BlobStore
from server.submissions import edit_pages, quota_routes
from server.submissions import pages as submission_pages
from server.submissions import routes as submission_routes
from server.teams import pages as team_pages
from server.teams import routes as team_routes
from server.uploads import routes as upload_routes
from server.uploads import sweep, tus
from server.web import api_description, static_files
from server.web.body_limit import BodyLimit
from server.web.rate_limit import RateLimit, open_counters
from server.web.request_log import RequestLog, Unforeseen
from server.web.security_headers import SecurityHeaders
from server.web.static_files import STATIC, HashedStaticFiles

ROUTES = (
    *(health, board_routes, method_routes, operation_routes, quota_routes, submission_routes),
    *(team_routes, token_routes, upload_routes),
)
PAGES = (
    *(account_pages, board_pages, docs_pages, edit_pages, method_pages, model_run_pages),
    *(operation_pages, organizer_pages, sign_in_pages, static_files, submission_pages),
    *(team_pages, token_pages),
)
CACHE_BYTES = 64 * 2**20
UPLOAD_PATHS = ("/api/v1/submissions", "/submit", f"{tus.PATH}/")


def create_app(
    settings: Settings,
    *,
    queue: JobQueue | None = None,
    store: BlobStore | None = None,
    clock: Clock | None = None,
    mailer: Mailer | None = None,
) -> FastAPI:
    """Build the site. What is not given is what the settings say; tests give null twins."""
    time = clock or SystemClock()
    postman = Postman(mailer or open_mailer(settings), time)
    doorbell = PostalQueue(queue or CeleryQueue(settings), postman)
    database = Database(settings.database, doorbell)
    store = store or open_store(settings.store, settings.s3_access)
    built = Rooms(
        settings=settings,
        database=database,
        store=store,
        clock=time,
        cache=Cache(CACHE_BYTES),
        probes=Probes(database=database, queue=doorbell, store=store),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        postman.start(built.database)
        sweeping = asyncio.create_task(
            sweep.forever(built.database, settings.staging_folder, built.clock)
        )
        yield
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        postman.stop()
        built.database.close()

    app = FastAPI(
        title="LUSS Bench",
        summary="The home of the LUSS benchmark.",
        description="Large-scale unsupervised semantic segmentation, scored against hidden masks. "
        "Errors are application/problem+json (RFC 9457) with a code that never changes its "
        "meaning: /docs/errors. What a body or an object of an answer holds is listed in full.",
        version="1",
        generate_unique_id_function=api_description.operation_id,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.rooms = built
    for module in (*ROUTES, *PAGES):
        app.include_router(module.router)
    app.mount("/static", HashedStaticFiles(directory=STATIC), name="static")
    app.mount("/api/docs/assets", docs_pages.SWAGGER_UI, name="swagger-ui")
    app.openapi = partial(api_description.describe, app)  # type: ignore[method-assign]
    error_handlers.install(app)
    app.add_middleware(RateLimit, settings=settings, counters=open_counters(settings))
    app.add_middleware(Unforeseen)
    app.add_middleware(BodyLimit, unlimited=UPLOAD_PATHS)
    app.add_middleware(tus.TusHeaders)
    app.add_middleware(SecurityHeaders, is_https=settings.site_url.startswith("https://"))
    app.add_middleware(RequestLog)
    return app


def open_mailer(settings: Settings) -> Mailer:
    """Return the mailer that the settings name; development prints mail on the terminal."""
    url = settings.smtp_url.get_secret_value()
    if url:
        return SmtpMailer(url, sender=settings.mail_from)
    return ConsoleMailer() if settings.sends_mail else NoMailer()


def create_app_from_environment() -> FastAPI:
    """Build the site as the environment says; what uvicorn starts."""
    settings = Settings()
    log_config.configure(settings, process="web")
    return create_app(settings)
