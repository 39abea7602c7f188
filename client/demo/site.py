"""The demo site: a service with data, a login and two entries, made once and kept.

Each step looks for what an earlier run left and does only what is missing, so that an interrupted
run is simply continued by the next.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from client.administration import add_user, has_truth, initialise, new_token, register_truth
from client.api import Api, BoardAddress
from client.api import Entry as DeclaredEntry
from client.console import progress_bar
from client.demo.categories import CATEGORIES
from client.demo.dataset import TEST, VALIDATION, Split, mask_folder, write_demo_data
from client.demo.entries import DECLARED_YES, ENTRIES, PROTOCOL, Entry, write_entry
from client.documents import Submission
from client.errors import ClientError, Refused, Unreachable
from client.remembered import RememberedUploads
from client.sending import Sending
from client.settings import ClientSettings
from client.supervisor import Supervisor
from client.waiting import followed
from evaluator.atomic_file import replacing
from server.models import Scope, SplitName
from server.settings import Settings
from worker.registration import Registration
from worker.settings import WorkerSettings

SUBSET = "demo"
EMAIL = "demo@example.org"
_SPLITS = {SplitName.VAL: VALIDATION, SplitName.TEST: TEST}
_BOARD = BoardAddress(PROTOCOL, SUBSET, SplitName.TEST.value)
_START_SECONDS = 60

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Login:
    """How to sign in; the password also lies in a file that only its owner can read."""

    email: str
    password: str
    file: Path


def prepare(settings: WorkerSettings, say: Say) -> Login:
    """Make everything that the site needs before it starts."""
    data = settings.data_dir / "demo-data"
    initialise(settings)
    if not data.exists():
        say("Making the demo data set")
        with progress_bar("Images") as progress:
            write_demo_data(data, seed=0, progress=progress)
    for name, split in _SPLITS.items():
        if not has_truth(settings, slug=SUBSET, split=name):
            say(f"Registering its {name} masks")
            _register(settings, data, name, split)
    return _login(settings)


def _register(settings: WorkerSettings, data: Path, name: SplitName, split: Split) -> None:
    registration = Registration(
        slug=SUBSET,
        split=name,
        masks=data / mask_folder(split.folder),
        classes=len(CATEGORIES),
        names=data / "names.csv",
        is_public=True,
        images=data,
    )
    with progress_bar("Masks") as progress:
        register_truth(settings, registration, progress=progress)


def _login(settings: Settings) -> Login:
    """The demo account, an organizer's, so that everything can be tried.

    Its password is drawn once and written down before the account exists.
    """
    file = settings.data_dir / "demo-password"
    if not file.exists():
        with replacing(file) as partial:
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_urlsafe(12) + "\n")
    login = Login(EMAIL, file.read_text().strip(), file)
    try:
        add_user(settings, email=login.email, password=login.password, is_organizer=True)
    except Refused as error:
        if error.code != "already_exists":
            raise
    return login


def announcement(settings: Settings, login: Login) -> str:
    """Return what a person is told once the site is ready."""
    return (
        f"\nLUSS Bench is at {settings.site_url}\n"
        f"  E-mail    {login.email}\n"
        f"  Password  {login.password}    (kept in {login.file})\n"
        f"Ctrl-C stops it; what it knows stays in {settings.data_dir}.\n"
    )


class _Stopping(Exception):  # no error: the site is being stopped
    pass


def serve_with_entries(
    settings: Settings, supervisor: Supervisor, *, say: Say, ready: Callable[[], None]
) -> None:
    """Run the site until it is stopped; submit what is missing meanwhile.

    Args:
        settings: of the service.
        supervisor: with the service as its children.
        say: told, in another thread, what is being done.
        ready: called, in that thread, once both entries are scored.

    Raises:
        ClientError: the site could not be kept alive, or an entry was not scored.
    """

    def introduce() -> None:
        try:
            _Introduction(settings, supervisor, say).submit_missing()
        except _Stopping:
            return
        except ClientError:
            if supervisor.is_stopping:
                return  # a site that is being stopped need not answer
            raise
        ready()

    def stop_unless_well(introduced: Future[None]) -> None:
        if introduced.exception() is not None:
            supervisor.stop()

    with ThreadPoolExecutor(max_workers=1) as pool:
        introduced = pool.submit(introduce)
        introduced.add_done_callback(stop_unless_well)
        supervisor.run()
    introduced.result()


class _Introduction:
    """Sees to it that both entries are on the board; gives up when the site is stopped."""

    def __init__(self, settings: Settings, supervisor: Supervisor, say: Say) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._say = say
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  # compared, not bound
        self._server = f"http://{host}:{settings.port}"

    def submit_missing(self) -> None:
        with Api(ClientSettings(server=self._server)) as api:
            self._wait_until_it_answers(api)
            rows = api.board(_BOARD)["rows"]
        scored = {row["method"] for row in rows if row["kind"] == "verified"}
        missing = [entry for entry in ENTRIES if entry.name not in scored]
        if not missing:
            return
        token = new_token(self._settings, email=EMAIL, scope=Scope.SUBMIT, days=1)
        with Api(ClientSettings(server=self._server, token=token)) as api:
            under_way = {each["method"]: each for each in api.submissions() if _counts(each)}
            for entry in missing:
                self._see_scored(api, under_way.get(entry.name) or self._submitted(api, entry))

    def _wait_until_it_answers(self, api: Api) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                api.catalogue()
            except Unreachable:
                if time.monotonic() > deadline:
                    raise
                self._pause(0.2)
            else:
                return

    def _submitted(self, api: Api, entry: Entry) -> Submission:
        archive = self._settings.data_dir / "demo-entries" / f"{entry.slug}.zip"
        if not archive.exists():
            self._say(f"{entry.name} predicts the demo's test split")
            archive.parent.mkdir(exist_ok=True)
            with replacing(archive) as partial:
                write_entry(
                    entry,
                    self._settings.data_dir / "demo-data",
                    partial,
                    progress=lambda *_: self._pause(0),
                )
        facts = api.catalogue()["facts"]
        declared = DeclaredEntry(
            board=_BOARD,
            declarations={fact["key"]: fact["key"] in DECLARED_YES for fact in facts},
            card={"method_name": entry.name},
        )
        remembered = RememberedUploads(self._server, folder=archive.parent / "uploads")
        return Sending(api, remembered, pause=self._pause).submit(declared, archive)

    def _see_scored(self, api: Api, submission: Submission) -> None:
        final = followed(api, submission, on_change=lambda _: None, pause=self._pause)
        if final["state"] != "scored":
            raise Refused(
                f"The demo entry {final['method']} ended {final['state']}: see {final['url']}",
                code="demo_entry_not_scored",
            )

    def _pause(self, seconds: float) -> None:
        if self._supervisor.stops_within(seconds):
            raise _Stopping


def _counts(submission: Submission) -> bool:
    """Whether a submission is on our board, or on its way there, and need not be made again."""
    address = BoardAddress(submission["protocol"], submission["subset"], submission["split"])
    return address == _BOARD and submission["state"] not in {"rejected", "failed", "withdrawn"}
