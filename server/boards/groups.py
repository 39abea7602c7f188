"""Statistical ties: which entries the images of a split cannot tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.resampled import difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A ranked entry: its score in percent, and the score of every resample if it was kept."""

    score: float
    resampled: Sequence[float] | None


def groups(ranking: Sequence[Contender]) -> list[int | None]:
    """Return the group of each entry of a ranking, best first: 1, 2, 3, ...

    The first entry opens a group; each next one belongs to it whose 95 % interval of (group's first
    - entry) contains 0; the first that does not opens the next group. An entry without resampled
    values, or with another number of them, has no group and opens none.
    """
    found: list[int | None] = []
    first: Contender | None = None
    group = 0
    for entry in ranking:
        if entry.resampled is None or not _is_alike(first, entry):
            found.append(None)
            continue
        if first is None or not _is_tie(first, entry):
            first, group = entry, group + 1
        found.append(group)
    return found


def _is_alike(first: Contender | None, entry: Contender) -> bool:
    return first is None or len(first.resampled or ()) == len(entry.resampled or ())


def _is_tie(first: Contender, entry: Contender) -> bool:
    if first.resampled is None or entry.resampled is None:
        return False
    gap = difference(first.score, entry.score, first.resampled, entry.resampled)
    return gap is not None and gap.is_tie
