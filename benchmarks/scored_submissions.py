"""A board with as many scored submissions as a benchmark wants, of so many methods.

Rows are written as the service leaves them: submissions, scores with intervals and classes, the
resampled values of every score, and what counts on the board.
"""

from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from server import standings
from server.accounts import service as accounts
from server.catalogue import queries as catalogue
from server.catalogue.imagenet_s import CategoryFacts
from server.db import Database
from server.method_names import method_of
from server.models import (
    HEADLINE_SCORES,
    Board,
    Membership,
    Method,
    Protocol,
    ResampledScore,
    Score,
    SplitName,
    Submission,
    SubmissionState,
)
from server.organizers import service as organizing
from server.organizers.service import TruthFacts
from server.protocols import FACT_KEYS
from server.resampled import packed

BOARD = "/boards/fully-unsupervised/tiny/test"
MEMBER, PASSWORD = "member@example.org", "correct horse battery"  # of a made-up site
START = datetime(2026, 1, 1, tzinfo=UTC)
CLASSES, RESAMPLES = 50, 1000
AT_ONCE = 500


def fill(database: Database, *, methods: int, submissions: int, random: Random) -> None:
    """Make the site, its methods, and the first submissions."""
    with database.unit_of_work() as session:
        organizing.add_subset(
            session,
            slug="tiny",
            title="Tiny",
            categories=[
                CategoryFacts(i, f"n{i:08}", f"category {i}") for i in range(1, CLASSES + 1)
            ],
        )
        organizing.register_truth(
            session,
            slug="tiny",
            split=SplitName.TEST,
            truth=TruthFacts(version="truth-1", classes=CLASSES, manifest={"n1/a.png": (4, 5)}),
            categories=None,
            is_public=False,
            now=START,
        )
        user = accounts.create_user(
            session, email=MEMBER, password=PASSWORD, is_organizer=False, now=START
        )
        session.flush()
        (team_id,) = session.scalars(
            select(Membership.team_id).where(Membership.user_id == user.id)
        )
        for number in range(methods):
            method_of(session, team_id=team_id, name=f"Method {number}", now=START)
    more(database, 0, submissions, methods=methods, random=random)


def more(database: Database, first: int, stop: int, *, methods: int, random: Random) -> None:
    """Add scored submissions up to a number, by turns of each method, and count them."""
    for start in range(first, stop, AT_ONCE):
        with database.unit_of_work() as session:
            _add(session, range(start, min(start + AT_ONCE, stop)), methods, random)
    with database.unit_of_work() as session:
        standings.recount(session, _board(session).id)


def _board(session: Session) -> Board:
    board = catalogue.board(
        session, protocol=Protocol.FULLY_UNSUPERVISED, subset="tiny", split=SplitName.TEST
    )
    assert board is not None  # noqa: S101  # just made
    return board


def _add(session: Session, numbers: range, methods: int, random: Random) -> None:
    board_id = _board(session).id
    known = session.scalars(select(Method).order_by(Method.id)).all()
    user_id = session.scalars(
        select(Membership.user_id).where(Membership.team_id == known[0].team_id)
    ).one()
    submissions = session.scalars(
        insert(Submission).returning(Submission.id, sort_by_parameter_order=True),
        [
            {
                "public_id": f"s{number}",
                "board_id": board_id,
                "team_id": known[0].team_id,
                "user_id": user_id,
                "method_id": known[number % methods].id,
                "method_name": known[number % methods].name,
                "networks": "ResNet-50",
                "training_scheme": "SSL",
                "created_at": START + timedelta(minutes=number),
                "is_public": True,
                "declarations": dict.fromkeys(FACT_KEYS, False),
                "archive_sha256": "0" * 64,
                "archive_bytes": 1000,
                "state": SubmissionState.SCORED,
                "finished_at": START + timedelta(minutes=number),
                "findings": [],
                "progress_done": 1,
                "progress_total": 1,
                "lease_until": START,
            }
            for number in numbers
        ],
    ).all()
    mious = [random.uniform(10, 60) for _ in numbers]
    scores = session.scalars(
        insert(Score).returning(Score.id, sort_by_parameter_order=True),
        [
            {
                "submission_id": submission_id,
                "scorer_version": "1",
                "truth_version": "truth-1",
                **dict.fromkeys(HEADLINE_SCORES, miou),
                "per_class_iou": [miou] * (CLASSES + 1),
                "per_class_biou": [miou / 2] * (CLASSES + 1),
                "intervals": {name: [miou - 1, miou + 1] for name in HEADLINE_SCORES},
                "images": 1,
                "created_at": START,
            }
            for submission_id, miou in zip(submissions, mious, strict=True)
        ],
    ).all()
    noise = [random.gauss(0, 1) for _ in range(RESAMPLES)]
    values = [packed(miou + each for each in noise) for miou in mious]
    session.execute(
        insert(ResampledScore),
        [
            {"score_id": score_id, "name": name, "packed": value}
            for score_id, value in zip(scores, values, strict=True)
            for name in HEADLINE_SCORES
        ],
    )
