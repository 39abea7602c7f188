import json

from tests.client.commands.conftest import Luss
from tests.support.fake_server import FakeServer, finding, submission


def test_shows_each_finding_on_one_line_with_what_to_do(luss: Luss) -> None:
    findings = [
        finding(),
        finding(
            code="wordy",
            severity="warning",
            message="a.png: " + "words that would not fit into any line of any terminal, " * 5,
        ),
    ]
    server = FakeServer(submission(state="rejected", findings=findings))

    finished = luss("status", "s1", server=server)

    lines = finished.stdout.splitlines()
    assert finished.exit_code == 0
    assert (
        "error: n90000001/demo_test_00000001.png: this mask is not in the archive; add it "
        "[image_missing]" in lines
    )
    assert any(line.startswith("warning: a.png") and "[wordy]" in line for line in lines)


def test_shows_scores_with_their_intervals(luss: Luss) -> None:
    server = FakeServer(
        submission(
            state="scored",
            method="PASS",
            scores={"miou": 29.314, "bmiou": None, "per_class_iou": [90.0, None]},
            intervals={"miou": [28.0, 30.5]},
        )
    )

    finished = luss("status", "s1", server=server)

    rows = [line.split() for line in finished.stdout.splitlines()]
    assert ["mIoU", "29.31", "28.00", "to", "30.50"] in rows
    assert ["b-mIoU", "-"] in rows


def test_says_how_long_it_may_still_take(luss: Luss) -> None:
    for seconds, words in ((90, "about 0:01:30"), (None, "no estimate yet")):
        server = FakeServer(submission(queue={"position": 3, "estimated_seconds": seconds}))

        finished = luss("status", "s1", server=server)

        assert f"Still to come: 3 before it, {words}" in finished.stdout


def test_says_which_attempts_came_to_nothing(luss: Luss) -> None:
    log = [
        {"shard": None, "number": 1, "reason": None},
        {"shard": 1, "number": 2, "reason": "worker lost"},
    ]

    finished = luss("status", "s1", server=FakeServer(submission(attempts=2, attempt_log=log)))

    said = [line for line in finished.stdout.splitlines() if "came to nothing" in line]
    assert said == ["Attempt 2 at shard 2 came to nothing: worker lost"]


def test_says_when_the_fault_was_the_servers(luss: Luss) -> None:
    server = FakeServer(submission(state="failed", failure="the disk was full"))

    finished = luss("status", "s1", server=server)

    assert "Our fault, the quota was given back: the disk was full" in finished.stdout


def test_prints_the_document_alone_on_standard_output_as_json(luss: Luss) -> None:
    finished = luss("status", "s1", "--json", server=FakeServer(submission()))

    assert json.loads(finished.stdout) == submission()
    assert "received" in finished.stderr


def test_an_unknown_submission_is_refused(luss: Luss) -> None:
    finished = luss("status", "nothing", server=FakeServer())

    assert finished.exit_code == 1
    assert "There is no submission that you may read. [not_found]" in finished.stderr
