"""A site with one of everything, and everybody there is: for tests of who may do what."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from httpx2 import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from server import standings
from server.model_runs.service import Order, Starter, start
from server.models import (
    ApiToken,
    Base,
    Membership,
    Scope,
    Split,
    SplitName,
    Submission,
    Team,
    TeamInvitation,
    User,
)
from server.teams.invitations import invite
from server.teams.service import create_team
from server.uploads import staging
from server.web import csrf
from tests.support.database import NOW, add_user
from tests.support.site import ADA, EVE, Site, site_in
from tests.support.uploads import Uploader, id_of

BOB, ORA = "bob@example.org", "ora@example.org"
TEAM = "The Analysts"
PAGE = "text/html,application/xhtml+xml"
BOARD_WORDS = {"protocol": "fully-unsupervised", "subset": "tiny", "split": "test"}
FORM_COOKIE = "a-cookie-behind-form-tokens"


class Person(StrEnum):
    """Whoever may come: nobody known, a stranger, a member and an owner of the team, staff."""

    ANONYMOUS = "anonymous"
    OTHER = "other user"
    MEMBER = "team member"
    OWNER = "owner"
    ORGANIZER = "organizer"


EMAILS = {Person.OTHER: EVE, Person.MEMBER: BOB, Person.OWNER: ADA, Person.ORGANIZER: ORA}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a route is sent beside its address; {words} stand for things that there are."""

    query: str = ""
    form: Mapping[str, str] | None = None
    json: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    archive: bytes | None = None
    content: bytes | None = None


class Crowd:
    """The team of Ada (its owner) and Bob, with a private method of two entries; Ada's upload.

    Each question meets the same rows: what the one before has changed is undone.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        with site.database.unit_of_work() as session:
            for email in (BOB, ORA):
                add_user(session, email, organizer=email == ORA)
            ada = session.scalars(select(User).where(User.email == ADA)).one()
            bob = session.scalars(select(User).where(User.email == BOB)).one()
            team = create_team(session, user_id=ada.id, name=TEAM, now=NOW)
            session.add(Membership(team_id=team.id, user_id=bob.id))
            self.words = {"team_id": team.public_id, **BOARD_WORDS}
        self._submissions()
        self._cookies = {
            person: site.browser().sign_in(email).cookies for person, email in EMAILS.items()
        }
        self._tokens = {
            (person, scope): site.token(email, scope=scope)
            for person, email in EMAILS.items()
            for scope in (Scope.READ, Scope.SUBMIT)
        }
        self._tokens[Person.ORGANIZER, Scope.SUBMIT] = site.token(ORA, scope=Scope.ORGANIZE)
        sender = Uploader(site.browser().client, self._tokens[Person.OWNER, Scope.SUBMIT])
        self.words["upload_id"] = id_of(sender.begun(5))
        self.words["token_id"] = self._spare_token()
        self.words["run_id"] = self._reference_run()
        self.words["invitation_id"] = self._invitation()
        self._path = site.settings.data_dir / "luss.sqlite3"
        site.database.close()
        self._rows = self._path.read_bytes()

    def _submissions(self) -> None:
        """Give the team a private method with one entry that is private, and one that is not."""
        private = self.site.scored(30.0, method="Ours", is_public=False)
        public = self.site.scored(20.0, method="Shown")
        self.words |= {"submission_id": private, "public_id": public, "slug": "ours"}
        with self.site.database.unit_of_work() as session:
            team = session.scalars(select(Team).where(Team.name == TEAM)).one()
            for row in session.scalars(select(Submission)):
                row.team_id = team.id
            session.flush()
            for row in session.scalars(select(Submission)):
                session.refresh(row, ["method"])
                if row.method is not None:
                    row.method.team_id = team.id
                standings.entry_changed(session, row)

    def _reference_run(self) -> str:
        order = Order(recipe="demo", subset=BOARD_WORDS["subset"], split=SplitName.TEST)
        with self.site.database.unit_of_work() as session:
            (split,) = session.scalars(select(Split).where(Split.truth_version.is_not(None)))
            split.image_folder = str(self.site.settings.data_dir)
            ora = session.scalars(
                select(Membership)
                .join(User, User.id == Membership.user_id)
                .where(User.email == ORA)
            ).one()
            by = Starter(user_id=ora.user_id, team_id=ora.team_id)
            return start(session, order, by, now=NOW, lease=timedelta(minutes=1)).public_id

    def _invitation(self) -> str:
        with self.site.database.unit_of_work() as session:
            ada = session.scalars(select(User).where(User.email == ADA)).one()
            invite(
                session,
                self.words["team_id"],
                user_id=ada.id,
                email="cy@example.org",
                site_url=self.site.settings.site_url,
                now=NOW,
            )
            return session.scalars(select(TeamInvitation.public_id)).one()

    def _spare_token(self) -> str:
        self.site.token(ADA, scope=Scope.READ)
        with self.site.database.reading() as session:
            newest = session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).first()
            assert newest is not None
            return newest.public_id

    def ask_as(
        self,
        person: Person,
        method: str,
        path: str,
        asked: Asked,
        *,
        scope: Scope = Scope.SUBMIT,
        by_cookie: bool | None = None,
        with_form_token: bool = True,
    ) -> Response:
        """Ask as somebody would: programs by token, browsers by cookie and form token."""
        if by_cookie is None:
            by_cookie = not path.startswith(("/api/v1/", "/metrics"))
        headers = {name: self._said(value) for name, value in asked.headers.items()}
        cookies = {csrf.COOKIE: FORM_COOKIE}
        if by_cookie:
            headers["Accept"] = PAGE
            cookies |= self._cookies.get(person, {})
        elif person is not Person.ANONYMOUS:
            headers["Authorization"] = f"Bearer {self._tokens[person, scope]}"
        form = None
        if asked.form is not None:
            form = {name: self._said(value) for name, value in asked.form.items()}
            if with_form_token and not path.startswith("/api/"):
                secret = self.site.settings.secret_key.get_secret_value()
                form[csrf.FIELD] = csrf.token_for(cookies[csrf.COOKIE], secret_key=secret)
        client = TestClient(
            self.site.app, cookies=cookies, follow_redirects=False, raise_server_exceptions=False
        )
        files = None if asked.archive is None else {"archive": ("entry.zip", asked.archive)}
        return client.request(
            method,
            path.format_map(self.words) + self._said(asked.query),
            headers=headers,
            data=form,
            files=files,
            json=asked.json,
            content=asked.content,
        )

    def _said(self, text: str) -> str:
        for word, meaning in self.words.items():
            text = text.replace(f"{{{word}}}", meaning)
        return text

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Return what all tables hold, but for when a token was last used."""
        with self.site.database.reading() as session:
            return {
                table.name: [
                    tuple(row)
                    for row in session.execute(
                        select(*(each for each in table.columns if each.name != "last_used_at"))
                    )
                ]
                for table in Base.metadata.sorted_tables
            }

    def undo(self) -> None:
        """Put all rows back to how they were."""
        self.site.database.close()
        for path in self._path.parent.glob("luss.sqlite3-*"):
            path.unlink()
        self._path.write_bytes(self._rows)
        staging.path_of(self.site.settings.staging_folder, self.words["upload_id"]).write_bytes(b"")


@contextmanager
def crowd_in(folder: Path) -> Iterator[Crowd]:
    with site_in(folder) as site:
        yield Crowd(site)
