from datetime import timedelta

import pytest
from sqlalchemy import select

from server.accounts import queries, tokens
from server.db import Database
from server.errors import FieldInvalid, LimitReached, NotFound
from server.models import ApiToken, Scope, User
from tests.support.database import NOW, add_user

EMAIL = "ada@example.org"


@pytest.fixture
def user(database: Database) -> User:
    with database.unit_of_work() as session:
        return add_user(session, EMAIL)


class TestTokens:
    def make(
        self, database: Database, *, days: int | None = None, scope: Scope = Scope.SUBMIT
    ) -> str:
        with database.unit_of_work() as session:
            return tokens.create_for(session, email=EMAIL, scope=scope, days=days, now=NOW)

    @pytest.mark.usefixtures("user")
    def test_a_token_is_shown_once_and_kept_as_a_digest(self, database: Database) -> None:
        token = self.make(database)

        with database.reading() as session:
            row = session.scalars(select(ApiToken)).one()
            found = queries.user_of_token(session, token=token, now=NOW)
        assert token.startswith("luss_")
        assert token not in (row.digest, row.hint)
        assert found is not None
        assert (found[0].email, found[1].scope) == (EMAIL, Scope.SUBMIT)

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

    def test_one_ends_with_the_token_that_asked_for_it(
        self, database: Database, user: User
    ) -> None:
        soon = NOW + timedelta(days=3)
        with database.unit_of_work() as session:
            ends = [
                tokens.create(session, user, scope=Scope.READ, days=days, now=NOW, latest=soon)[
                    0
                ].expires_at
                for days in (1, 9, None)
            ]

        assert ends == [NOW + timedelta(days=1), soon, soon]

    def test_a_person_has_so_many_at_most(
        self, database: Database, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
        for _ in range(2):
            self.make(database, days=1)
        with pytest.raises(LimitReached, match="revoke one"):
            self.make(database)

        with database.unit_of_work() as session:
            later = NOW + timedelta(days=1)
            tokens.create(session, user, scope=Scope.READ, days=1, now=later)

    @pytest.mark.parametrize("days", [0, -1, 3651, 10**9])
    def test_a_lifetime_has_an_end(self, database: Database, user: User, days: int) -> None:
        with pytest.raises(FieldInvalid, match="1 to 3650"):
            self.make(database, days=days)

    def test_revoking_ends_one_for_good(self, database: Database, user: User) -> None:
        token = self.make(database)
        with database.unit_of_work() as session:
            public_id = session.scalars(select(ApiToken.public_id)).one()
            tokens.revoke(session, user_id=user.id, public_id=public_id, now=NOW)

        with database.reading() as session:
            assert queries.user_of_token(session, token=token, now=NOW) is None
        with pytest.raises(NotFound), database.unit_of_work() as session:
            tokens.revoke(session, user_id=user.id, public_id=public_id, now=NOW)

    def test_nobody_revokes_what_is_another_persons(self, database: Database, user: User) -> None:
        token = self.make(database)
        with database.unit_of_work() as session:
            eve = add_user(session, "eve@example.org")
            public_id = session.scalars(select(ApiToken.public_id)).one()
        with pytest.raises(NotFound), database.unit_of_work() as session:
            tokens.revoke(session, user_id=eve.id, public_id=public_id, now=NOW)

        with database.reading() as session:
            assert queries.user_of_token(session, token=token, now=NOW) is not None

    def test_use_is_written_down_once_a_minute(self, database: Database, user: User) -> None:
        self.make(database)
        seen = []
        for seconds in (0, 59, 60, 61):
            with database.unit_of_work() as session:
                row = session.scalars(select(ApiToken)).one()
                queries.note_token_use(session, row.id, now=NOW + timedelta(seconds=seconds))
                session.refresh(row)
                assert row.last_used_at is not None
                seen.append((row.last_used_at - NOW).total_seconds())

        assert seen == [0, 0, 60, 60]
