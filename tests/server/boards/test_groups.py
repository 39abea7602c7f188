"""Statistical ties, by their definition and by its consequences."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from server.boards.groups import Contender, groups
from server.resampled import difference


def spread(score: float, noise: Sequence[float]) -> Contender:
    return Contender(score=score, resampled=[score + each for each in noise])


@st.composite
def rankings(draw: st.DrawFn) -> list[Contender]:
    """Entries best first; some were scored before resampled values were kept."""
    scores = sorted(draw(st.lists(st.floats(0, 100), min_size=1, max_size=12)), reverse=True)
    random = Random(draw(st.integers(0, 99)))
    wide = draw(st.floats(0.01, 20))
    return [
        Contender(score=score, resampled=None)
        if random.random() < 0.2
        else spread(score, [random.gauss(0, wide) for _ in range(40)])
        for score in scores
    ]


def tied(first: Contender, entry: Contender) -> bool:
    assert first.resampled is not None
    assert entry.resampled is not None
    gap = difference(first.score, entry.score, first.resampled, entry.resampled)
    return gap is not None and gap.low <= 0 <= gap.high


@given(rankings())
def test_groups_are_those_of_the_definition(ranking: list[Contender]) -> None:
    found = groups(ranking)
    firsts: dict[int, Contender] = {}
    latest = 0
    for entry, group in zip(ranking, found, strict=True):
        if entry.resampled is None:
            assert group is None
            continue
        assert group is not None
        if group in firsts:
            assert group == latest, "a group that was closed is opened again"
            assert tied(firsts[group], entry)
        else:
            assert group == latest + 1
            assert not latest or not tied(firsts[latest], entry)
            firsts[group], latest = entry, group


def test_a_group_is_measured_from_its_first_and_not_from_neighbour_to_neighbour() -> None:
    noise = [-1.0, 0.0, 1.0] * 20
    shifted = noise[1:] + noise[:1]
    ranking = [spread(12.0, noise), spread(10.5, shifted), spread(9.0, noise)]

    assert groups(ranking) == [1, 1, 2]


def test_equal_entries_are_one_group_and_sure_differences_are_two() -> None:
    noise = [-1.0, 0.5, 0.0, 2.0] * 10

    assert groups([spread(50.0, noise), spread(50.0, noise)]) == [1, 1]
    assert groups([spread(50.0, noise), spread(49.9, noise)]) == [1, 2]


def test_an_entry_without_resampled_values_stands_outside() -> None:
    noise = [-1.0, 1.0] * 10
    unknown = Contender(score=60.0, resampled=None)

    assert groups([unknown, spread(50.0, noise), unknown, spread(50.0, noise)]) == [
        None,
        1,
        None,
        1,
    ]
    assert groups([]) == []
