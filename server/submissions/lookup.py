"""The submission of an address."""

from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from server.errors import NotFound
from server.models import Submission
from server.submissions import queries
from server.visibility import Reader

Cursor = Annotated[int | None, Query(gt=0, le=2**63 - 1)]


def submission_named(session: Session, public_id: str, reader: Reader) -> Submission:
    """Find a submission that the reader may see.

    Raises:
        NotFound: there is none, or it is another team's and not published.
    """
    submission = queries.one_readable(session, public_id, reader)
    if submission is None:
        raise NotFound(f"There is no submission {public_id} that you may read.")
    return submission


def own_submission(session: Session, public_id: str, *, team_ids: tuple[int, ...]) -> Submission:
    """Find a submission that its team may change.

    Raises:
        NotFound: there is none, or it is another team's.
    """
    submission = queries.one_own(session, public_id, team_ids)
    if submission is None:
        raise NotFound(f"There is no submission {public_id} of a team of yours.")
    return submission
