"""The distance-matching protocol: each pixel takes the label of its nearest annotated regions.

The annotated images make a bank of one vector for each region; nothing is trained. Ids are truth
ids, so nothing is matched afterwards.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from evaluator import IGNORE, MethodCard
from reference_model.data.folders import TRAIN_SEMI
from reference_model.data.labelled import WholeImages
from reference_model.data.loading import reading_loader
from reference_model.data.pictures import MEAN, STD, read_mask
from reference_model.data.views import as_images
from reference_model.engine.errors import BadWeights
from reference_model.engine.progress import followed
from reference_model.engine.run_dir import StageDir
from reference_model.engine.weights import read_weights
from reference_model.networks.foreign import UnknownLayout, backbone_of
from reference_model.networks.segmenter import finer
from reference_model.recipes import DistanceMatching, Recipe
from reference_model.stages.entry import Entries
from reference_model.stages.neighbours import vote_normalised
from reference_model.stages.place import Place
from reference_model.stages.reading import Read

NAME = "distance-matching"


def run(recipe: Recipe, place: Place, *, weights: Path, name: str, only: str | None = None) -> None:
    """Predict every split that is there with the backbone in a safetensors file.

    Args:
        weights: of any backbone that `networks.foreign` understands.
        name: of the method, for the entry's card.
        only: the one split to predict; None for every one that is there.

    Raises:
        BadWeights: they are of no backbone that is understood, or give no finite numbers.
    """
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    settings = recipe.distance_matching
    network = backbone(weights)
    place.processes.place(network)
    network.eval()
    classes = len(place.data.categories)
    bank, labels = regions(settings, place, stage, network)
    rule = NeighbourRule(network, bank, labels, settings=settings, classes=classes + 1)
    card = MethodCard(
        name=name,
        training_data=place.data.root.name,
        training_scheme="SSL",
        networks=type(network).__name__,
        description=f"distance matching, k = {settings.neighbours} of {len(bank)} regions",
    )
    entries = Entries(
        stage=stage,
        data=place.data,
        classes=classes,
        protocol=NAME,
        card=card,
        matched=False,
        only=only,
    )
    entries.predict(rule, short_side=settings.short_side, place=place)
    place.finish(stage, lambda: {"regions": len(bank), **entries.finish()})


def backbone(weights: Path) -> nn.Module:
    """The network of a weights file.

    Raises:
        BadWeights: no safetensors, of an unknown layout, or with values that are no numbers.
    """
    try:
        network = backbone_of(read_weights(weights))
    except UnknownLayout as error:
        raise BadWeights(str(error)) from error
    broken = [name for name, tensor in network.state_dict().items() if not _are_finite(tensor)]
    if broken:
        raise BadWeights(
            f"{len(broken)} tensors hold values that are not finite numbers, the first is"
            f" {broken[0]}"
        )
    return network


def map_of(network: nn.Module, images: Tensor) -> Tensor:
    """The finer map of the last stage for images of shape (B, 3, H, W).

    Raises:
        BadWeights: it holds values that are not finite numbers.
    """
    features = finer(network(images)[-1])
    if not _are_finite(features):
        raise BadWeights(
            "for some image these weights give features that are not finite numbers; look at the"
            " running variances of norms, and whether anything overflows"
        )
    return features


def _are_finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())


def regions(
    settings: DistanceMatching, place: Place, stage: StageDir, network: nn.Module
) -> tuple[Tensor, Tensor]:
    """One direction for each class in each annotated image, and its class; "other" included.

    Every process makes all of them: they are few.
    """
    images = place.data.images(TRAIN_SEMI)
    masks = place.data.masks(TRAIN_SEMI)
    loader = reading_loader(
        WholeImages(images, short_side=settings.short_side), workers=place.workers
    )
    vectors, labels = [], []
    shown = followed(loader, len(images), stage=stage, processes=place.processes)
    with torch.inference_mode():
        for image, whole in zip(images, shown, strict=True):
            height, width = whole.size
            ids = read_mask(masks, image, height=height, width=width)
            pixels = as_images(whole.image.to(place.processes.device)[None], mean=MEAN, std=STD)
            features = map_of(network, pixels)[0]
            found = region_means(features, torch.from_numpy(ids.astype(np.int64)))
            vectors.append(found[0])
            labels.append(found[1])
    return normalize(torch.cat(vectors), dim=1), torch.cat(labels)


def region_means(features_DHW: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of features over each id of a mask, ignored pixels left out, and the ids.

    Only directions count later, so a sum serves as the mean; strong features weigh more, as in
    the original. A region that vanishes at the map's size has no vector.
    """
    size = features_DHW.shape[1:]
    small = interpolate(ids[None, None].double(), size, mode="nearest")[0, 0].long()
    present = small.unique()
    present = present[present != IGNORE]
    members = (small.flatten() == present[:, None]).to(features_DHW)
    return members @ features_DHW.flatten(1).T, present.to(features_DHW.device)


class NeighbourRule:
    """The vote of the nearest regions for each position of a finer map."""

    def __init__(
        self,
        network: nn.Module,
        bank: Tensor,
        labels: Tensor,
        *,
        settings: DistanceMatching,
        classes: int,
    ) -> None:
        self._network, self._bank, self._labels = network, bank, labels
        self._settings, self._classes = settings, classes

    def __call__(self, image: Tensor, size: tuple[int, int]) -> Read:
        with torch.autocast(image.device.type, enabled=False):  # as the bank was made
            features = map_of(self._network, image)
        directions = normalize(features[0].flatten(1).T, dim=1)
        voted = vote_normalised(
            directions,
            self._bank,
            self._labels,
            classes=self._classes,
            neighbours=self._settings.neighbours,
            temperature=self._settings.temperature,
        )
        small = voted.view(1, 1, *features.shape[2:]).float()
        return Read.of(interpolate(small, size, mode="nearest"))
