"""`luss edit` and `luss withdraw` on a real site: what they change, ask and refuse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.models import Scope, SubmissionState
from tests.client.commands.conftest import Luss
from tests.support.database import NOW
from tests.support.serving import listening
from tests.support.site import BOARD, EVE, Site, site_in


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, luss: Luss) -> Iterator[Site]:
    """A site that listens, with Ada's token in the environment."""
    with site_in(tmp_path) as site, listening(site) as address:
        monkeypatch.setenv("LUSS_SERVER", address)
        monkeypatch.setenv("LUSS_TOKEN", site.token())
        yield site


def seen(site: Site, public_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {site.token()}"}
    found: dict[str, Any] = site.client(headers).get(f"/api/v1/submissions/{public_id}").json()
    return found


def methods(site: Site) -> list[str]:
    return [row["method"] for row in site.browser().get(f"/api/v1{BOARD}").json()["rows"]]


class TestEdit:
    def test_changes_what_is_named_and_nothing_else(self, luss: Luss, site: Site) -> None:
        public_id = site.scored(30.0, networks="ResNet-18", link="https://example.org/a")
        before = seen(site, public_id)

        finished = luss(
            *("edit", public_id, "--set", "method_name=Better", "--set", "networks="),
            *("--set", "description=a = b", "--json"),
        )

        assert finished.exit_code == 0, finished.stderr
        changed = {"method_name": "Better", "networks": None, "description": "a = b"}
        after = before | {"method": "Better", "card": before["card"] | changed}
        assert json.loads(finished.stdout) == seen(site, public_id) == after
        assert "Better" in finished.stderr
        assert methods(site) == ["Better"]

    def test_hides_it_and_shows_it_again(self, luss: Luss, site: Site) -> None:
        public_id = site.scored(30.0)

        assert luss("edit", public_id, "--private").exit_code == 0
        assert methods(site) == []
        assert luss("edit", public_id, "--public").exit_code == 0
        assert methods(site) == ["Pass"]

    def test_withholds_names_and_gives_them_again(self, luss: Luss, site: Site) -> None:
        public_id = site.scored(30.0)

        assert luss("edit", public_id, "--anonymous-until", "2027-03-01").exit_code == 0
        assert methods(site) == ["Anonymous 1"]
        assert luss("edit", public_id, "--anonymous-until", "none").exit_code == 0
        assert methods(site) == ["Pass"]

    def test_may_hide_what_is_not_scored_yet(self, luss: Luss, site: Site) -> None:
        public_id = site.submission()

        refused = luss("edit", public_id, "--set", "networks=ViT")
        assert luss("edit", public_id, "--private").exit_code == 0

        assert refused.exit_code == 1
        assert "can be changed once it is scored" in refused.stderr
        assert "[entry_under_way]" in refused.stderr
        assert seen(site, public_id)["public"] is False

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            ((), 2, "Say what to change"),
            (("--set", "networks"), 2, "say FIELD=TEXT"),
            (("--set", "network=ViT"), 2, "did you mean networks?"),
            (("--set", "protocol=free"), 2, "There is no field of the method card 'protocol'"),
            (("--set", "method_name="), 1, "needs the name of its method. [field_invalid]"),
            (("--anonymous-until", "soon"), 1, "has to be a date"),
            (("--private", "--anonymous-until", "2027-03-01"), 2, "leave out --anonymous-until"),
        ],
    )
    def test_refuses_what_makes_no_sense(
        self, luss: Luss, site: Site, words: tuple[str, ...], code: int, said: str
    ) -> None:
        public_id = site.scored(30.0)
        before = seen(site, public_id)

        finished = luss("edit", public_id, *words)

        assert finished.exit_code == code, finished.stderr
        assert said in finished.stderr
        assert finished.stdout == ""
        assert seen(site, public_id) == before

    @pytest.mark.parametrize("public_id", ["nothing", "../boards", "a/b?c=d"])
    def test_of_what_there_is_not_is_refused(self, luss: Luss, site: Site, public_id: str) -> None:
        finished = luss("edit", public_id, "--set", "networks=ViT")

        assert finished.exit_code == 1
        assert "[not_found]" in finished.stderr

    def test_of_anothers_is_refused(self, luss: Luss, site: Site) -> None:
        public_id = site.scored(30.0, by=EVE)

        finished = luss("edit", public_id, "--private")

        assert finished.exit_code == 1
        assert "of a team of yours. [not_found]" in finished.stderr
        assert methods(site) == ["Pass"]


