"""The whole way on a handful of images, and that stopping anywhere changes no bit of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluator import encode_mask, evaluate, open_truth
from reference_model.data.folders import DataFolder
from reference_model.data.pictures import read_picture
from reference_model.engine.errors import Interrupted, Refused
from reference_model.engine.loop import Rhythm
from reference_model.engine.weights import read_weights
from reference_model.recipes import Labels, Recipe
from reference_model.stages import (
    attention,
    cluster,
    finetune,
    pipeline,
    predict,
    pretrain,
    threshold,
)
from reference_model.stages.place import Place
from reference_model.stages.summary import summary
from tests.support.places import place_at


def run_all(recipe: Recipe, place: Place) -> None:
    for stage in pipeline.STAGES:
        stage.run(recipe, place)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, data: DataFolder, tiny: Recipe) -> Place:
    place = place_at(tmp_path_factory.mktemp("finished"), data, tiny)
    run_all(tiny, place)
    return place


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class TestWholeRun:
    def test_ends_in_entries_that_would_be_taken(self, finished: Place) -> None:
        """`predict` checks its zips itself and refuses what is faulty."""
        folder = finished.run.root / "predict"

        assert (folder / "test.zip").exists()
        with open_truth(finished.data.masks("validation"), classes=3) as truth:
            result = evaluate(folder / "validation.zip", truth)
        assert result.warnings == ()
        assert finished.run.stage("predict").done()["scores"]["miou"] == result.scores.miou

    def test_says_what_no_object_at_all_would_get(self, finished: Place, tmp_path: Path) -> None:
        """Beside the entry's score: that of masks which are "other" everywhere."""
        for image in finished.data.images("validation"):
            path = tmp_path / image.mask_name
            path.parent.mkdir(exist_ok=True)
            picture = read_picture(image)
            path.write_bytes(encode_mask(np.zeros(picture.shape[:2], np.uint16)))
        with open_truth(finished.data.masks("validation"), classes=3) as truth:
            empty = evaluate(tmp_path, truth).scores.miou

        assert finished.run.stage("predict").done()["all_other_miou"] == pytest.approx(empty)
        told = summary(finished.run.root, "predict")
        assert f"(all other: {empty:.2f})" in told
        assert "NMI of clusters and folders " in told

    def test_logs_every_step(self, finished: Place) -> None:
        logged = lines(finished.run.root / "pretrain" / "losses.jsonl")

        assert [line["step"] for line in logged] == [1, 2, 3, 4]
        assert set(logged[0]) == {"step", "total", "image", "pixel", "shallow_3", "shallow_2"}
        assert (finished.run.root / "pretrain" / "losses.svg").exists()

    def test_is_not_run_twice(self, finished: Place, tiny: Recipe) -> None:
        before = (finished.run.root / "predict" / "test.zip").stat().st_mtime_ns

        run_all(tiny, finished)

        assert (finished.run.root / "predict" / "test.zip").stat().st_mtime_ns == before

    def test_leaves_no_pickle(self, finished: Place) -> None:
        kinds = {path.suffix for path in finished.run.root.rglob("*") if path.is_file()}

        assert kinds == {".json", ".jsonl", ".safetensors", ".svg", ".png", ".txt", ".zip"}

    def test_says_how_the_threshold_was_chosen(self, finished: Place) -> None:
        card = (finished.run.root / "predict" / "test" / "method.txt").read_text()

        assert "the threshold between other and categories was chosen by validation mIoU" in card


class TestResume:
    @pytest.mark.parametrize("stage", [pretrain, attention, finetune])
    def test_equals_a_run_without_a_stop(
        self, finished: Place, tiny: Recipe, tmp_path: Path, stage: object
    ) -> None:
        """Stop after the first and the third of four steps, then compare every weight and loss."""
        place = place_at(tmp_path, finished.data, tiny)
        link_stages(finished, place, before=stage.NAME)
        for stop in (1, 3):
            with pytest.raises(Interrupted, match=f"after step {stop}"):
                stage.run(tiny, replace(place, rhythm=Rhythm(stop_after=stop)))
        stage.run(tiny, place)

        one, other = (
            read_weights(each.run.root / stage.NAME / "weights.safetensors")
            for each in (finished, place)
        )
        assert one.keys() == other.keys()
        for name, tensor in one.items():
            np.testing.assert_array_equal(tensor.numpy(), other[name].numpy(), err_msg=name)
        both = [lines(each.run.root / stage.NAME / "losses.jsonl") for each in (finished, place)]
        assert both[0] == both[1]

    def test_refuses_the_folder_of_another_recipe(self, finished: Place, tiny: Recipe) -> None:
        with pytest.raises(Refused, match=r"another recipe \(seed\)"):
            finished.run.open_for(replace(tiny, seed=4))


class TestVariants:
    @pytest.mark.parametrize("level", ["image", "pixel"])
    def test_labels_at_another_level(
        self, finished: Place, tiny: Recipe, tmp_path: Path, level: str
    ) -> None:
        variant = replace(tiny, labels=replace(tiny.labels, level=level))
        place = place_at(tmp_path, finished.data, variant)
        link_stages(finished, place, before=cluster.NAME)

        run_all(variant, place)

        assert (tmp_path / "predict" / "test.zip").exists()

    def test_predicts_with_the_rule_of_the_labels(
        self, finished: Place, tiny: Recipe, tmp_path: Path
    ) -> None:
        """Before fine-tuning the validation score is the one that the sweep had found."""
        variant = replace(tiny, predict=replace(tiny.predict, before_finetuning=True))
        place = place_at(tmp_path, finished.data, variant)
        link_stages(finished, place, before=predict.NAME)

        predict.run(variant, place)

        swept = place.run.stage(threshold.NAME).done()["validation_miou"]
        assert place.run.stage(predict.NAME).done()["scores"]["miou"] == pytest.approx(swept)

    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            (Labels(threshold="fixed", fixed_threshold=0.25), 0.25),
            (Labels(threshold="otsu"), None),
        ],
    )
    def test_threshold_without_masks(
        self,
        finished: Place,
        tiny: Recipe,
        tmp_path: Path,
        labels: Labels,
        expected: float | None,
    ) -> None:
        variant = replace(tiny, labels=replace(labels, short_side=32, square=32))
        place = place_at(tmp_path, finished.data, variant)
        link_stages(finished, place, before=threshold.NAME)

        threshold.run(variant, place)

        told = place.run.stage(threshold.NAME).done()
        assert told["uses_validation_masks"] is False
        assert told["threshold"] == expected or 0 < told["threshold"] < 1


def test_refuses_data_of_another_number_of_categories(
    tmp_path: Path, data: DataFolder, tiny: Recipe
) -> None:
    with pytest.raises(Refused, match=r"is for 50 categories, but .* has 3"):
        pipeline.run(replace(tiny, categories=50), data=data.root, out=tmp_path, device="cpu")

    last = lines(tmp_path / "status.jsonl")[-1]
    assert last["state"] == "failed"
    assert "for 50 categories" in str(last["message"])


def test_every_process_of_a_run_needs_its_stages_in_order(
    tmp_path: Path, data: DataFolder, tiny: Recipe
) -> None:
    with pytest.raises(Refused, match="pretrain has to be run first"):
        attention.run(tiny, place_at(tmp_path, data, tiny))


def link_stages(finished: Place, place: Place, *, before: str) -> None:
    """Give a run the stages that another one has done."""
    names = [stage.NAME for stage in pipeline.STAGES]
    for name in names[: names.index(before)]:
        (place.run.root / name).symlink_to(finished.run.root / name)
