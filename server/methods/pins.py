"""A team chooses which entry of its method a board shows, in place of the best one."""

from sqlalchemy.orm import Session

from server import standings
from server.errors import EntryNotShown, NotFound
from server.methods import queries
from server.models import Method, Submission, SubmissionState


def pin(session: Session, slug: str, public_id: str, *, team_ids: tuple[int, ...]) -> Method:
    """Let this entry count on its board, in place of another one that was pinned before.

    Raises:
        NotFound: it is no entry of a method of these teams.
        EntryNotShown: it is private, or has no scores.
    """
    method, entry = _own_entry(session, slug, public_id, team_ids=team_ids)
    if entry.state is not SubmissionState.SCORED or not entry.is_public:
        raise EntryNotShown(
            f"{public_id} is {'private' if not entry.is_public else entry.state}; "
            "a board can only show a public entry that was scored."
        )
    queries.unpin_all(session, board_id=entry.board_id, method_id=method.id)
    entry.is_pinned = True
    standings.entry_changed(session, entry)
    return method


def unpin(session: Session, slug: str, public_id: str, *, team_ids: tuple[int, ...]) -> Method:
    """Let the best entry count again; nothing happens where this one is not pinned.

    Raises:
        NotFound: it is no entry of a method of these teams.
    """
    method, entry = _own_entry(session, slug, public_id, team_ids=team_ids)
    if entry.is_pinned:
        entry.is_pinned = False
        standings.entry_changed(session, entry)
    return method


def _own_entry(
    session: Session, slug: str, public_id: str, *, team_ids: tuple[int, ...]
) -> tuple[Method, Submission]:
    method = queries.own_by_slug(session, slug, team_ids=team_ids)
    entry = None if method is None else queries.entry_of(session, method, public_id)
    if entry is not None:
        standings.lock(session, entry)  # one pin at a time
    if method is None or entry is None or entry.method_id != method.id:
        raise NotFound(f"There is no entry {public_id!r} of a method {slug!r} of yours.")
    return method, entry
