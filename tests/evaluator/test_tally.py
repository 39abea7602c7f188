import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evaluator import (
    BadPrediction,
    BadTallies,
    MatchMap,
    Tallies,
    Truth,
    concatenate,
    evaluate,
    open_prediction,
    open_truth,
    scores_of,
    take_tallies,
)
from evaluator.tally import TallyGroup
from tests.support.masks import CLASSES, Ids, name_of, write_folder, write_zip


def seeded(count: int) -> list[Ids]:
    rng = np.random.default_rng(count)
    return [rng.integers(0, CLASSES + 3, (20, 30)).astype(np.uint16) for _ in range(count)]


@pytest.fixture
def truth(tmp_path: Path) -> Iterator[Truth]:
    """Twenty noisy images."""
    masks = [np.minimum(ids, CLASSES) for ids in seeded(20)]
    with open_truth(write_folder(tmp_path / "truth", masks), classes=CLASSES) as opened:
        yield opened


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A prediction of them, some of its ids out of range."""
    return write_zip(tmp_path / "prediction.zip", seeded(20))


def table(group: TallyGroup) -> list[tuple[object, ...]]:
    columns = (group.image_of_row(), group.truth, group.prediction, group.boundary, group.pixels)
    return list(zip(*(column.tolist() for column in columns), strict=True))


class TestCounts:
    def test_they_say_what_lies_where(self, tmp_path: Path) -> None:
        ids = np.zeros((9, 9), np.uint16)
        ids[0, 0], ids[8, 8] = 1000, 4
        folder = write_folder(tmp_path / "truth", [ids])
        guess = np.full((9, 9), 2, np.uint16)
        guess[4, 4] = 60_000
        archive = write_zip(tmp_path / "p.zip", [guess])

        with open_truth(folder, classes=CLASSES) as truth, open_prediction(archive) as prediction:
            (group,) = take_tallies(prediction, truth).groups()

        # The frame of 32 pixels is boundary in both; around (4, 4) nine are in the prediction.
        # Two pixels inside touch a corner of another id diagonally, in the truth alone.
        assert sorted(table(group)) == [
            (0, 0, 2, 0, 38),
            (0, 0, 2, 1, 2),
            (0, 0, 2, 2, 8),
            (0, 0, 2, 3, 30),
            (0, 0, CLASSES + 1, 2, 1),
            (0, 4, 2, 3, 1),
        ]
        assert group.names == (name_of(0),)
        assert group.outside.tolist() == [1]

    def test_threads_do_not_change_them(self, truth: Truth, archive: Path) -> None:
        with open_prediction(archive) as prediction:
            one, three = (take_tallies(prediction, truth, jobs=jobs) for jobs in (1, 3))

            assert [table(g) for g in one.groups()] == [table(g) for g in three.groups()]

    def test_progress_counts_the_images(self, truth: Truth, archive: Path) -> None:
        seen: list[tuple[int, int]] = []

        evaluate(archive, truth, jobs=2, progress=lambda done, total: seen.append((done, total)))

        assert seen == [(done, 20) for done in range(1, 21)]


class TestFiles:
    def test_what_is_written_is_read(self, truth: Truth, archive: Path, tmp_path: Path) -> None:
        with open_prediction(archive) as prediction:
            taken = take_tallies(prediction, truth)
        taken.write(tmp_path / "run.tallies")

        read = Tallies.read(tmp_path / "run.tallies")

        assert (read.origin, read.images) == (taken.origin, 20)
        assert [table(g) for g in read.groups()] == [table(g) for g in taken.groups()]

    def test_they_record_what_they_were_taken_from(
        self, truth: Truth, archive: Path, tmp_path: Path
    ) -> None:
        match = MatchMap({0: 0, 1: 2})
        with open_prediction(archive) as prediction:
            taken = take_tallies(prediction, truth, match=match, output=tmp_path / "run.tallies")

            assert taken.origin.archive_hash == prediction.content_hash
        assert taken.origin.truth_version == truth.version
        assert taken.origin.match_hash == match.content_hash

    def test_temporary_ones_go_with_the_object(self, truth: Truth, archive: Path) -> None:
        with open_prediction(archive) as prediction:
            taken = take_tallies(prediction, truth)
        path = taken.path
        assert path.exists()

        del taken
        gc.collect()

        assert not path.exists()

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"text" * 100])
    def test_another_file_holds_no_tallies(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x").write_bytes(content)

        with pytest.raises(BadTallies, match="is not a tallies file"):
            Tallies.read(tmp_path / "x")

    def test_a_damaged_file_is_noticed(self, truth: Truth, archive: Path, tmp_path: Path) -> None:
        evaluate(archive, truth, tallies_path=tmp_path / "run.tallies")
        content = bytearray((tmp_path / "run.tallies").read_bytes())
        middle = len(content) // 3
        content[middle : middle + 100] = bytes(100)
        (tmp_path / "run.tallies").write_bytes(content)

        with pytest.raises(BadTallies, match="a damaged one"):
            scores_of(Tallies.read(tmp_path / "run.tallies"))

    def test_nothing_is_left_when_the_prediction_is_refused(
        self, truth: Truth, tmp_path: Path
    ) -> None:
        archive = write_zip(tmp_path / "p.zip", [np.zeros((1, 1), np.uint16)] * 20)
        before = sorted(tmp_path.iterdir())

        with open_prediction(archive) as prediction, pytest.raises(BadPrediction, match="1x1"):
            take_tallies(prediction, truth, output=tmp_path / "run.tallies")

        assert sorted(tmp_path.iterdir()) == before


class TestConcatenate:
    def test_shards_together_score_as_the_whole(self, truth: Truth, archive: Path) -> None:
        with open_prediction(archive) as prediction:
            shards = [
                take_tallies(prediction, truth, names=truth.names[start::3]) for start in range(3)
            ]
            whole = take_tallies(prediction, truth)

        merged = concatenate(shards)

        assert merged.images == 20
        assert scores_of(merged) == scores_of(whole)
        assert merged.warnings()[0].count == whole.warnings()[0].count

    def test_an_image_in_two_shards_is_refused(self, truth: Truth, archive: Path) -> None:
        with open_prediction(archive) as prediction:
            taken = take_tallies(prediction, truth)

        with pytest.raises(BadTallies, match=r"image_0000\.png is in more than one of the shards"):
            concatenate([taken, taken])

    def test_shards_of_different_runs_are_refused(
        self, truth: Truth, archive: Path, tmp_path: Path
    ) -> None:
        other = write_zip(tmp_path / "other.zip", seeded(20), method=None)
        with open_prediction(archive) as one, open_prediction(other) as two:
            shards = [
                take_tallies(one, truth, names=truth.names[:9]),
                take_tallies(two, truth, names=truth.names[9:]),
            ]

        with pytest.raises(BadTallies, match="was taken from something else"):
            concatenate(shards)

    def test_no_shards_are_refused(self) -> None:
        with pytest.raises(BadTallies, match="no tallies"):
            concatenate([])


class TestRefusals:
    def test_missing_images_are_named(self, truth: Truth, tmp_path: Path) -> None:
        archive = write_zip(tmp_path / "p.zip", seeded(20)[:18])

        with open_prediction(archive) as prediction, pytest.raises(BadPrediction) as refusal:
            take_tallies(prediction, truth)

        assert [finding.file for finding in refusal.value.findings] == [name_of(18), name_of(19)]

    def test_a_shard_needs_only_its_own_images(self, truth: Truth, tmp_path: Path) -> None:
        archive = write_zip(tmp_path / "p.zip", seeded(20)[:18])

        with open_prediction(archive) as prediction:
            taken = take_tallies(prediction, truth, names=[name_of(3), name_of(7)])

        assert taken.images == 2

    def test_every_bad_mask_is_told_at_once(self, truth: Truth, tmp_path: Path) -> None:
        masks = seeded(20)
        masks[4], masks[11] = masks[4][:9], masks[11][:, :9]
        archive = write_zip(tmp_path / "p.zip", masks)

        with open_prediction(archive) as prediction, pytest.raises(BadPrediction) as refusal:
            take_tallies(prediction, truth, jobs=2)

        assert {finding.file for finding in refusal.value.findings} == {name_of(4), name_of(11)}


class TestMatch:
    def test_a_given_map_wins_over_the_archive_and_says_so(
        self, truth: Truth, tmp_path: Path
    ) -> None:
        archive = write_zip(tmp_path / "p.zip", seeded(20), match={1: 2})
        given = MatchMap(dict.fromkeys(range(CLASSES + 3), 0))

        result = evaluate(archive, truth, match=given)

        assert [warning.code for warning in result.warnings] == ["match_overridden"]
        assert result.tallies.origin.match_hash == given.content_hash

    def test_without_overriding_the_archives_own_map_counts(
        self, truth: Truth, tmp_path: Path
    ) -> None:
        match = dict.fromkeys(range(CLASSES + 3), 0)
        archive = write_zip(tmp_path / "p.zip", seeded(20), match=match)

        result = evaluate(archive, truth)

        assert result.warnings == ()
        assert result.scores.per_class_iou[1:] == (0,) * CLASSES
