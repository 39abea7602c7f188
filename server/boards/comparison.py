"""Two or more entries on the same images: which differences the images can tell from chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from server.boards import queries
from server.errors import EntriesUnlike, FieldInvalid, NotFound
from server.models import HEADLINE_SCORES, Score, Submission
from server.resampled import Difference, difference, unpacked
from server.visibility import Reader

MOST_ENTRIES = 10


@dataclass(frozen=True, slots=True)
class Entry:
    submission: Submission
    score: Score


@dataclass(frozen=True, slots=True)
class Pair:
    """The first entry and another one, by the scores that both have."""

    a: Entry
    b: Entry
    scores: Mapping[str, Difference]
    resamples: int


def ids_of(asked: Sequence[str]) -> list[str]:
    """Return the ids of an address: repeated, or with commas between them, each once."""
    return list(dict.fromkeys(each for text in asked for each in text.split(",") if each))


def compared(session: Session, public_ids: Sequence[str], reader: Reader) -> tuple[Entry, ...]:
    """Find the entries to compare, in the order given.

    Raises:
        FieldInvalid: they are not two to ten.
        NotFound: one is unknown, not scored, or not the reader's to see.
        EntriesUnlike: they were not scored on the same masks.
    """
    if not 2 <= len(public_ids) <= MOST_ENTRIES:  # noqa: PLR2004  # a comparison takes two
        raise FieldInvalid(
            f"ids names {len(public_ids)} entries; compare two to {MOST_ENTRIES}.", field="ids"
        )
    found = queries.comparable(session, public_ids, reader)
    for public_id in public_ids:
        if public_id not in found:
            raise NotFound(f"There is no scored submission {public_id} that you may read.")
    entries = tuple(Entry(*found[public_id]) for public_id in public_ids)
    if len({(each.submission.board.split_id, each.score.truth_version) for each in entries}) > 1:
        raise EntriesUnlike(
            "These entries were not scored on the same masks, so their difference means nothing; "
            "compare entries of one data set and split, scored under one truth."
        )
    return entries


def pairs_of(session: Session, entries: Sequence[Entry]) -> tuple[Pair, ...]:
    """Compare the first entry with each of the others.

    Raises:
        EntriesUnlike: one was scored before resampled values were kept.
    """
    packed = queries.resampled_of(session, [entry.score.id for entry in entries])
    for entry in entries:
        if not packed[entry.score.id]:
            raise EntriesUnlike(
                f"{entry.submission.public_id} was scored before the values that comparing needs "
                "were kept; it can be compared once it is scored again."
            )
    values = {
        score_id: {name: unpacked(data) for name, data in of_score.items()}
        for score_id, of_score in packed.items()
    }
    first = entries[0]
    return tuple(_pair(first, other, values) for other in entries[1:])


def _pair(a: Entry, b: Entry, values: Mapping[int, Mapping[str, Sequence[float]]]) -> Pair:
    of_a, of_b = values[a.score.id], values[b.score.id]
    if len({len(each) for each in (*of_a.values(), *of_b.values())}) != 1:
        raise EntriesUnlike("These entries were not scored on the same number of resamples.")
    found = {}
    for name in HEADLINE_SCORES:
        score_a, score_b = getattr(a.score, name), getattr(b.score, name)
        if score_a is not None and score_b is not None and name in of_a and name in of_b:
            gap = difference(score_a, score_b, of_a[name], of_b[name])
            if gap is not None:
                found[name] = gap
    return Pair(a, b, found, resamples=len(next(iter(of_a.values()))))
