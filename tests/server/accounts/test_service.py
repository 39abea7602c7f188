from datetime import timedelta

import pytest
from sqlalchemy import select

from server.accounts import queries, service
from server.db import Database
from server.errors import AlreadyExists, FieldInvalid, SignInRefused
from server.models import BrowserSession, User
from tests.support.database import NOW, PASSWORD, add_user

pytestmark = pytest.mark.both_databases

LASTS = timedelta(hours=1)
EMAIL = "ada@example.org"


@pytest.fixture
def user(database: Database) -> User:
    with database.unit_of_work() as session:
        return add_user(session, EMAIL)


def sign_in(database: Database, *, email: str = EMAIL, password: str = PASSWORD) -> str:
    with database.unit_of_work() as session:
        user = service.authenticated(session, email=email, password=password)
        return service.open_session(session, user_id=user.id, now=NOW, lasts=LASTS)


class TestCreateUser:
    def test_makes_a_team_of_one(self, database: Database, user: User) -> None:
        with database.reading() as session:
            assert [team.is_personal for team in queries.teams_of(session, user.id)] == [True]

    @pytest.mark.usefixtures("user")
    def test_refuses_an_address_that_differs_by_case_alone(self, database: Database) -> None:
        with (
            pytest.raises(AlreadyExists, match="has an account"),
            database.unit_of_work() as session,
        ):
            add_user(session, " ADA@Example.org ")

    @pytest.mark.parametrize(
        "email",
        [
            *("ada", "@example.org", "ada@", "a b@example.org", "", "<a@b.org>", "ü@b.org"),
            *("a@b\nc", "a\0@b.org", "a@" + "b" * 260),
        ],
    )
    def test_refuses_what_is_no_address(self, database: Database, email: str) -> None:
        with (
            pytest.raises(FieldInvalid, match="not an e-mail"),
            database.unit_of_work() as session,
        ):
            add_user(session, email)

    def test_refuses_a_short_password(self, database: Database) -> None:
        with (
            pytest.raises(FieldInvalid, match="at least 10"),
            database.unit_of_work() as session,
        ):
            service.create_user(session, email=EMAIL, password="short", is_organizer=False, now=NOW)

    def test_refuses_a_password_that_would_take_long_to_hash(self, database: Database) -> None:
        with (
            pytest.raises(FieldInvalid, match="may have 1024"),
            database.unit_of_work() as session,
        ):
            service.create_user(
                session, email=EMAIL, password="x" * 1025, is_organizer=False, now=NOW
            )

    def test_keeps_no_password(self, user: User) -> None:
        assert PASSWORD not in user.password_hash
        assert user.password_hash.startswith("$argon2id$")


class TestSignIn:
    def test_opens_a_session_that_ends(self, database: Database, user: User) -> None:
        secret = sign_in(database)

        with database.reading() as session:
            found = queries.user_of_browser(session, secret=secret, now=NOW)
            assert found is not None
            assert found.id == user.id
            assert queries.user_of_browser(session, secret=secret, now=NOW + LASTS) is None

    @pytest.mark.usefixtures("user")
    def test_takes_the_address_in_any_case(self, database: Database) -> None:
        assert sign_in(database, email="Ada@Example.org")

    @pytest.mark.usefixtures("user")
    @pytest.mark.parametrize(
        ("email", "password"), [(EMAIL, "wrong password"), ("eve@example.org", PASSWORD)]
    )
    def test_does_not_say_which_of_the_two_was_wrong(
        self, database: Database, email: str, password: str
    ) -> None:
        with pytest.raises(SignInRefused, match="No account has this e-mail address and password"):
            sign_in(database, email=email, password=password)

    @pytest.mark.usefixtures("user")
    def test_keeps_the_digest_of_the_secret_alone(self, database: Database) -> None:
        secret = sign_in(database)

        with database.reading() as session:
            assert secret not in session.scalars(select(BrowserSession.digest)).all()

    @pytest.mark.usefixtures("user")
    def test_signing_out_ends_the_session(self, database: Database) -> None:
        secret = sign_in(database)
        with database.unit_of_work() as session:
            service.close_session(session, secret=secret)

        with database.reading() as session:
            assert queries.user_of_browser(session, secret=secret, now=NOW) is None
