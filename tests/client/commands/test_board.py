import json

import pytest

from tests.client.commands.conftest import Luss
from tests.support import fake_server
from tests.support.fake_server import FakeServer

ADDRESS = ("--protocol", "fully-unsupervised", "--subset", "50", "--split", "val")


def test_prints_a_table_with_reported_ranks_in_brackets(luss: Luss) -> None:
    finished = luss("board", *ADDRESS, server=FakeServer())

    lines = finished.stdout.splitlines()
    assert finished.exit_code == 0
    assert any(line.split()[:3] == ["1", "PASS", "[again]"] for line in lines)
    assert any(line.split()[:2] == ["(1)", "MaskContrast"] and "24.20" in line for line in lines)


TIMES = {"opens_at": "2027-01-01T00:00:00Z", "closes_at": "2027-02-01T12:00:00+01:00"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "val: open"),
        (TIMES, "val: open until 2027-02-01 11:00 UTC"),
        (TIMES | {"phase": "upcoming"}, "val: opens 2027-01-01 00:00 UTC"),
        (
            TIMES | {"phase": "closed"},
            "val: closed 2027-02-01 11:00 UTC, late entries have no rank",
        ),
        (TIMES | {"phase": "paused"}, "val: paused, takes no entries"),
    ],
)
def test_says_when_the_board_takes_entries(
    luss: Luss, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], said: str
) -> None:
    document = {**fake_server.board(), **changes, "note": "Read the rules."}
    monkeypatch.setattr(fake_server, "board", lambda *_: document)

    lines = luss("board", *ADDRESS, server=FakeServer()).stdout.splitlines()

    assert lines[:2] == [f"fully-unsupervised 50 {said}", "Read the rules."]


@pytest.mark.parametrize("option", [("--json",), ("--format", "json")])
def test_prints_the_document_alone_as_json(luss: Luss, option: tuple[str, ...]) -> None:
    finished = luss("board", *ADDRESS, *option, server=FakeServer())

    assert json.loads(finished.stdout) == fake_server.board()


@pytest.mark.parametrize("form", ["csv", "latex"])
def test_passes_on_the_servers_csv_and_latex(luss: Luss, form: str) -> None:
    finished = luss("board", *ADDRESS, "--format", form, server=FakeServer())

    assert finished.stdout == f"{form} of fully-unsupervised\n"


@pytest.mark.parametrize(
    ("option", "word", "hint"),
    [
        ("--protocol", "fully-unsupervized", "did you mean fully-unsupervised?"),
        ("--subset", "damo", "did you mean demo?"),
        ("--split", "validation", "did you mean val?"),
        ("--subset", "xyz", "there are: 50, demo."),
    ],
)
def test_an_unknown_word_is_a_usage_error_with_a_hint(
    luss: Luss, option: str, word: str, hint: str
) -> None:
    finished = luss("board", *ADDRESS, option, word, server=FakeServer())

    assert finished.exit_code == 2
    assert hint in finished.stderr
    assert finished.stdout == ""