class TestWithdraw:
    def test_takes_it_from_its_board_for_good(self, luss: Luss, site: Site) -> None:
        public_id = site.scored(30.0)

        finished = luss("withdraw", public_id, "--yes", "--json")
        again = luss("withdraw", public_id, "--yes")

        assert finished.exit_code == again.exit_code == 0
        assert json.loads(finished.stdout)["state"] == "withdrawn"
        assert "withdrawn" in again.stdout
        assert methods(site) == []

    def test_shows_what_it_is_and_asks_first(
        self, luss: Luss, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        public_id = site.scored(30.0)
        asked = []

        def answer(question: str, **_options: object) -> bool:
            asked.append(question)
            return len(asked) > 1

        monkeypatch.setattr("typer.confirm", answer)
        monkeypatch.setattr("client.commands.withdraw.somebody_is_there", lambda: True)

        first = luss("withdraw", public_id)
        assert (first.exit_code, first.stdout) == (1, "")
        assert f"{public_id}  scored  Pass" in first.stderr
        assert "Nothing was changed." in first.stderr
        assert methods(site) == ["Pass"]
        second = luss("withdraw", public_id, "--json")
        assert json.loads(second.stdout)["state"] == "withdrawn"
        assert asked == ["Withdraw it for good?"] * 2

    def test_wants_a_yes_where_nobody_can_be_asked(self, luss: Luss, site: Site) -> None:
        public_id = site.scored(30.0)

        finished = luss("withdraw", public_id)

        assert finished.exit_code == 2
        assert "say --yes" in finished.stderr
        assert methods(site) == ["Pass"]

    def test_of_what_has_ended_is_refused(self, luss: Luss, site: Site) -> None:
        public_id = site.submission(state=SubmissionState.REJECTED, finished_at=NOW)

        finished = luss("withdraw", public_id, "--yes")

        assert finished.exit_code == 1
        assert "nothing to withdraw. [entry_ended]" in finished.stderr

    def test_of_what_there_is_not_is_refused(self, luss: Luss, site: Site) -> None:
        finished = luss("withdraw", "nothing", "--yes")

        assert finished.exit_code == 1
        assert "[not_found]" in finished.stderr


@pytest.mark.parametrize("words", [("edit", "--private"), ("withdraw", "--yes")])
class TestBoth:
    def test_need_a_token(
        self, luss: Luss, site: Site, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
    ) -> None:
        monkeypatch.delenv("LUSS_TOKEN")

        finished = luss(words[0], "entry1", words[1])

        assert finished.exit_code == 2
        assert "LUSS_TOKEN is not set" in finished.stderr

    def test_change_nothing_by_a_token_for_reading(
        self, luss: Luss, site: Site, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
    ) -> None:
        public_id = site.scored(30.0)
        monkeypatch.setenv("LUSS_TOKEN", site.token(scope=Scope.READ))

        finished = luss(words[0], public_id, words[1])

        assert finished.exit_code == 1
        assert "[not_allowed]" in finished.stderr
        assert methods(site) == ["Pass"]

    def test_end_with_3_where_no_server_answers(
        self, luss: Luss, site: Site, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
    ) -> None:
        monkeypatch.setenv("LUSS_SERVER", "http://127.0.0.1:9")

        assert luss(words[0], "entry1", words[1]).exit_code == 3
