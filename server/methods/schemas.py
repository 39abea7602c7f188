"""A method as JSON."""

from collections.abc import Mapping, Sequence

from server.models import CARD_FIELDS, Method, Protocol, Score, SplitName, Submission
from server.payload import Payload, example

_PASS = {
    "method": "PASS",
    "slug": "pass",
    "team": "Ada Example",
    "card": {
        "method_name": "PASS",
        "training_data": "ImageNet-S-50 train, images only",
        "training_scheme": "SSL",
        "networks": "ResNet-18",
        "link": "https://arxiv.org/abs/2106.03149",
        "description": None,
    },
    "entries": [
        {
            "submission": "k3v9mzt2qyxw7adh",
            "rank": 1,
            "pinned": False,
            "protocol": "fully-unsupervised",
            "subset": "50",
            "split": "test",
            "public": True,
            "date": "2026-11-20",
            "scores": {"miou": 29.3, "bmiou": 7.6},
        }
    ],
}


class MethodEntry(Payload):
    """A scored entry; it has a rank if it is the one that counts on its board."""

    submission: str
    rank: int | None
    pinned: bool
    protocol: Protocol
    subset: str
    split: SplitName
    public: bool
    date: str
    scores: dict[str, float | None]


class MethodPayload(Payload):
    model_config = example(**_PASS)

    method: str
    slug: str
    team: str
    card: dict[str, str | None]
    entries: list[MethodEntry]


def payload_of(
    method: Method, entries: Sequence[tuple[Submission, Score]], ranks: Mapping[int, int]
) -> MethodPayload:
    """Describe a method by the card of its newest entry; ``ranks`` are by submission id."""
    newest = entries[0][0] if entries else None
    return MethodPayload(
        method=method.name,
        slug=method.slug,
        team=method.team.name,
        card={name: getattr(newest, name, None) for name in CARD_FIELDS},
        entries=[
            MethodEntry(
                submission=submission.public_id,
                rank=ranks.get(submission.id),
                pinned=submission.is_pinned,
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
