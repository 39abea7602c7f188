"""Both tables of an overlap, counted pixel by pixel."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings

from evaluator import IGNORE, open_prediction, open_truth, overlap_of, take_tallies
from tests.support.masks import CLASSES, Pair, splits, write_folder


@given(splits)
@settings(max_examples=40)
def test_it_agrees_with_a_count_pixel_by_pixel(split: list[Pair]) -> None:
    pixels = np.zeros((CLASSES + 1, CLASSES + 2), np.int64)
    images = np.zeros_like(pixels)
    for truth, prediction in split:
        scored = truth != IGNORE
        guess = np.minimum(prediction[scored], CLASSES + 1)
        for t, p in zip(truth[scored], guess, strict=True):
            pixels[t, p] += 1
        for t in set(truth[scored].tolist()):
            for p in set(guess.tolist()):
                images[t, p] += 1

    with tempfile.TemporaryDirectory() as folder:
        truths = write_folder(Path(folder) / "truth", [truth for truth, _ in split])
        guesses = write_folder(Path(folder) / "prediction", [guess for _, guess in split])
        with (
            open_truth(truths, classes=CLASSES) as opened,
            open_prediction(guesses) as prediction_,
        ):
            got = overlap_of(take_tallies(prediction_, opened))

    assert np.array_equal(got.pixels, pixels)
    assert np.array_equal(got.images, images)
    assert got.classes == CLASSES
