"""What the best maps could do, against trying all of them and against the scorer."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluator import (
    MatchMap,
    diagnosis_of,
    evaluate,
    matching_from,
    open_prediction,
    open_truth,
    overlap_of,
    take_tallies,
)
from evaluator.overlap import Overlap

GOLDEN = Path(__file__).parents[1] / "golden"
Table = NDArray[np.int64]


@st.composite
def overlaps(draw: st.DrawFn) -> Overlap:
    classes = draw(st.integers(1, 4))
    cells = st.integers(0, 9)
    count = (classes + 1) * (classes + 2)
    drawn = draw(st.lists(cells, min_size=count, max_size=count))
    pixels = np.array(drawn, np.int64).reshape(classes + 1, classes + 2)
    return Overlap(images=(pixels > 0).astype(np.int64), pixels=pixels)


def miou(overlap: Overlap, match: MatchMap) -> float:
    """The mean over classes 0..C, from sets of table cells."""
    classes = range(overlap.classes + 1)
    meaning = {**dict.fromkeys(range(overlap.classes + 2)), **match.categories}
    ious = []
    for c in classes:
        cells = [(t, p) for t, p in product(classes, meaning) if c in (t, meaning[p])]
        union = sum(int(overlap.pixels[cell]) for cell in cells)
        hit = sum(int(overlap.pixels[t, p]) for t, p in cells if t == c == meaning[p])
        ious.append(hit / union if union else 0.0)
    return 100 * sum(ious) / len(ious)


def from_table(rows: list[list[int]]) -> Overlap:
    pixels = np.array(rows, np.int64)
    return Overlap(images=(pixels > 0).astype(np.int64), pixels=pixels)


class TestMaps:
    @given(overlaps())
    @settings(max_examples=100)
    def test_no_permutation_has_a_higher_miou(self, overlap: Overlap) -> None:
        every = range(1, overlap.classes + 1)
        maps = [MatchMap({0: 0, **dict(zip(every, p, strict=True))}) for p in permutations(every)]

        got = diagnosis_of(overlap, maps[0])

        assert got.one_to_one.miou == pytest.approx(max(miou(overlap, m) for m in maps))
        assert got.fitted.miou == pytest.approx(miou(overlap, maps[0]))

    @given(overlaps())
    @settings(max_examples=50)
    def test_each_id_goes_to_the_category_of_most_of_its_pixels(self, overlap: Overlap) -> None:
        got = diagnosis_of(overlap, MatchMap({0: 0})).many_to_one

        for generated in range(1, overlap.classes + 1):
            pixels = overlap.pixels[1:, generated].tolist()
            wanted = 1 + pixels.index(max(pixels)) if any(pixels) else None
            assert got.match.categories.get(generated) == wanted
        assert got.miou == pytest.approx(miou(overlap, got.match))

    def test_the_fitted_map_has_the_miou_that_the_scorer_gives_it(self) -> None:
        archive = GOLDEN / "s50" / "generated.zip"
        with open_truth(GOLDEN / "s50" / "masks", classes=50) as truth:
            with open_prediction(archive) as prediction:
                overlap = overlap_of(take_tallies(prediction, truth))
            match = matching_from(overlap).match
            scored = evaluate(archive, truth, match=match).scores

        got = diagnosis_of(overlap, match)

        assert got.fitted.miou == pytest.approx(scored.miou, rel=1e-12)
        assert got.one_to_one.miou >= got.fitted.miou


class TestCategories:
    OVERLAP = from_table(
        [
            [9, 0, 0, 0, 0, 0],
            [0, 5, 4, 0, 0, 0],
            [0, 1, 2, 0, 0, 0],
            [0, 0, 0, 8, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ]
    )

    def test_ids_with_the_same_best_category_are_merged(self) -> None:
        got = diagnosis_of(self.OVERLAP, MatchMap({0: 0}))

        assert got.merged == {1: (1, 2)}

    def test_a_category_that_is_nobodys_best_is_unmatched_if_the_truth_has_it(self) -> None:
        got = diagnosis_of(self.OVERLAP, MatchMap({0: 0}))

        assert got.unmatched == (2,)

    def test_it_can_be_written_as_json(self) -> None:
        got = diagnosis_of(self.OVERLAP, MatchMap({1: 1, 2: 2, 3: 3, 4: 4, 0: 0})).to_json()

        assert got["merged"] == {"1": [1, 2]}
        assert got["unmatched"] == [2]
        assert got["many_to_one"] == {
            "match": {"0": 0, "1": 1, "2": 1, "3": 3},
            "miou": pytest.approx(100 * (1 + 9 / 12 + 0 + 1 + 0) / 5),
        }
