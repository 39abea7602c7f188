"""What an operator does, where the database and the vault are: `luss admin`, and `luss demo`.

Thin on purpose: the server's services decide, the worker's registration packs; here are only the
transactions around them, and their refusals in the client's words.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

from client.errors import NotInitialised, Refused
from client.vault_folder import make_private_folder
from evaluator import EvaluatorError
from server import schema
from server.accounts import queries as accounts_queries
from server.accounts import service as accounts
from server.accounts import tokens
from server.catalogue import queries as catalogue
from server.clock import SystemClock
from server.db import Database
from server.errors import ServerError
from server.jobs.celery_queue import CeleryQueue
from server.jobs.queue import JobQueue, RecordingQueue
from server.model_runs import service as model_runs
from server.model_runs.service import Order, Starter
from server.models import Board, Protocol, Scope, SplitName
from server.organizers import boards as organized_boards
from server.organizers import service as organizers
from server.organizers.boards import BoardChanges
from server.organizers.service import TruthFacts
from server.settings import Settings
from worker.context import context_of
from worker.registration import BadImages, BadNames, Registration, register
from worker.settings import WorkerSettings


def initialise(settings: Settings) -> None:
    """Bring the database to its newest schema and register ImageNet-S; again, if one likes."""
    schema.upgrade(settings.database)
    with _unit_of_work(settings) as session:
        organizers.register_imagenet_s(session)


def check_initialised(settings: Settings) -> None:
    """Say at once what every page would otherwise say by failing.

    Raises:
        NotInitialised: the schema is missing, or another than this version's.
    """
    scripts = ScriptDirectory.from_config(schema.alembic_config(settings.database))
    database = Database(settings.database, RecordingQueue())
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    finally:
        database.close()
    if current != scripts.get_current_head():
        raise NotInitialised


def add_user(settings: Settings, *, email: str, password: str, is_organizer: bool) -> None:
    """Make an account.

    Raises:
        Refused: the address has one already or is none, or the password is too short.
    """
    with _unit_of_work(settings) as session:
        accounts.create_user(
            session,
            email=email,
            password=password,
            is_organizer=is_organizer,
            now=SystemClock().now(),
        )


def new_token(settings: Settings, *, email: str, scope: Scope, days: int | None) -> str:
    """Make a token; it cannot be shown a second time.

    Raises:
        Refused: no such account, or one that may not have this scope.
    """
    with _unit_of_work(settings) as session:
        return tokens.create_for(
            session, email=email, scope=scope, days=days, now=SystemClock().now()
        )


def has_truth(settings: Settings, *, slug: str, split: SplitName) -> bool:
    with _unit_of_work(settings) as session:
        known = catalogue.split(session, subset=slug, name=split)
        return known is not None and known.truth_version is not None


def boards_as_set(
    settings: Settings,
    changes: BoardChanges,
    *,
    protocol: Protocol | None,
    subset: str | None,
    split: SplitName | None,
) -> Sequence[Board]:
    """Change the boards that the words describe, if there is anything to change; return them.

    Raises:
        Refused: there is no such subset, or the new values make no sense.
    """
    with _unit_of_work(settings) as session:
        boards = organized_boards.boards_like(
            session, protocol=protocol, subset=subset, split=split
        )
        if changes:
            organized_boards.change_boards(session, boards, changes)
    return boards


def register_truth(
    settings: WorkerSettings,
    registration: Registration,
    *,
    progress: Callable[[int, int], None],
) -> TruthFacts:
    """Put a split's truth into the vault and announce it; the same masks twice change nothing.

    Raises:
        Refused: the masks, the names or the subset do not go together.
    """
    make_private_folder(settings.vault)
    context = context_of(settings)
    try:
        with _refusals():
            return register(context, registration, progress=progress)
    finally:
        context.database.close()


def start_reference_run(settings: Settings, order: Order, *, email: str) -> str:
    """Start a run of the reference model for an organizer's own team; return its public id.

    Raises:
        Refused: no such organizer, recipe or board, or the board cannot be predicted here.
    """
    queue = CeleryQueue(settings)
    with _unit_of_work(settings, queue) as session:
        user = accounts.organizer_named(session, email)
        by = Starter(user_id=user.id, team_id=accounts_queries.teams_of(session, user.id)[0].id)
        now = SystemClock().now()
        return model_runs.start(session, order, by, now=now, lease=settings.lease).public_id


@contextmanager
def _unit_of_work(settings: Settings, queue: JobQueue | None = None) -> Iterator[Session]:
    """A transaction from outside the service: without a queue nothing done here rings a job."""
    database = Database(settings.database, queue or RecordingQueue())
    try:
        with _refusals(), database.unit_of_work() as session:
            yield session
    finally:
        database.close()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ServerError as error:
        raise Refused(error.message, code=error.code) from error
    except EvaluatorError as error:
        raise Refused(str(error), code="truth_bad") from error
    except BadNames as error:
        raise Refused(str(error), code="names_bad") from error
    except BadImages as error:
        raise Refused(str(error), code="images_bad") from error
