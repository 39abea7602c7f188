"""How every line of a log looks, whoever wrote it: this project, uvicorn, Celery, SQLAlchemy.

Modules log as always (`logging.getLogger(__name__)`). What is known of the work at hand - request,
submission, user, attempt - is told once by `about` and `tell`, and every line written meanwhile
carries it. An exception is part of its line. Secrets are masked on the way out, also in tracebacks.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from server.secret_masking import SecretMask
from server.settings import Settings

# These log each message that they take and each step of theirs: our lines say it better.
CHATTY = (
    "alembic",
    "celery",
    "kombu",
    "amqp",
    "botocore",
    "httpx",
    "multiprocessing",
    "uvicorn.access",
)

_facts: ContextVar[dict[str, object] | None] = ContextVar("luss_log_facts", default=None)


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Put these facts on every line that is logged until the context ends, beside outer ones."""
    token = _facts.set({**(_facts.get() or {}), **facts})
    try:
        yield
    finally:
        _facts.reset(token)


def tell(**facts: object) -> None:
    """Add facts to the innermost `about`, for all threads that work under it; none: do nothing."""
    known = _facts.get()
    if known is not None:
        known.update(facts)


def configure(settings: Settings, *, stream: TextIO | None = None, **always: str) -> None:
    """Make this process log to ``stream`` (standard error) as the settings say, and only there.

    Args:
        settings: the format, the level, and the secrets that must not appear.
        stream: where to write instead.
        always: what stands on every line; at least ``process``: web, worker, beat or serve.
    """
    output = stream or sys.stderr
    mask = SecretMask(settings)
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Always(always),
        _add_facts,
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            mask,
            _rendering(settings.log_format, colours=output.isatty()),
        ],
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task"):
        theirs = logging.getLogger(name)
        theirs.handlers = []
        theirs.propagate = True
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def _rendering(form: str, *, colours: bool) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=colours,
        timestamp_key="time",
        # Never the one that shows local variables: they hold passwords.
        exception_formatter=structlog.dev.plain_traceback,
    )


class _Always:
    """Says on every line what was said once for all: which process wrote it."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._facts = facts

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**event, **self._facts}


def _add_facts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Join what is known of the work at hand, and what the line itself says in ``extra``."""
    record: logging.LogRecord = event["_record"]
    said = getattr(record, "facts", {})
    return {**event, **(_facts.get() or {}), **said}
