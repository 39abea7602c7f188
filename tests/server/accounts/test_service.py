from datetime import timedelta

import pytest
from sqlalchemy import select

from server.accounts import queries, service
from server.db import Database
from server.errors import AlreadyExists, FieldInvalid, NotFound, SignInRefused
from server.models import ApiToken, BrowserSession, Scope, User
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
            assert len(queries.team_ids_of(session, user.id)) == 1

    @pytest.mark.usefixtures("user")
    def test_refuses_an_address_that_differs_by_case_alone(self, database: Database) -> None:
        with (
            pytest.raises(AlreadyExists, match="has an account"),
            database.unit_of_work() as session,
        ):
            add_user(session, " ADA@Example.org ")

    @pytest.mark.parametrize("email", ["ada", "@example.org", "ada@", "a b@example.org", ""])
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


class TestTokens:
    def make(
        self, database: Database, *, days: int | None = None, scope: Scope = Scope.SUBMIT
    ) -> str:
        with database.unit_of_work() as session:
            return service.create_token(session, email=EMAIL, scope=scope, days=days, now=NOW)

    @pytest.mark.usefixtures("user")
    def test_a_token_is_shown_once_and_kept_as_a_digest(self, database: Database) -> None:
        token = self.make(database)

        with database.reading() as session:
            row = session.scalars(select(ApiToken)).one()
            found = queries.user_of_token(session, token=token, now=NOW)
        assert token.startswith("luss_")
        assert token not in (row.digest, row.hint)
        assert found is not None
        assert (found[0].email, found[1]) == (EMAIL, Scope.SUBMIT)

    @pytest.mark.usefixtures("user")
    def test_a_token_expires(self, database: Database) -> None:
        token = self.make(database, days=2)

        with database.reading() as session:
            early, late = NOW + timedelta(days=1), NOW + timedelta(days=2)
            assert queries.user_of_token(session, token=token, now=early) is not None
            assert queries.user_of_token(session, token=token, now=late) is None

    @pytest.mark.usefixtures("user")
    def test_only_organizers_get_a_token_to_organize(self, database: Database) -> None:
        with pytest.raises(FieldInvalid, match="is no organizer"):
            self.make(database, scope=Scope.ORGANIZE)

    def test_an_unknown_address_gets_none(self, database: Database) -> None:
        with pytest.raises(NotFound, match="luss admin user"):
            self.make(database)

    def test_a_scope_includes_the_ones_before_it(self) -> None:
        assert Scope.ORGANIZE.includes(Scope.READ)
        assert Scope.SUBMIT.includes(Scope.SUBMIT)
        assert not Scope.READ.includes(Scope.SUBMIT)
