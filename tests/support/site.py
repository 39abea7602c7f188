"""A whole site in a folder, without its processes: pages by a browser that runs no scripts."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from httpx2 import Response
from sqlalchemy import event, update
from starlette.testclient import TestClient

from server import standings
from server.accounts.tokens import create_for
from server.app import create_app
from server.catalogue import queries as catalogue
from server.clock import SetClock
from server.dependencies import Rooms
from server.jobs.queue import RecordingQueue
from server.mail.mailer import Mail, RecordingMailer
from server.mail.outbox import send_due
from server.method_names import method_of
from server.models import (
    HEADLINE_SCORES,
    Attempt,
    AttemptOutcome,
    Protocol,
    ReportedResult,
    ResampledScore,
    Scope,
    Score,
    Split,
    SplitName,
    Submission,
    SubmissionState,
    User,
)
from server.operations import workers
from server.organizers.boards import BoardChanges, boards_like, change_boards
from server.resampled import packed
from server.settings import Settings
from server.storage.retrying import open_store
from tests.support import html
from tests.support.database import (
    NOW,
    PASSWORD,
    TRUTH,
    add_submission,
    add_subset,
    add_truth,
    add_user,
    migrated_database,
)
from tests.support.html import Element

ADA, EVE = "ada@example.org", "eve@example.org"
BOARD = "/boards/fully-unsupervised/tiny/test"
NOISE = (-1.0, -0.5, 0.0, 0.5, 1.0)


class Browser:
    """One person's browser: keeps cookies, asks for pages, follows no redirect by itself."""

    def __init__(self, site: "Site") -> None:
        self.client = TestClient(
            site.app,
            headers={"Accept": "text/html,application/xhtml+xml"},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self.client.cookies)

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=headers)

    def page(self, path: str, *, status: int = 200) -> Element:
        """Open a page and read it."""
        answer = self.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return html.read(answer.text)

    def post(self, path: str, fields: Mapping[str, str], archive: bytes | None = None) -> Response:
        files = None if archive is None else {"archive": ("entry.zip", archive)}
        return self.client.post(path, data=dict(fields), files=files)

    def fill_in(
        self, path: str, archive: bytes | None = None, action: str = "", **fields: str
    ) -> Response:
        """Open a page, fill in its form and send it to where the form says.

        Where a page has several forms, ``action`` says which, and ``fields`` which of those.
        """
        forms = self.page(path).one("main").all("form")
        fitting = [
            form
            for form in forms
            if action in ("", form.attributes["action"])
            and (len(forms) == 1 or fields.keys() <= html.typed_into(form).keys())
        ]
        assert fitting, (path, action, [form.attributes["action"] for form in forms])
        form = fitting[0]
        typed = html.typed_into(form) | fields
        return self.post(form.attributes["action"], typed, archive)

    def sign_in(self, email: str = ADA, password: str = PASSWORD) -> "Browser":
        answer = self.fill_in("/sign-in", email=email, password=password)
        assert answer.status_code == 303, answer.text
        return self


