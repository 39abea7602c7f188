"""Submissions and boards for people: tables and findings, as text for a rich console."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TextIO

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from client.console import REFUSED, print_json
from client.documents import Attempt, Board, BoardRow, Finding, Queue, Submission

_WIDTH_IN_A_FILE = 160
HEADLINES = {
    "miou": "mIoU",
    "bmiou": "b-mIoU",
    "img_acc": "Img-Acc",
    "f_beta": "F-beta",
    "miou_s": "mIoU S",
    "miou_ms": "mIoU MS",
    "miou_ml": "mIoU ML",
    "miou_l": "mIoU L",
    "bmiou_s": "b-mIoU S",
    "bmiou_ms": "b-mIoU MS",
    "bmiou_ml": "b-mIoU ML",
    "bmiou_l": "b-mIoU L",
}
_BOARD_COLUMNS = ("miou", "bmiou", "img_acc", "f_beta")


def show(*parts: RenderableType, to: TextIO | None = None) -> None:
    """Print to standard output or the given stream; wide where nobody's screen is the limit."""
    stream = to or sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else _WIDTH_IN_A_FILE)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text))  # a finding is one line


def show_submission(submission: Submission, *, as_json: bool) -> None:
    """Print for people, or JSON on standard output and the same for people on standard error."""
    if as_json:
        print_json(submission)
    show(*submission_summary(submission), to=sys.stderr if as_json else sys.stdout)


def exit_code_of(submission: Submission) -> int:
    """0 while all is well, 1 for an entry that was not and will not be scored."""
    return REFUSED if submission["state"] in {"rejected", "failed", "withdrawn"} else 0


def submission_summary(submission: Submission) -> Iterable[RenderableType]:
    """What became of a submission: a headline, its findings, its scores."""
    place = f"{submission['protocol']} {submission['subset']} {submission['split']}"
    method = submission["method"] or "(method not known yet)"
    yield Text(f"{submission['id']}  {submission['state']}  {method}  {place}")
    if submission["queue"] is not None:
        yield Text(f"Still to come: {waiting_words(submission['queue'])}")
    if is_run := run_words(submission):
        words, done, total = is_run
        yield Text(f"{words}: {done} of {total} images" if total else words)
    for attempt in submission["attempt_log"]:
        if attempt["reason"] is not None:
            yield Text(_interruption(attempt))
    if submission["failure"]:
        yield Text(f"Our fault, the quota was given back: {submission['failure']}")
    for finding in submission["findings"]:
        yield finding_line(finding)
    if submission["scores"] is not None:
        yield _score_table(submission)
    yield Text(submission["url"])


def waiting_words(queue: Queue) -> str:
    """Say how many are in front and how long it takes, as far as the server can say."""
    seconds = queue["estimated_seconds"]
    left = "no estimate yet" if seconds is None else f"about {timedelta(seconds=seconds)}"
    return f"{queue['position']} before it, {left}"


def run_words(submission: Submission) -> tuple[str, int, int] | None:
    """Say what a worker does with weights, with images done and in all; None if it is nothing."""
    weights = submission.get("weights")
    if weights is None or submission["state"] != "received":
        return None
    run = weights["run"]
    if run["state"] == "waiting":
        return "waiting for a worker that runs models", 0, 0
    return ("running the weights", run["done"], run["total"]) if run["state"] == "running" else None


def _interruption(attempt: Attempt) -> str:
    part = "the submission" if attempt["shard"] is None else f"shard {attempt['shard'] + 1}"
    return f"Attempt {attempt['number']} at {part} came to nothing: {attempt['reason']}"


def finding_line(finding: Finding) -> Text:
    """One line: the message names the file and what to do, the code is for looking it up."""
    return Text(f"{finding['severity']}: {finding['message']} [{finding['code']}]")


def _score_table(submission: Submission) -> Table:
    scores, intervals = submission["scores"] or {}, submission["intervals"] or {}
    table = Table("Score", box=None, pad_edge=False)
    table.add_column("%", justify="right")
    if intervals:
        table.add_column("95 % interval", justify="right")
    for name, title in HEADLINES.items():
        score = scores.get(name)
        cells = [title, _percent(score if isinstance(score, float | int) else None)]
        if name in intervals:
            low, high = intervals[name]
            cells.append(f"{low:.2f} to {high:.2f}")
        table.add_row(*cells)
    return table


def board_summary(board: Board) -> Iterable[RenderableType]:
    """A board: whether it takes entries, what its organizers say of it, and its rows."""
    yield Text(f"{board['protocol']} {board['subset']} {board['split']}: {phase_words(board)}")
    if board["note"]:
        yield Text(board["note"])
    yield _board_table(board)


def _board_table(board: Board) -> Table:
    """The rows as the server ranks them; reported results carry their rank in brackets."""
    table = Table(box=None)
    table.add_column("Rank", justify="right")
    table.add_column("Method")
    table.add_column("Backbone")
    table.add_column("From")
    for name in _BOARD_COLUMNS:
        table.add_column(HEADLINES[name], justify="right")
    for row in board["rows"]:
        table.add_row(
            _rank(row),
            Text(row["method"]),
            Text(row["backbone"] or ""),
            Text(row["team"] or row["source"] or ""),
            *(_percent(row["scores"].get(name)) for name in _BOARD_COLUMNS),
        )
    return table


def phase_words(board: Board) -> str:
    """Say when the board takes entries, and what becomes of them."""
    opens, closes = _moment(board["opens_at"]), _moment(board["closes_at"])
    match board["phase"]:
        case "upcoming":
            return f"opens {opens}"
        case "closed":
            return f"closed {closes}, late entries have no rank"
        case "paused":
            return "paused, takes no entries"
        case "open":
            return f"open until {closes}" if closes else "open"


def _moment(written: str | None) -> str:
    if written is None:
        return ""
    return f"{datetime.fromisoformat(written).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _rank(row: BoardRow) -> str:
    rank = "-" if row["rank"] is None else str(row["rank"])
    return rank if row["kind"] == "verified" else f"({rank})"


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"
