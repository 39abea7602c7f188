"""The state of the service in a few public numbers: for participants who wonder what goes on."""

from collections import Counter
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.dependencies import Rooms
from server.operations import queries
from server.operations.contexts import Part, StatusPage, Work
from server.operations.workers import BELIEVED

DAY = timedelta(days=1)
TITLES = {"database": "Database", "broker": "Message broker", "store": "File store"}
MEANINGS = {
    "web": "shows this page",
    "database": "keeps accounts, submissions and scores",
    "broker": "tells workers of new submissions at once; without it they learn of them later",
    "store": "keeps uploaded archives",
}


def status_of(built: Rooms) -> StatusPage:
    """Ask every part, and read the rows if the database answers."""
    now = built.clock.now()
    answers = built.probes.answers()
    work = None
    if answers["database"]:
        try:
            with built.database.reading() as session:
                work = work_of(session, now)
        except SQLAlchemyError:
            answers = {**answers, "database": False}
    parts = [Part(key="web", title="Web", meaning=MEANINGS["web"], is_up=True)]
    parts += [
        Part(key=key, title=TITLES[key], meaning=MEANINGS[key], is_up=is_up)
        for key, is_up in answers.items()
    ]
    return StatusPage(parts=tuple(parts), work=work, at=now)


def work_of(session: Session, now: datetime) -> Work:
    waiting = queries.waiting(session)
    seen = queries.workers_seen(session, since=now - BELIEVED)
    wholes = queries.wholes_since(session, now - DAY)
    return Work(
        workers=len(seen),
        workers_by_queue=tuple(sorted(Counter(q for each in seen for q in each.queues).items())),
        queue_length=waiting.length,
        queue_age_seconds=waiting.age_seconds(now),
        median_seconds=median(wholes) if wholes else None,
        by_outcome=tuple(
            (state.value, count)
            for state, count in queries.counts_by_state(session, since=now - DAY).items()
        ),
    )
