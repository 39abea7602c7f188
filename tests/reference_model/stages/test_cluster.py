"""How much clusters tell of the folders: the diagnosis that k-means comes with."""

import math

import numpy as np
import pytest

from reference_model.stages.cluster import mutual_information

FOLDERS = np.repeat(np.arange(4), 6)


def test_partitions_that_are_the_same_tell_everything() -> None:
    renamed = np.array([2, 0, 3, 1])[FOLDERS]

    assert mutual_information(renamed, FOLDERS) == pytest.approx(1)


def test_partitions_that_cross_tell_nothing() -> None:
    crossing = np.tile(np.arange(3), 8)

    assert mutual_information(crossing, FOLDERS) == pytest.approx(0, abs=1e-12)


def test_a_single_cluster_tells_nothing() -> None:
    assert mutual_information(np.zeros(24, np.int64), np.zeros(24, np.int64)) == 0


def test_halves_of_four_folders() -> None:
    """One bit is shared; the entropies are one bit and two."""
    halves = FOLDERS // 2

    assert mutual_information(halves, FOLDERS) == pytest.approx(2 * math.log(2) / math.log(8))
