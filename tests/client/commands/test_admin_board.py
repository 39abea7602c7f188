"""`luss admin board`: what it prints, what it sets, and what it does not believe."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.commands.conftest import Luss

ONE = ("--protocol", "free", "--subset", "50", "--split", "test")
PRINTED = """\
free 50 test: open, shows per_class
  a team's entries: 5 a day, any number in all, 2 at a time, 20 refused an hour
"""


@pytest.fixture(autouse=True)
def initialised(luss: Luss, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUSS_DATA_DIR", str(tmp_path / "var"))
    luss("admin", "init")


def boards(luss: Luss, *words: str) -> list[dict[str, Any]]:
    finished = luss("admin", "board", *words, "--json")
    assert finished.exit_code == 0, finished.stderr
    found: list[dict[str, Any]] = json.loads(finished.stdout)["boards"]
    return found


def test_prints_what_a_new_board_has(luss: Luss) -> None:
    assert luss("admin", "board", *ONE).stdout == PRINTED


def test_sets_everything_and_takes_it_back(luss: Luss) -> None:
    (first,) = boards(luss, *ONE)
    (changed,) = boards(
        luss,
        *ONE,
        *("--daily", "none", "--total", "7", "--in-flight", "3", "--hourly", "9"),
        *("--opens", "2027-01-01", "--closes", "2027-02-01T12:00+01:00", "--pause"),
        *("--detail", "summary", "--note", "A challenge."),
    )
    assert changed == first | {
        "phase": "paused",
        "opens_at": "2027-01-01T00:00:00+00:00",
        "closes_at": "2027-02-01T11:00:00+00:00",
        "paused": True,
        "detail": "summary",
        "note": "A challenge.",
        "limits": {"daily": None, "total": 7, "in_flight": 3, "hourly": 9},
    }
    assert boards(luss, *ONE) == [changed]

    restored = boards(
        luss,
        *ONE,
        *("--daily", "5", "--total", "none", "--in-flight", "2", "--hourly", "20"),
        *("--opens", "none", "--closes", "none", "--resume", "--detail", "per_class", "--note", ""),
    )
    assert restored == [first]


def test_sets_all_boards_that_the_words_describe(luss: Luss) -> None:
    changed = boards(luss, "--subset", "300", "--daily", "1")

    assert len(changed) == 8
    daily = [(each["subset"], each["limits"]["daily"]) for each in boards(luss)]
    assert daily == [(subset, 1 if subset == "300" else 5) for subset, _ in daily]
    assert {subset for subset, _ in daily} == {"50", "300", "919"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--daily", "0"), 1, "1 to 1000000, or none"),
        (("--total", "-3"), 1, "total_limit is -3"),
        (("--hourly", "many"), 2, "--hourly is 'many'; it is a whole number, or none"),
        (("--opens", "tomorrow"), 2, "a time like"),
        (("--opens", "2027-02-01", "--closes", "2027-01-01"), 1, "closes after it opens"),
        (("--detail", "sumary"), 2, "did you mean summary?"),
        (("--protocol", "fre"), 2, "did you mean free?"),
        (("--subset", "51"), 1, "did you mean 50?"),
        (("--note", "x" * 501), 1, "501 characters"),
    ],
)
def test_refuses_what_makes_no_sense(
    luss: Luss, words: tuple[str, ...], code: int, said: str
) -> None:
    before = boards(luss)

    finished = luss("admin", "board", *words)

    assert finished.exit_code == code, finished.stdout
    assert said in finished.stderr
    assert boards(luss) == before
