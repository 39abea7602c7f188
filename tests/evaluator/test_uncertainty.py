"""Resampled scores against lists of images that are scored again, and the laws of comparing."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import (
    HEADLINE_SCORES,
    BadTallies,
    ResampledScores,
    Resamples,
    Tallies,
    compare,
    concatenate,
    evaluate,
    open_prediction,
    open_truth,
    public_seed,
    resample,
    scores_of,
    take_tallies,
    uncertainty,
)
from evaluator.uncertainty import basic_interval
from tests.support.masks import CLASSES, Ids, Pair, name_of, pairs, splits, write_folder
from tests.support.oracles import naive_resampled_scores, scored_pixels

SEED = b"a test"


@contextmanager
def folders(truths: Sequence[Ids], predictions: Sequence[Ids]) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        yield (
            write_folder(Path(folder) / "truth", truths),
            write_folder(Path(folder) / "prediction", predictions),
        )


def tallies_of(truths: Sequence[Ids], predictions: Sequence[Ids]) -> Tallies:
    with (
        folders(truths, predictions) as (truth_folder, guesses),
        open_truth(truth_folder, classes=CLASSES) as truth,
        open_prediction(guesses) as prediction,
    ):
        return take_tallies(prediction, truth)


def blocky(count: int, seed: int) -> list[Ids]:
    """Images of two halves of some class each."""
    rng = np.random.default_rng(seed)
    halves = rng.integers(0, CLASSES + 1, (count, 2)).astype(np.uint16)
    return [np.repeat(pair, (30, 10))[np.newaxis].repeat(20, axis=0) for pair in halves]


def drawn_in_order(split: list[Pair], resamples: Resamples) -> list[list[int]]:
    """For each resample, the indices of `split` that it draws; images count by sorted name."""
    by_name = sorted(range(len(split)), key=name_of)
    return [np.repeat(by_name, times).tolist() for times in resamples.times.T]


def assert_same(got: ResampledScores, wanted: ResampledScores) -> None:
    for name in HEADLINE_SCORES:
        np.testing.assert_array_equal(got.values[name], wanted.values[name], err_msg=name)


class TestResamples:
    def test_each_draws_as_many_images_as_there_are(self) -> None:
        resamples = Resamples(SEED, 37)

        assert resamples.times.shape == (37, 1000)
        assert set(resamples.times.sum(axis=0)) == {37}

    def test_the_same_seed_draws_the_same_for_ever(self) -> None:
        # Stored values of older entries must stay comparable: this is what the documents promise.
        wanted = []
        for k in range(3):
            stream = hashlib.shake_256(SEED + k.to_bytes(4, "little")).digest(4 * 5)
            words = [int.from_bytes(stream[at : at + 4], "little") for at in range(0, 20, 4)]
            drawn = [word * 5 // 2**32 for word in words]
            wanted.append([drawn.count(image) for image in range(5)])

        assert Resamples(SEED, 5, count=3).times.T.tolist() == wanted
        assert wanted[0] == [0, 1, 2, 1, 1]

    def test_fewer_resamples_are_the_first_of_more(self) -> None:
        few, more = Resamples(SEED, 9, count=4), Resamples(SEED, 9, count=7)

        np.testing.assert_array_equal(few.times, more.times[:, :4])

    def test_another_seed_draws_others(self) -> None:
        assert (Resamples(b"1", 50).times != Resamples(b"2", 50).times).any()

    def test_the_public_seed_belongs_to_the_truth(self) -> None:
        assert public_seed("x") == public_seed("x") != public_seed("y")

    def test_every_image_is_as_likely_as_any_other(self) -> None:
        drawn = Resamples(SEED, 10, count=20_000).times.sum(axis=1)

        # Twenty thousand draws of each are expected, give or take 134.
        assert np.abs(drawn.astype(int) - 20_000).max() < 5 * 134

    @pytest.mark.parametrize(("images", "count"), [(0, 1), (1, 0)])
    def test_nothing_to_draw_is_refused(self, images: int, count: int) -> None:
        with pytest.raises(ValueError, match="cannot draw"):
            Resamples(SEED, images, count=count)


class TestDefinition:
    @given(splits, st.binary(max_size=3))
    @settings(max_examples=60)
    def test_agrees_with_scoring_the_images_of_each_resample(
        self, split: list[Pair], seed: bytes
    ) -> None:
        tallies = tallies_of([truth for truth, _ in split], [guess for _, guess in split])
        images = [scored_pixels(truth.tolist(), guess.tolist()) for truth, guess in split]
        resamples = Resamples(seed, len(split), count=6)

        got = resample(tallies, resamples)

        for k, drawn in enumerate(drawn_in_order(split, resamples)):
            wanted = naive_resampled_scores(images, drawn, CLASSES)
            assert {name: got.values[name][k] for name in HEADLINE_SCORES} == {
                name: pytest.approx(
                    np.nan if wanted[name] is None else wanted[name], rel=1e-12, nan_ok=True
                )
                for name in HEADLINE_SCORES
            }

    def test_a_class_of_a_single_image_is_left_out_where_that_image_is(self) -> None:
        ones, twos = np.full((4, 4), 1, np.uint16), np.full((4, 4), 2, np.uint16)
        resamples = Resamples(SEED, 4)

        got = resample(tallies_of([ones, ones, ones, twos], [ones, ones, ones, ones]), resamples)

        # Classes 0, 3, 4 and 5 never occur and score 0; class 2 is never found, when it is there.
        position = sorted(name_of(i) for i in range(4)).index(name_of(3))
        times = resamples.times[position].astype(float)
        wanted = 100 * (4 - times) / 4 / np.where(times > 0, CLASSES + 1, CLASSES)
        assert (times == 0).any()
        np.testing.assert_allclose(got.values["miou"], wanted)

    def test_a_resample_without_objects_of_a_size_is_left_out_of_that_size(self) -> None:
        large, small = np.ones((10, 10), np.uint16), np.zeros((10, 10), np.uint16)
        small[0, 0] = 1
        resamples = Resamples(SEED, 2)

        got = resample(tallies_of([large, small], [large, small]), resamples)

        for name, times in zip(("miou_l", "miou_s"), resamples.times, strict=True):
            np.testing.assert_array_equal(np.isnan(got.values[name]), times == 0)
            assert set(got.values[name][times > 0]) == {100.0}
        assert np.isnan(got.values["miou_ml"]).all()


class TestLaws:
    def test_neither_groups_nor_order_matter(self) -> None:
        truths, guesses = blocky(40, 1), blocky(40, 2)
        resamples = Resamples(SEED, 40)
        names = [name_of(i) for i in range(40)]
        with (
            folders(truths, guesses) as (truth_folder, prediction_folder),
            open_truth(truth_folder, classes=CLASSES) as truth,
            open_prediction(prediction_folder) as prediction,
        ):
            whole = take_tallies(prediction, truth)
            shards = [
                take_tallies(prediction, truth, names=shard) for shard in (names[:7:-1], names[:8])
            ]
        with patch("evaluator.tally._ROWS_PER_GROUP", 5):
            shuffled = concatenate(shards)

        assert len(list(shuffled.groups())) > len(list(whole.groups()))
        assert_same(resample(shuffled, resamples), resample(whole, resamples))

    def test_the_size_of_products_does_not_matter(self) -> None:
        tallies = tallies_of(blocky(40, 1), blocky(40, 2))
        resamples = Resamples(SEED, 40)

        wanted = resample(tallies, resamples)
        with patch.multiple(uncertainty, _ENTRIES_AT_ONCE=1, _RESAMPLES_AT_ONCE=7):
            got = resample(tallies, resamples)

        for name in HEADLINE_SCORES:
            np.testing.assert_allclose(got.values[name], wanted.values[name], rtol=1e-13)

    @given(splits)
    @settings(max_examples=25)
    def test_drawing_every_image_once_gives_the_score(self, split: list[Pair]) -> None:
        tallies = tallies_of([truth for truth, _ in split], [guess for _, guess in split])
        resamples = Resamples(SEED, len(split), count=1)
        resamples.times = np.ones_like(resamples.times)

        got = resample(tallies, resamples)

        assert {name: got.values[name][0] for name in HEADLINE_SCORES} == {
            name: pytest.approx(np.nan if score is None else score, nan_ok=True)
            for name, score in scores_of(tallies).headline().items()
        }

    def test_resamples_of_another_split_are_refused(self) -> None:
        with pytest.raises(ValueError, match="resamples of 3 images for 2"):
            resample(tallies_of(blocky(2, 1), blocky(2, 2)), Resamples(SEED, 3))


class TestIntervals:
    def test_they_hold_the_score_and_stay_within_0_and_100(self) -> None:
        truths = blocky(60, 1)
        guesses = [*truths[:40], *blocky(20, 2)]
        tallies = tallies_of(truths, guesses)
        scores = scores_of(tallies)

        found = resample(tallies, Resamples(SEED, 60)).intervals(scores)

        for name, (low, high) in found.items():
            score = scores.headline()[name]
            assert score is not None
            assert 0 <= low <= score <= high <= 100, name
            assert low < high

    def test_they_mirror_the_resampled_values_at_the_score(self) -> None:
        resampled = np.arange(1001) / 10

        assert basic_interval(40, resampled, limits=(-999, 999)) == pytest.approx(
            (2 * 40 - 97.5, 2 * 40 - 2.5)
        )
        assert basic_interval(40, resampled, limits=(0, 100)) == pytest.approx((0, 77.5))

    def test_resamples_without_the_score_do_not_count(self) -> None:
        values = np.array([np.nan, 50.0, np.nan])

        assert basic_interval(60, values, limits=(0, 100)) == (70, 70)

    def test_a_score_that_no_resample_has_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no resample"):
            basic_interval(60, np.array([np.nan]), limits=(0, 100))

    def test_of_a_single_image_they_are_the_score_itself(self) -> None:
        truth, guess = blocky(1, 1)[0], blocky(1, 2)[0]
        tallies = tallies_of([truth], [guess])
        scores = scores_of(tallies)

        found = resample(tallies, Resamples(SEED, 1)).intervals(scores)

        for name, ends in found.items():
            assert ends == pytest.approx((scores.headline()[name],) * 2), name

    def test_a_score_that_is_none_has_none(self) -> None:
        truth = np.ones((4, 4), np.uint16)
        tallies = tallies_of([truth], [truth])

        found = resample(tallies, Resamples(SEED, 1)).intervals(scores_of(tallies))

        assert set(found) == {"miou", "bmiou", "img_acc", "f_beta", "miou_l", "bmiou_l"}

    def test_a_result_has_them_unless_it_should_not(self) -> None:
        with (
            folders(blocky(20, 1), blocky(20, 2)) as (truth_folder, guesses),
            open_truth(truth_folder, classes=CLASSES) as truth,
        ):
            with_them = evaluate(guesses, truth)
            without = evaluate(guesses, truth, intervals=False)

        resamples = Resamples(public_seed(with_them.truth_version), 20)
        wanted = resample(with_them.tallies, resamples).intervals(with_them.scores)
        assert with_them.to_json()["intervals"] == {k: list(ends) for k, ends in wanted.items()}
        assert without.to_json()["intervals"] == {}
        assert with_them.scores == without.scores


class TestComparison:
    @given(st.lists(pairs(), min_size=1, max_size=4))
    @settings(max_examples=15)
    def test_a_prediction_does_not_differ_from_itself(self, split: list[Pair]) -> None:
        tallies = tallies_of([truth for truth, _ in split], [guess for _, guess in split])

        for found in compare(tallies, tallies).scores.values():
            assert (found.difference, found.low, found.high, found.b_wins) == (0, 0, 0, 0.5)
            assert found.is_tie

    def test_it_turns_round_with_the_order(self) -> None:
        truths = blocky(30, 1)
        a, b = tallies_of(truths, blocky(30, 2)), tallies_of(truths, [*truths[:9], *blocky(21, 3)])

        there, back = compare(a, b), compare(b, a)

        assert there.scores["miou"].difference < 0
        for name, found in there.scores.items():
            other = back.scores[name]
            assert (other.a, other.b, other.difference) == (found.b, found.a, -found.difference)
            assert (other.low, other.high) == pytest.approx((-found.high, -found.low), abs=1e-9)
            assert other.b_wins == pytest.approx(1 - found.b_wins)

    def test_it_subtracts_resample_by_resample(self) -> None:
        truths = blocky(30, 1)
        a, b = tallies_of(truths, blocky(30, 2)), tallies_of(truths, blocky(30, 3))
        resamples = Resamples(SEED, 30)
        gaps = resample(a, resamples).values["miou"] - resample(b, resamples).values["miou"]

        found = compare(a, b, seed=SEED).scores["miou"]

        assert found.b_wins == np.mean((gaps < 0) + (gaps == 0) / 2)
        assert found.high == pytest.approx(2 * found.difference - np.quantile(gaps, 0.025))

    def test_pairing_sees_what_intervals_apart_do_not(self) -> None:
        truths, guesses = blocky(40, 1), blocky(40, 2)
        slightly = [np.where(np.arange(40) < 3, t, g) for t, g in zip(truths, guesses, strict=True)]
        a, b = tallies_of(truths, guesses), tallies_of(truths, slightly)
        apart = [resample(t, Resamples(SEED, 40)).intervals(scores_of(t)) for t in (a, b)]

        found = compare(a, b).scores["miou"]

        assert apart[0]["miou"][1] > apart[1]["miou"][0]
        assert found.high < 0
        assert not found.is_tie

    def test_sizes_that_the_truth_does_not_have_are_not_compared(self) -> None:
        truth = np.ones((4, 4), np.uint16)
        tallies = tallies_of([truth], [truth])

        document = compare(tallies, tallies).to_json()

        assert document["resamples"] == 1000
        assert list(document["scores"]) == [  # type: ignore[call-overload]  # plain JSON
            *("miou", "bmiou", "img_acc", "f_beta", "miou_l", "bmiou_l")
        ]

    def test_another_truth_is_refused_by_name(self) -> None:
        a, b = (tallies_of(blocky(3, seed), blocky(3, 3)) for seed in (1, 2))

        with pytest.raises(BadTallies, match=f"{a.path} and {b.path} .* truth version is"):
            compare(a, b)

    def test_another_scorer_is_refused(self) -> None:
        a = tallies_of(blocky(3, 1), blocky(3, 2))
        b = Tallies(a.path, replace(a.origin, scorer_version="0"), images=3)

        with pytest.raises(BadTallies, match="scorer version is 1 and 0"):
            compare(a, b)

    def test_other_images_of_the_same_truth_are_refused(self) -> None:
        with (
            folders(blocky(4, 1), blocky(4, 2)) as (truth_folder, guesses),
            open_truth(truth_folder, classes=CLASSES) as truth,
            open_prediction(guesses) as prediction,
        ):
            a, b = (
                take_tallies(prediction, truth, names=[name_of(i) for i in some])
                for some in ((0, 1), (2, 3))
            )

        with pytest.raises(BadTallies, match="their images are not the same"):
            compare(a, b)
