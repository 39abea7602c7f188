"""Who may see an entry, and who may know whose it is: said here, for every page and answer.

What is private is for its team and organizers. What is anonymous is public but for whose it is:
team, method, card, findings and the archive's hash are for its team and organizers until the date.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, true

from server.models import Submission, SubmissionState

ANONYMOUS = "Anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whoever asks, by what decides on what they may see. Nobody in particular has no teams."""

    team_ids: tuple[int, ...] = ()
    is_organizer: bool = False

    def owns(self, submission: Submission) -> bool:
        return submission.team_id in self.team_ids

    def knows(self, submission: Submission) -> bool:
        """Tell whether the reader may know whose an entry is that they may see."""
        return submission.anonymous_until is None or self.owns(submission) or self.is_organizer


STRANGER = Reader()


def is_published() -> ColumnElement[bool]:
    """Return the condition of what everybody may see, if without names."""
    return and_(Submission.is_public, Submission.state == SubmissionState.SCORED)


def may_see(reader: Reader) -> ColumnElement[bool]:
    return or_(is_published(), _is_own(reader))


def may_know(reader: Reader) -> ColumnElement[bool]:
    """Return the condition of what a reader may see, and may know whose it is."""
    return or_(and_(is_published(), Submission.anonymous_until.is_(None)), _is_own(reader))


def _is_own(reader: Reader) -> ColumnElement[bool]:
    return true() if reader.is_organizer else Submission.team_id.in_(reader.team_ids)


def method_called(submission: Submission, reader: Reader) -> str | None:
    """Return what a reader may call an entry's method; None where it has no name yet."""
    method = submission.method
    if reader.knows(submission) or method is None:
        return method.name if method else submission.method_name
    return f"{ANONYMOUS} {method.anonymous_number}"


def method_slug(submission: Submission, reader: Reader) -> str | None:
    method = submission.method
    return method.slug if method and reader.knows(submission) else None


def team_called(submission: Submission, reader: Reader) -> str:
    return submission.team.name if reader.knows(submission) else ANONYMOUS
