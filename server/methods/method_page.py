"""From a method's entries to its page."""

from sqlalchemy.orm import Session

from server.methods import queries
from server.methods.contexts import EntryLine, EntryScore, MethodPage
from server.models import Method, Score, Submission
from server.score_names import OVERALL
from server.visibility import Reader
from server.web.board_links import board_path, board_title
from server.web.method_card import card_lines


def method_page(session: Session, method: Method, reader: Reader) -> MethodPage:
    """Describe a method by the card of its newest entry."""
    entries = queries.entries(session, method, reader)
    ranked = queries.ranked_entries(session, method)
    counting = queries.counting(session, method)
    newest = entries[0][0] if entries else None
    return MethodPage(
        name=method.name,
        team=method.team.name,
        is_own=method.team_id in reader.team_ids,
        path=f"/methods/{method.slug}",
        card=card_lines(lambda name: getattr(newest, name, None)),
        score_names=OVERALL.scores,
        entries=tuple(
            _entry(
                submission,
                score,
                rank=ranked.get(submission.id),
                counts=submission.id in counting,
            )
            for submission, score in entries
        ),
        json_url=f"/api/v1/methods/{method.slug}",
    )


def _entry(submission: Submission, score: Score, *, rank: int | None, counts: bool) -> EntryLine:
    return EntryLine(
        rank=rank,
        board_title=board_title(submission.board),
        board_url=board_path(submission.board),
        submission_url=f"/submissions/{submission.public_id}",
        date=submission.created_at,
        is_public=submission.is_public,
        anonymous_until=submission.anonymous_until,
        counts=counts,
        is_pinned=submission.is_pinned,
        public_id=submission.public_id,
        scores=tuple(
            EntryScore(name=name.key, value=getattr(score, name.key)) for name in OVERALL.scores
        ),
    )
