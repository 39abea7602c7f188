from collections.abc import Sequence
from math import isnan, nan
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from server.boards.ranking import ranks

scores = st.one_of(st.none(), st.just(nan), st.floats(0, 100))


def test_equal_scores_share_a_rank_and_the_next_is_left_out() -> None:
    assert ranks([50.0, 70.0, 50.0, 10.0]) == [2, 1, 2, 4]


def test_missing_scores_have_no_rank() -> None:
    assert ranks([None, 3.0, nan]) == [None, 1, None]


def test_scores_that_only_look_equal_do_not_share_a_rank() -> None:
    assert ranks([33.331, 33.334]) == [2, 1]


@given(st.lists(scores))
def test_a_rank_is_one_more_than_the_number_of_better_scores(
    listed: Sequence[float | None],
) -> None:
    numbers = [score for score in listed if score is not None and not isnan(score)]

    for score, rank in zip(listed, ranks(listed), strict=True):
        if rank is None:
            assert score is None or isnan(score)
        else:
            assert rank == 1 + sum(other > score for other in numbers)


@given(st.lists(scores), st.randoms())
def test_the_order_of_entries_does_not_matter(listed: list[float | None], random: Random) -> None:
    pairs = list(zip(listed, ranks(listed), strict=True))
    random.shuffle(pairs)

    assert ranks([score for score, _ in pairs]) == [rank for _, rank in pairs]
