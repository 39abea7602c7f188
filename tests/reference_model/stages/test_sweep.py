"""Thresholds against masks, clusters, and thresholds without masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from evaluator import IGNORE, encode_mask, evaluate, matching_of, open_prediction, open_truth
from evaluator import take_tallies as tallies_of
from reference_model.engine.errors import Refused
from reference_model.recipes import Labels
from reference_model.stages.cluster import k_means
from reference_model.stages.reading import Read, readable_size, thresholded
from reference_model.stages.sweep import Sweep
from reference_model.stages.threshold import otsu

THRESHOLDS = np.array([0.0, 0.3, 0.6, 0.95])


@settings(max_examples=8)
@given(seed=st.integers(0, 2**16))
def test_sweep_agrees_with_the_scorer_at_every_threshold(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Write the masks of each threshold, match and score them as anyone would."""
    rng = default_rng(seed)
    folder = tmp_path_factory.mktemp("sweep")
    classes, images = 4, 5
    truths = rng.integers(0, classes + 1, (images, 6, 7)).astype(np.uint16)
    truths[rng.random(truths.shape) < 0.1] = IGNORE
    reads = [
        Read(
            ids=rng.integers(1, classes + 1, (6, 7)).astype(np.uint16),
            score=rng.choice([0.0, 0.25, 0.3, 0.59, 0.7, 0.9], (6, 7)).astype(np.float32),
        )
        for _ in range(images)
    ]
    sweep = Sweep(classes, THRESHOLDS)
    for truth, read in zip(truths, reads, strict=True):
        sweep.add(truth, read)

    got = sweep.mious()

    for index, truth in enumerate(truths):
        write(folder / "truth" / "n1" / f"{index}.png", truth)
    for position, limit in enumerate(THRESHOLDS):
        masks = folder / f"masks-{position}"
        for index, read in enumerate(reads):
            write(masks / "n1" / f"{index}.png", thresholded(read, limit))
        with (
            open_truth(folder / "truth", classes=classes) as opened,
            open_prediction(masks) as prediction,
        ):
            match = matching_of(tallies_of(prediction, opened)).match
            scored = evaluate(masks, opened, match=match, intervals=False)
        assert got[position] == pytest.approx(scored.scores.miou)
    best, miou = sweep.best()
    assert miou == got.max()
    assert best in THRESHOLDS


def write(path: object, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_mask(ids))


def test_otsu_finds_the_gap_between_two_groups() -> None:
    rng = default_rng(0)
    scores = np.concatenate([rng.normal(0.3, 0.03, 4000), rng.normal(0.6, 0.05, 2000)])

    assert 0.38 < otsu(scores.astype(np.float32)) < 0.5


def test_k_means_finds_groups_and_is_repeatable() -> None:
    rng = default_rng(0)
    groups = rng.normal(size=(3, 8)) * 5
    vectors = (groups[np.arange(90) % 3] + 0.1 * rng.normal(size=(90, 8))).astype(np.float32)

    centroids, clusters, error = k_means(vectors, 3, labels=Labels(restarts=5), seed=1)
    again = k_means(vectors, 3, labels=Labels(restarts=5), seed=1)

    np.testing.assert_array_equal(centroids, again[0])
    assert [len(set(clusters[start::3].tolist())) for start in range(3)] == [1, 1, 1]
    assert len(set(clusters[:3].tolist())) == 3
    assert error < 0.2


def test_k_means_needs_as_many_vectors_as_clusters() -> None:
    with pytest.raises(Refused, match="there are 2 vectors to make 3 clusters of"):
        k_means(np.ones((2, 4), np.float32), 3, labels=Labels(), seed=0)


def test_large_images_are_read_at_their_longest_side() -> None:
    assert readable_size((1000, 1000), 1000) == (1000, 1000)
    assert readable_size((2000, 1000), 1000) == (1000, 500)
    assert readable_size((500, 4000), 1000) == (125, 1000)
