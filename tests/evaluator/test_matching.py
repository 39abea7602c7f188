"""The default map against the definition (all permutations), the toolbox's sums, and laws."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluator import (
    IGNORE,
    BadTallies,
    Matching,
    MatchMap,
    Tallies,
    concatenate,
    matching_of,
    open_prediction,
    open_truth,
    parse_match,
    scores_of,
    take_tallies,
    write_match,
)
from evaluator.matching import best_pairs, matching_from
from evaluator.overlap import Overlap
from tests.support.masks import CLASSES, Ids, Pair, name_of, pairs, splits, write_folder
from tests.support.matching_oracle import naive_matching

GOLDEN = Path(__file__).parents[1] / "golden"
Square = NDArray[np.int64]


@contextmanager
def tallied(
    split: Sequence[Pair], *, match: MatchMap | None = None, names: Sequence[str] | None = None
) -> Iterator[Tallies]:
    with tempfile.TemporaryDirectory() as folder:
        truths = write_folder(Path(folder) / "truth", [truth for truth, _ in split])
        guesses = write_folder(Path(folder) / "prediction", [guess for _, guess in split])
        with (
            open_truth(truths, classes=CLASSES) as truth,
            open_prediction(guesses) as prediction,
        ):
            yield take_tallies(prediction, truth, match=match, names=names)


def fitted(split: Sequence[Pair]) -> Matching:
    with tallied(split) as tallies:
        return matching_of(tallies)


def row(*ids: int) -> Ids:
    """An image of one row of pixels."""
    return np.array([ids], np.uint16)


def categories(matching: Matching) -> list[int]:
    """The category of each id from 1 on."""
    return list(matching.match.categories.values())[:-1]


def overlap_from(images: Square, pixels: Square) -> Overlap:
    """Tables by [generated id, category], both from 1, as an overlap."""
    around = ((1, 0), (1, 1))
    return Overlap(images=np.pad(images.T, around), pixels=np.pad(pixels.T, around))


def squares(size: int, most: int) -> st.SearchStrategy[Square]:
    line = st.lists(st.integers(0, most), min_size=size, max_size=size)
    return st.lists(line, min_size=size, max_size=size).map(lambda rows: np.array(rows, np.int64))


tables = st.integers(1, 6).flatmap(
    lambda size: st.sampled_from([1, 2, 9]).flatmap(
        lambda most: st.tuples(squares(size, most), squares(size, most))
    )
)
"""Two tables of few values, so that sums tie at every level."""


class TestDefinition:
    @given(splits)
    @settings(max_examples=60)
    def test_agrees_with_trying_all_permutations_on_masks(self, split: list[Pair]) -> None:
        got = fitted(split)

        rows = [(truth.tolist(), prediction.tolist()) for truth, prediction in split]
        assert (
            dict(enumerate(categories(got), start=1)),
            got.image_sum,
            got.pixel_sum,
            list(got.unseen),
        ) == naive_matching(rows, CLASSES)

    @given(tables)
    @settings(max_examples=300)
    def test_agrees_with_trying_all_permutations_on_tables_full_of_ties(
        self, both: tuple[Square, Square]
    ) -> None:
        images, pixels = both
        seen_first = sorted(range(len(pixels)), key=lambda g: not pixels[g].any())

        got = matching_from(overlap_from(images, pixels))

        def worth(order: tuple[int, ...]) -> tuple[int, int, list[int]]:
            return (
                sum(int(images[g, c]) for g, c in enumerate(order)),
                sum(int(pixels[g, c]) for g, c in enumerate(order)),
                [-order[g] for g in seen_first],
            )

        best = max(permutations(range(len(images))), key=worth)
        assert categories(got) == [category + 1 for category in best]
        assert (got.image_sum, got.pixel_sum) == worth(best)[:2]

    @pytest.mark.parametrize(("name", "classes", "images"), [("s50", 50, 54), ("s919", 919, 43)])
    def test_reaches_the_sum_of_the_toolbox(self, name: str, classes: int, images: int) -> None:
        folder = GOLDEN / name
        with (
            open_truth(folder / "masks", classes=classes) as truth,
            open_prediction(folder / "generated.zip") as prediction,
        ):
            got = matching_of(take_tallies(prediction, truth))

        assert got.image_sum == images
        assert sorted(categories(got)) == list(range(1, classes + 1))

    def test_images_come_before_pixels(self) -> None:
        often = [(row(1, 1, 1, 2), row(1, 0, 0, 1))] * 2  # both categories, mostly the first
        once = [(row(2, 2, 2, 2, 2), row(1, 1, 1, 1, 1))]  # the second alone, all of it

        assert categories(fitted([*often, *once]))[0] == 2

    def test_a_category_and_an_id_need_no_pixel_in_common(self) -> None:
        got = fitted([(row(3, 0), row(0, 1))])

        assert (got.image_sum, got.pixel_sum) == (1, 0)
        assert categories(got)[0] == 3

    def test_equal_images_are_decided_by_pixels(self) -> None:
        assert categories(fitted([(row(1, 2, 2), row(1, 1, 1))]))[0] == 2

    def test_equal_pixels_are_decided_for_the_lower_category_of_the_lower_id(self) -> None:
        assert categories(fitted([(row(4, 2, 4, 2), row(3, 3, 5, 5))])) == [1, 3, 2, 5, 4]


class TestWhatTakesNoPart:
    def test_ids_that_were_not_generated_take_what_is_left_in_ascending_order(self) -> None:
        got = fitted([(row(1, 2), row(5, 4))])

        assert categories(got) == [3, 4, 5, 2, 1]
        assert got.unseen == (1, 2, 3)

    def test_an_id_seen_on_other_only_still_chooses_before_the_unseen(self) -> None:
        assert categories(fitted([(row(0, 0), row(4, 4))])) == [2, 3, 4, 1, 5]

    @given(pairs(), st.integers(0, 65535))
    @settings(max_examples=40)
    def test_what_is_predicted_on_ignored_pixels(self, pair: Pair, id_: int) -> None:
        truth, prediction = pair
        other = np.where(truth == IGNORE, id_, prediction).astype(np.uint16)

        assert fitted([(truth, other)]) == fitted([pair])

    @given(splits, st.integers(CLASSES + 1, 65535))
    @settings(max_examples=25)
    def test_which_ids_out_of_range_there_are(self, split: list[Pair], id_: int) -> None:
        moved = [
            (truth, np.where(prediction > CLASSES, id_, prediction).astype(np.uint16))
            for truth, prediction in split
        ]

        assert fitted(moved) == fitted(split)

    def test_ids_that_are_no_category_do_not_choose_one(self) -> None:
        got = fitted([(row(1, 1, 2), row(CLASSES + 1, CLASSES + 1, 3))])

        assert categories(got) == [1, 3, 2, 4, 5]


class TestLaws:
    @given(splits)
    @settings(max_examples=25)
    def test_the_map_is_a_permutation_and_leaves_other_alone(self, split: list[Pair]) -> None:
        got = fitted(split)

        assert sorted(categories(got)) == list(range(1, CLASSES + 1))
        assert got.match.categories[0] == 0

    @given(st.lists(pairs(), min_size=2, max_size=4), st.data())
    @settings(max_examples=25)
    def test_neither_order_nor_sharding_matters(
        self, split: list[Pair], data: st.DataObject
    ) -> None:
        names = data.draw(st.permutations([name_of(i) for i in range(len(split))]))
        cut = data.draw(st.integers(1, len(names) - 1))

        with (
            tallied(split, names=names[:cut]) as first,
            tallied(split, names=names[cut:]) as second,
            tallied(split) as whole,
        ):
            # Folders of their own, and yet one origin: the same truth and the same prediction.
            assert matching_of(concatenate([first, second])) == matching_of(whole)

    @given(splits, st.permutations(range(1, CLASSES + 1)))
    @settings(max_examples=25)
    def test_relabelled_predictions_score_like_the_original_through_the_fitted_map(
        self, split: list[Pair], order: list[int]
    ) -> None:
        # So many images of one category alone, predicted as such, that no other map is as good.
        alone = [np.full((1, 1), category, np.uint16) for category in range(1, CLASSES + 1)]
        original = [*split, *((mask, mask) for mask in alone * (len(split) + 1))]
        table = np.arange(65536, dtype=np.uint16)
        table[1 : CLASSES + 1] = order
        relabelled = [(truth, table[prediction]) for truth, prediction in original]

        match = fitted(relabelled).match

        assert match.categories == {**{g: c for c, g in enumerate(order, start=1)}, 0: 0}
        with tallied(original) as before, tallied(relabelled, match=match) as after:
            assert scores_of(after) == scores_of(before)

    @given(splits, st.permutations(range(1, CLASSES + 1)))
    @settings(max_examples=25)
    def test_relabelling_leaves_both_sums(self, split: list[Pair], order: list[int]) -> None:
        table = np.arange(65536, dtype=np.uint16)
        table[1 : CLASSES + 1] = order

        got = fitted([(truth, table[prediction]) for truth, prediction in split])

        assert (got.image_sum, got.pixel_sum) == (fitted(split).image_sum, fitted(split).pixel_sum)

    @given(tables)
    @settings(max_examples=100)
    def test_several_sums_in_turn_equal_one_weighted_sum(self, both: tuple[Square, Square]) -> None:
        images, pixels = both
        scaled = images * (pixels.sum() + 1) + pixels
        allowed = np.ones(images.shape, bool)

        _, in_turn = best_pairs(pixels, best_pairs(images, allowed)[1])
        _, at_once = best_pairs(scaled, allowed)

        def within(pairs_: NDArray[np.bool_]) -> set[tuple[int, ...]]:
            every = permutations(range(len(pairs_)))
            return {order for order in every if all(pairs_[g, c] for g, c in enumerate(order))}

        assert within(in_turn) == within(at_once)


class TestExactness:
    def test_sums_above_what_floats_can_hold_together_are_still_exact(self) -> None:
        images = np.full((3, 3), 2**40)
        pixels = np.full((3, 3), 2**50)
        pixels[0, 2] += 1

        got = matching_from(overlap_from(images, pixels))

        assert categories(got) == [3, 1, 2]
        assert got.pixel_sum == 3 * 2**50 + 1

    def test_weights_that_the_solver_would_round_are_refused(self) -> None:
        weights = np.array([[2**53, 2**53 + 1], [0, 0]])

        with pytest.raises(ArithmeticError, match="too large to be matched exactly"):
            best_pairs(weights, np.ones((2, 2), bool))


class TestMatchFile:
    def test_it_has_the_form_of_the_official_scripts(self, tmp_path: Path) -> None:
        write_match(fitted([(row(2, 1), row(1, 2))]).match, tmp_path / "match.json")

        assert (
            tmp_path / "match.json"
        ).read_text() == '{"1": 2, "2": 1, "3": 3, "4": 4, "5": 5, "0": 0}\n'

    def test_it_reads_back_as_the_same_map(self, tmp_path: Path) -> None:
        matching = fitted([(row(4, 1), row(1, 4))])
        write_match(matching.match, tmp_path / "match.json")

        content = (tmp_path / "match.json").read_bytes()
        assert parse_match(content, classes=CLASSES).content_hash == matching.match.content_hash

    def test_tallies_that_were_taken_after_a_map_are_refused(self) -> None:
        with (
            tallied([(row(1), row(1))], match=MatchMap({0: 0, 1: 1})) as tallies,
            pytest.raises(BadTallies, match="taken after a map"),
        ):
            matching_of(tallies)
