"""Scores against a naive count (the definition) and against laws that any right scorer obeys."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import (
    HEADLINE_SCORES,
    IGNORE,
    MatchMap,
    Scores,
    concatenate,
    evaluate,
    open_prediction,
    open_truth,
    scores_of,
    take_tallies,
)
from tests.support.masks import CLASSES, Ids, Pair, name_of, pairs, splits, write_folder
from tests.support.oracles import naive_scores


def scores(
    truth: Mapping[str, Ids] | Sequence[Ids],
    prediction: Mapping[str, Ids] | Sequence[Ids],
    *,
    match: MatchMap | None = None,
    classes: int = CLASSES,
) -> Scores:
    with tempfile.TemporaryDirectory() as folder:
        truth_folder = write_folder(Path(folder) / "truth", truth)
        guesses = write_folder(Path(folder) / "prediction", prediction)
        with open_truth(truth_folder, classes=classes) as opened:
            return evaluate(guesses, opened, match=match).scores


def apart(split: list[Pair]) -> tuple[list[Ids], list[Ids]]:
    return [truth for truth, _ in split], [prediction for _, prediction in split]


class TestDefinition:
    @given(splits)
    @settings(max_examples=60)
    def test_agrees_with_a_count_pixel_by_pixel(self, split: list[Pair]) -> None:
        truths, predictions = apart(split)

        got = scores(truths, predictions).to_json()

        rows = [(truth.tolist(), prediction.tolist()) for truth, prediction in split]
        assert got == {
            name: value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12)
            for name, value in naive_scores(rows, CLASSES).items()
        }

    @given(splits, st.dictionaries(st.integers(0, CLASSES + 7), st.integers(0, CLASSES)))
    @settings(max_examples=40)
    def test_agrees_with_it_through_a_match_map(
        self, split: list[Pair], categories: dict[int, int]
    ) -> None:
        truths, predictions = apart(split)

        got = scores(truths, predictions, match=MatchMap({0: 0, **categories})).to_json()

        rows = [(truth.tolist(), prediction.tolist()) for truth, prediction in split]
        assert got == {
            name: value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12)
            for name, value in naive_scores(rows, CLASSES, categories).items()
        }


class TestLaws:
    @given(st.lists(pairs(), min_size=2, max_size=4), st.data())
    @settings(max_examples=25)
    def test_neither_order_nor_sharding_matters(
        self, split: list[Pair], data: st.DataObject
    ) -> None:
        truths, predictions = apart(split)
        names = data.draw(st.permutations([name_of(i) for i in range(len(split))]))
        cut = data.draw(st.integers(1, len(names) - 1))

        with tempfile.TemporaryDirectory() as folder:
            truth_folder = write_folder(Path(folder) / "truth", truths)
            guesses = write_folder(Path(folder) / "prediction", predictions)
            with (
                open_truth(truth_folder, classes=CLASSES) as truth,
                open_prediction(guesses) as prediction,
            ):
                shards = [
                    take_tallies(prediction, truth, names=shard)
                    for shard in (names[:cut], names[cut:])
                ]
                whole = take_tallies(prediction, truth)

                assert scores_of(concatenate(shards)) == scores_of(whole)

    @given(pairs(), st.integers(0, 65535))
    @settings(max_examples=40)
    def test_what_is_predicted_on_ignored_pixels_moves_no_region(
        self, pair: Pair, id_: int
    ) -> None:
        truth, prediction = pair
        other = np.where(truth == IGNORE, id_, prediction).astype(np.uint16)

        assert of_regions(scores([truth], [other])) == of_regions(scores([truth], [prediction]))

    def test_ignored_pixels_still_make_boundaries_around_them(self) -> None:
        truth, prediction = np.ones((9, 9), np.uint16), np.ones((9, 9), np.uint16)
        truth[4, 4] = IGNORE

        # Of the truth's boundary, 32 pixels at the edge and 8 around the hole, one side is wrong.
        assert scores([truth], [prediction]).per_class_biou[1] == pytest.approx(100 * 32 / 40)

    @given(splits)
    @settings(max_examples=25)
    def test_a_perfect_prediction_scores_a_hundred_wherever_there_is_something(
        self, split: list[Pair]
    ) -> None:
        truths, _ = apart(split)
        present = np.unique(np.concatenate([truth.ravel() for truth in truths]))
        present = present[present <= CLASSES]

        got = scores(truths, truths)

        assert [got.per_class_iou[c] for c in present] == [100.0] * len(present)
        assert [got.per_class_biou[c] for c in present] == [100.0] * len(present)
        sizes = [v for name, v in got.headline().items() if name.count("_") and "iou_" in name]
        assert all(value in (None, pytest.approx(100.0)) for value in sizes)

    @given(splits, st.permutations(range(1, CLASSES + 1)))
    @settings(max_examples=25)
    def test_relabelling_undone_by_a_match_map_leaves_every_score(
        self, split: list[Pair], order: list[int]
    ) -> None:
        truths, predictions = apart(split)
        generated = np.arange(65536, dtype=np.uint16)
        generated[1 : CLASSES + 1] = order
        generated[CLASSES + 1 :] = CLASSES + 1  # not in the map: unmatched, as it was out of range
        match = MatchMap({0: 0, **{g: c for c, g in enumerate(order, start=1)}})

        relabelled = scores(truths, [generated[p] for p in predictions], match=match)

        assert relabelled == scores(truths, predictions)

    @given(splits, pairs())
    @settings(max_examples=15)
    def test_extra_images_do_not_matter(self, split: list[Pair], extra: Pair) -> None:
        truths, predictions = apart(split)
        more = {name_of(i): p for i, p in enumerate(predictions)} | {"n9/extra.png": extra[1]}

        assert scores(truths, more) == scores(truths, predictions)

    @given(splits)
    @settings(max_examples=25)
    def test_scores_are_percentages(self, split: list[Pair]) -> None:
        headline = scores(*apart(split)).headline()

        assert tuple(headline) == HEADLINE_SCORES
        assert all(value is None or 0 <= value <= 100 for value in headline.values())


def of_regions(found: Scores) -> dict[str, object]:
    scores_json = found.to_json().items()
    return {k: v for k, v in scores_json if not k.startswith(("bmiou", "per_class_biou"))}


class TestEmptyCases:
    def test_a_size_without_objects_has_no_score_and_is_no_zero(self) -> None:
        truth = np.ones((4, 4), np.uint16)

        got = scores([truth], [truth])

        assert (got.miou_l, got.bmiou_l) == (100.0, 100.0)
        assert (got.miou_s, got.miou_ms, got.miou_ml) == (None, None, None)
        assert (got.bmiou_s, got.bmiou_ms, got.bmiou_ml) == (None, None, None)

    def test_a_class_that_never_occurs_scores_zero_and_stays_in_the_mean(self) -> None:
        truth = np.ones((4, 4), np.uint16)

        assert scores([truth], [truth]).miou == pytest.approx(100 / (CLASSES + 1))

    def test_an_image_without_scored_pixels_is_wrong_and_still_counts(self) -> None:
        seen = np.ones((4, 4), np.uint16)
        hidden = np.full((4, 4), 1000, np.uint16)

        got = scores([seen, hidden], [seen, seen])

        assert (got.img_acc, got.f_beta) == (50.0, 50.0)

    def test_an_image_with_nothing_predicted_is_wrong(self) -> None:
        truth = np.ones((4, 4), np.uint16)

        assert scores([truth], [np.zeros_like(truth)]).img_acc == 0

    def test_out_of_range_ids_are_foreground_but_no_category(self) -> None:
        truth = np.ones((4, 4), np.uint16)

        got = scores([truth], [np.full_like(truth, CLASSES + 1)])

        assert (got.img_acc, got.f_beta, got.miou) == (0, 100, 0)

    def test_equally_large_categories_are_decided_for_the_lower_id(self) -> None:
        prediction = np.array([[3, 3, 2, 2]], np.uint16)

        assert scores([np.full_like(prediction, 2)], [prediction]).img_acc == 100
        assert scores([np.full_like(prediction, 3)], [prediction]).img_acc == 0

    @pytest.mark.parametrize(
        ("pixels", "size"), [(5, "s"), (6, "ms"), (25, "ms"), (26, "ml"), (50, "ml"), (51, "l")]
    )
    def test_sizes_are_whole_percentages_rounded_up(self, pixels: int, size: str) -> None:
        truth = np.zeros((10, 10), np.uint16)
        truth.ravel()[:pixels] = 1

        got = scores([truth], [truth]).headline()

        assert [n for n in ("s", "ms", "ml", "l") if got[f"miou_{n}"] is not None] == [size]

    def test_999_categories_are_counted_apart_from_ignored_pixels(self) -> None:
        truth = np.array([[999, 999, 1000, 0]], np.uint16)
        prediction = np.array([[999, 1000, 999, 0]], np.uint16)

        got = scores([truth], [prediction], classes=999)

        assert got.per_class_iou[999] == 50
        assert len(got.per_class_iou) == 1000
