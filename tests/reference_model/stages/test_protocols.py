"""Distance matching and semi-supervised fine-tuning, from files to entries."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from evaluator import IGNORE, evaluate, open_truth
from reference_model.data.folders import DataFolder
from reference_model.data.pictures import read_mask
from reference_model.engine.errors import BadWeights, Refused
from reference_model.engine.weights import write_weights
from reference_model.networks.resnet import ResNet
from reference_model.networks.segmenter import Segmenter
from reference_model.networks.vit import VisionTransformer
from reference_model.recipes import DistanceMatching, Recipe, SemiSupervised
from reference_model.stages import distance_matching, semi_supervised
from reference_model.stages.distance_matching import region_means
from reference_model.stages.reading import read_all
from reference_model.stages.semi_supervised import layer_groups
from tests.support.places import place_at


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "backbone.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        write_weights(path, ResNet(18, width=8).state_dict())
    return path


def test_distance_matching_ends_in_an_entry_without_a_map(
    data: DataFolder, tiny: Recipe, weights: Path, tmp_path: Path
) -> None:
    place = place_at(tmp_path, data, tiny)

    distance_matching.run(tiny, place, weights=weights, name="random features")

    folder = tmp_path / "distance-matching"
    with zipfile.ZipFile(folder / "test.zip") as entry:
        names = entry.namelist()
    assert "method.txt" in names
    assert "match.json" not in names
    with open_truth(data.masks("validation"), classes=3) as truth:
        miou = evaluate(folder / "validation.zip", truth).scores.miou
    assert place.run.stage("distance-matching").done()["scores"]["miou"] == miou


class Colours(nn.Module):
    """Features that are all one needs here: the mean colour of 4 x 4 pixels."""

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (avg_pool2d(images, 4),)


def test_pixels_take_the_label_of_what_looks_alike(data: DataFolder, tmp_path: Path) -> None:
    settings = DistanceMatching(short_side=64)
    place = place_at(tmp_path, data, settings)
    stage = place.run.stage("distance-matching")

    bank, labels = distance_matching.regions(settings, place, stage, Colours())
    rule = distance_matching.NeighbourRule(Colours(), bank, labels, settings=settings, classes=4)

    right = total = 0
    images = data.images("validation")
    for image, read in read_all(images, rule, short_side=64, stage=stage, place=place):
        height, width = read.ids.shape
        truth = read_mask(data.masks("validation"), image, height=height, width=width)
        right, total = right + int((truth == read.ids).sum()), total + truth.size
    assert sorted(set(labels.tolist())) == [0, 1, 2, 3]
    assert right / total > 0.85


def test_a_transformer_can_be_matched_but_not_finetuned(
    data: DataFolder, tiny: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "vit.safetensors"
    vit = VisionTransformer(width=64, depth=1, patch=8, positions=4)
    write_weights(path, vit.state_dict())

    distance_matching.run(tiny, place_at(tmp_path / "one", data, tiny), weights=path, name="ViT")
    with pytest.raises(Refused, match="only a ResNet can be trained"):
        semi_supervised.run(tiny, place_at(tmp_path / "two", data, tiny), weights=path, name="ViT")

    assert (tmp_path / "one" / "distance-matching" / "test.zip").exists()


def test_a_pickle_is_never_opened(data: DataFolder, tiny: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(ResNet(18, width=4).state_dict(), path)

    with pytest.raises(Refused, match="is not a safetensors file"):
        distance_matching.run(tiny, place_at(tmp_path / "run", data, tiny), weights=path, name="x")


def spoiled(tensors: dict[str, Tensor], name: str, value: float) -> dict[str, Tensor]:
    return {**tensors, name: torch.full_like(tensors[name], value)}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("conv1.weight", float("nan"), "1 tensors hold values .* first is conv1.weight"),
        ("layer4.1.bn2.bias", float("inf"), "first is layer4.1.bn2.bias"),
        ("bn1.running_var", -1.0, "features that are not finite numbers"),
        ("bn1.weight", 3e38, "features that are not finite numbers"),
    ],
)
def test_weights_that_give_no_numbers_are_at_fault(
    data: DataFolder, tiny: Recipe, tmp_path: Path, *, name: str, value: float, sentence: str
) -> None:
    path = tmp_path / "backbone.safetensors"
    write_weights(path, spoiled(ResNet(18, width=4).state_dict(), name, value))

    with pytest.raises(BadWeights, match=sentence):
        distance_matching.run(tiny, place_at(tmp_path / "run", data, tiny), weights=path, name="x")


def test_one_split_can_be_predicted_alone(
    data: DataFolder, tiny: Recipe, weights: Path, tmp_path: Path
) -> None:
    both, one = place_at(tmp_path / "both", data, tiny), place_at(tmp_path / "one", data, tiny)

    distance_matching.run(tiny, both, weights=weights, name="x")
    distance_matching.run(tiny, one, weights=weights, name="x", only="test")

    made = [path.name for path in (tmp_path / "one" / "distance-matching").glob("*.zip")]
    assert made == ["test.zip"]
    zips = [tmp_path / run / "distance-matching" / "test.zip" for run in ("both", "one")]
    assert zips[0].read_bytes() == zips[1].read_bytes()


def test_semi_supervised_finetuning_ends_in_an_entry(
    data: DataFolder, tiny: Recipe, weights: Path, tmp_path: Path
) -> None:
    place = place_at(tmp_path, data, tiny)

    semi_supervised.run(tiny, place, weights=weights, name="tiny")

    assert (tmp_path / "semi-supervised" / "validation.zip").exists()
    assert set(place.run.stage("semi-supervised").done()["scores"]) >= {"miou", "img_acc"}


def test_regions_are_sums_over_each_id_of_a_mask() -> None:
    features = torch.arange(8.0).view(2, 2, 2)
    ids = torch.tensor([[0, 2], [2, IGNORE]])

    sums, labels = region_means(features, ids)

    assert labels.tolist() == [0, 2]
    np.testing.assert_array_equal(sums, [[0, 4], [1 + 2, 5 + 6]])


def test_rates_shrink_from_the_classifier_to_the_stem() -> None:
    network = Segmenter(ResNet(50, width=4), 4)
    settings = SemiSupervised(layer_decay=0.5)

    groups = layer_groups(network, settings)

    shares = {
        id(parameter): (group["rate_share"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    stem, first, last, head = (
        network.backbone.conv1.weight,
        network.backbone.layer1[0].conv1.weight,
        network.backbone.layer4[2].bn3.weight,
        network.classifier.bias,
    )
    assert shares[id(stem)] == (0.5**17, settings.decay)
    assert shares[id(first)] == (0.5**16, settings.decay)
    assert shares[id(last)] == (0.5, 0.0)
    assert shares[id(head)] == (1.0, 0.0)
    assert len(shares) == len(list(network.parameters()))
