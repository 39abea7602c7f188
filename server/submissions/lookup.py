"""The submission of an address."""

from sqlalchemy.orm import Session

from server.errors import FieldInvalid, NotFound
from server.models import Submission
from server.submissions import queries
from server.visibility import Reader


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


def position_of(session: Session, cursor: str | None, *, team_ids: tuple[int, ...]) -> int | None:
    """Return where a list goes on: below the submission that its last page ended with.

    Raises:
        FieldInvalid: the cursor is not the id of a submission of these teams.
    """
    if cursor is None:
        return None
    position = queries.id_of_own(session, cursor, team_ids=team_ids)
    if position is None:
        raise FieldInvalid("cursor must be the next_cursor of the page before.", field="cursor")
    return position
