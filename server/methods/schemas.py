"""A method as JSON."""

from collections.abc import Sequence

from server.models import CARD_FIELDS, Method, Protocol, Score, SplitName, Submission
from server.payload import Payload


class MethodEntry(Payload):
    submission: str
    protocol: Protocol
    subset: str
    split: SplitName
    public: bool
    date: str
    scores: dict[str, float | None]


class MethodPayload(Payload):
    method: str
    slug: str
    team: str
    card: dict[str, str | None]
    entries: list[MethodEntry]


def payload_of(method: Method, entries: Sequence[tuple[Submission, Score]]) -> MethodPayload:
    """Describe a method by the card of its newest entry."""
    newest = entries[0][0] if entries else None
    return MethodPayload(
        method=method.name,
        slug=method.slug,
        team=method.team.name,
        card={name: getattr(newest, name, None) for name in CARD_FIELDS},
        entries=[
            MethodEntry(
                submission=submission.public_id,
                protocol=submission.board.protocol,
                subset=submission.board.split.subset.slug,
                split=submission.board.split.name,
                public=submission.is_public,
                date=submission.created_at.date().isoformat(),
                scores=score.headline(),
            )
            for submission, score in entries
        ],
    )