class Site:
    """The site, two people, one subset `tiny` with a truth for its test split."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(
            data_dir=folder, environment="test", upload_limit_bytes=1_000_000, **settings
        )
        (folder / "luss.sqlite3").write_bytes(_prepared_database())
        self.queue, self.clock = RecordingQueue(), SetClock(NOW)
        self.mailer = RecordingMailer()
        self.store = open_store("memory://")
        self.app = create_app(
            self.settings,
            queue=self.queue,
            store=self.store,
            clock=self.clock,
            mailer=self.mailer,
        )
        rooms: Rooms = self.app.state.rooms
        self.database = rooms.database
        self._made = 0

    def browser(self) -> Browser:
        return Browser(self)

    def submission(
        self,
        *,
        by: str = ADA,
        state: SubmissionState = SubmissionState.RECEIVED,
        method: str | None = "Pass",
        is_public: bool = True,
        protocol: Protocol = Protocol.FULLY_UNSUPERVISED,
        **columns: Any,
    ) -> str:
        """Add a submission in any state and return its public id."""
        self._made += 1
        public_id = f"entry{self._made}"
        with self.database.unit_of_work() as session:
            row = add_submission(
                session,
                session.query(User).filter_by(email=by).one(),
                public_id=public_id,
                is_public=is_public,
                method_name=method,
                protocol=protocol,
            )
            row.state = state
            for name, value in columns.items():
                setattr(row, name, value)
        return public_id

    def serve(self, *queues: str) -> None:
        """Let a worker say that it takes work from these queues."""
        with self.database.unit_of_work() as session:
            workers.report(
                session, "host-1", queues=queues, version="1", started_at=NOW, now=self.clock.now()
            )

    def scored(
        self,
        miou: float | None,
        *,
        truth: str = TRUTH.version,
        method: str = "Pass",
        scores: Mapping[str, float | None] | None = None,
        noise: Sequence[float] | None = NOISE,
        **facts: Any,
    ) -> str:
        """Add a scored submission of a method, all other scores derived from its mIoU.

        In the k-th resample every score is off by the k-th ``noise``; None keeps no such values.
        """
        public_id = self.submission(
            method=method, state=SubmissionState.SCORED, finished_at=NOW, **facts
        )
        low = 0.0 if miou is None else miou
        headline = {name: low / (1 + place) for place, name in enumerate(HEADLINE_SCORES)}
        with self.database.unit_of_work() as session:
            row = session.query(Submission).filter_by(public_id=public_id).one()
            row.method_id = method_of(session, team_id=row.team_id, name=method, now=NOW).id
            score = Score(
                submission_id=row.id,
                scorer_version="1",
                truth_version=truth,
                per_class_iou=[low, 0.0, 12.5, 99.0],
                per_class_biou=[low / 2, 0.0, 6.25, 49.5],
                intervals={name: [value - 1, value + 1] for name, value in headline.items()},
                images=160,
                created_at=NOW,
                miou_no_other=low,
                bmiou_no_other=low,
                **{**headline, "miou": miou, **(scores or {})},
            )
            session.add(score)
            session.flush()
            session.add_all(
                ResampledScore(
                    score_id=score.id, name=name, packed=packed(value + each for each in noise)
                )
                for name, value in headline.items()
                if noise is not None
            )
            standings.entry_changed(session, row)
        return public_id

    def change(self, public_id: str, **columns: Any) -> None:
        """Change columns of a submission, and count it anew."""
        with self.database.unit_of_work() as session:
            row = session.query(Submission).filter_by(public_id=public_id).one()
            for name, value in columns.items():
                setattr(row, name, value)
            standings.entry_changed(session, row)

    def client(self, headers: Mapping[str, str]) -> TestClient:
        """Return a program that sends these headers with each request."""
        return TestClient(self.app, headers=dict(headers), raise_server_exceptions=False)

    def make_organizer(self, email: str) -> None:
        with self.database.unit_of_work() as session:
            session.query(User).filter_by(email=email).one().is_organizer = True

    def token(self, email: str = ADA, *, scope: Scope = Scope.SUBMIT) -> str:
        with self.database.unit_of_work() as session:
            return create_for(session, email=email, scope=scope, days=1, now=NOW)

    def attempt(self, public_id: str, *, seconds: float = 1, **columns: Any) -> None:
        """Add an attempt at a submission: done by a worker just now, unless columns differ."""
        with self.database.unit_of_work() as session:
            submission = session.query(Submission).filter_by(public_id=public_id).one()
            facts = {
                "number": 1,
                "token": secrets.token_hex(16),
                "worker": "worker-1",
                "started_at": NOW - timedelta(seconds=seconds),
                "ended_at": NOW,
                "outcome": AttemptOutcome.DONE,
            }
            session.add(Attempt(submission_id=submission.id, **facts | columns))

    def reported(self, method: str, miou: float | None, **facts: Any) -> None:
        """Add a published result to the board of fully unsupervised entries."""
        with self.database.unit_of_work() as session:
            board = catalogue.board(
                session,
                protocol=Protocol.FULLY_UNSUPERVISED,
                subset="tiny",
                split=SplitName.TEST,
            )
            assert board is not None
            row = {"backbone": "ResNet-50", "source": "arXiv:2106.03149 Table V", **facts}
            session.add(ReportedResult(board_id=board.id, method=method, miou=miou, **row))
            standings.board_changed(session, board.id)

    def change_boards(self, **changes: Any) -> None:
        """Change all boards as `luss admin board` does."""
        with self.database.unit_of_work() as session:
            boards = boards_like(session, protocol=None, subset=None, split=None)
            change_boards(session, boards, cast("BoardChanges", changes))

    def close_all_splits(self) -> None:
        """Take every truth away, as on a server whose operator has registered none yet."""
        with self.database.unit_of_work() as session:
            session.execute(update(Split).values(truth_version=None))
            standings.all_boards_changed(session)

    @contextmanager
    def counted_queries(self) -> Iterator[list[str]]:
        """Collect the SELECTs that run meanwhile."""
        seen: list[str] = []

        def note(_c: object, _u: object, statement: str, *_: object) -> None:
            if statement.lstrip().upper().startswith("SELECT"):
                seen.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", note)
        yield seen
        event.remove(self.database.engine, "before_cursor_execute", note)

    def mails(self, to: str = "") -> list[Mail]:
        """Send what waits in the outbox; return all mails so far, or those to one address."""
        send_due(self.database, self.mailer, self.clock)
        return [mail for mail in self.mailer.sent if to in ("", mail.recipient)]

    def link_mailed_to(self, address: str) -> str:
        """Return the path of the last link that was mailed to an address."""
        (link,) = re.findall(r"http://\S+token=\S+", self.mails(address)[-1].body)
        return link.removeprefix(self.settings.site_url)

    def close(self) -> None:
        self.database.close()


@cache
def _prepared_database() -> bytes:
    """Return a migrated SQLite file with two people and a subset: made once, copied often."""
    with TemporaryDirectory() as folder, migrated_database(Path(folder)) as (database, _):
        with database.unit_of_work() as session:
            add_subset(session)
            add_truth(session)
            for email in (ADA, EVE):
                add_user(session, email)
        database.close()  # the last connection moves what was written into the file itself
        return (Path(folder) / "luss.sqlite3").read_bytes()


@contextmanager
def site_in(folder: Path, **settings: Any) -> Iterator[Site]:
    site = Site(folder, **settings)
    yield site
    site.close()
