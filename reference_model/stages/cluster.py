"""Step 2.2: as many centroids as the data set has categories."""

from collections.abc import Iterator

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from reference_model.data.labelled import WholeImages
from reference_model.data.loading import square_loader
from reference_model.data.pictures import MEAN, STD
from reference_model.data.views import as_images
from reference_model.engine.errors import Refused
from reference_model.engine.progress import followed
from reference_model.engine.run_dir import StageDir
from reference_model.engine.weights import read_weights, write_weights
from reference_model.networks.segmenter import AttentiveRepresentation
from reference_model.recipes import Labels, Recipe
from reference_model.stages import attention
from reference_model.stages.place import Place, categories

NAME = "cluster"
CENTROIDS = "centroids.safetensors"
_BATCH = 64


def run(recipe: Recipe, place: Place) -> None:
    """Cluster the training images; leaves the centroids, and each image's cluster.

    Features of all processes meet in the first one, which clusters alone. How well clusters agree
    with the folders of the images is written down and decides nothing.
    """
    stage = place.run.stage(NAME)
    if stage.is_done:
        return
    count = categories(recipe, place)
    vectors = image_vectors(recipe, place, stage)
    write_weights(stage / _part(place.processes.rank), {"vectors": vectors})
    place.processes.wait()
    if place.processes.is_first:
        parts = [
            read_weights(stage / _part(rank))["vectors"] for rank in range(place.processes.ranks)
        ]
        joined = torch.cat(parts)
        centroids, assigned, error = k_means(
            joined.numpy(), count, labels=recipe.labels, seed=recipe.seed
        )
        tensors = {"centroids": torch.from_numpy(centroids)}
        agreement = None
        if recipe.labels.level != "pixel":
            clusters = _in_order(torch.from_numpy(assigned), [len(p) for p in parts])
            tensors["clusters"] = clusters
            agreement = mutual_information(clusters.numpy(), _folders(place))
        write_weights(stage / CENTROIDS, tensors)
        for rank in range(place.processes.ranks):
            (stage / _part(rank)).unlink()
        stage.finish(vectors=len(joined), clusters=count, error=error, nmi=agreement)
    place.processes.wait()


def k_means(
    vectors: NDArray[np.float32], count: int, *, labels: Labels, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], float]:
    """The best of several runs of k-means: centroids, each vector's cluster, mean squared error.

    Args:
        vectors: shape (N, D).

    Raises:
        Refused: there are fewer vectors than clusters.
    """
    if len(vectors) < count:
        raise Refused(f"there are {len(vectors)} vectors to make {count} clusters of")
    runs = faiss.Kmeans(
        vectors.shape[1],
        count,
        niter=labels.iterations,
        nredo=labels.restarts,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=10_000_000,  # all of them: faiss would take a sample
    )
    runs.train(np.ascontiguousarray(vectors))
    distances, nearest = runs.index.search(vectors, 1)
    return np.asarray(runs.centroids), nearest[:, 0], float(distances.mean())


def mutual_information(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """How much two partitions of the same things tell of each other, in [0, 1].

    Their mutual information over the mean of their entropies; 0 if neither tells anything.

    Args:
        one: the part of each thing, shape (N,).
        other: likewise.
    """
    joint = np.zeros((one.max() + 1, other.max() + 1), np.int64)
    np.add.at(joint, (one, other), 1)
    apart = _entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))
    return float(2 * (apart - _entropy(joint)) / apart) if apart > 0 else 0.0


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _folders(place: Place) -> NDArray[np.int64]:
    """The category's folder of each training image, from 0."""
    rank = {name: number for number, name in enumerate(place.data.categories)}
    return np.array([rank[image.path.parent.name] for image in place.data.images("train")])


def read_centroids(place: Place) -> dict[str, Tensor]:
    """`centroids`, shape (K, D), and `clusters`, of each training image, from 0."""
    stage = place.run.stage(NAME)
    stage.done()
    return read_weights(stage / CENTROIDS)


def image_vectors(recipe: Recipe, place: Place, stage: StageDir) -> Tensor:
    """Normalised vectors of this process' images."""
    network = attention.reader(recipe, place)
    mine = tuple(place.part(place.data.images("train")))
    labels = recipe.labels
    squares = WholeImages(mine, short_side=labels.short_side, square=labels.square)
    loader: DataLoader[Tensor] = square_loader(squares, batch=_BATCH, workers=place.workers)
    batches: Iterator[Tensor] = followed(
        loader, len(loader), stage=stage, processes=place.processes
    )
    vectors = []
    with torch.inference_mode():
        for batch in batches:
            images = as_images(batch.to(place.processes.device), mean=MEAN, std=STD)
            with place.processes.autocast():
                vectors.append(normalize(_read(network, images, labels).float(), dim=1).cpu())
    return torch.cat(vectors)


def _read(network: AttentiveRepresentation, images: Tensor, labels: Labels) -> Tensor:
    """Vectors of a batch: one for each image, or for each position where pixels are clustered."""
    if labels.level == "pixel":
        maps: Tensor = network.representation.backbone(images)[-1]
        return maps.permute(0, 2, 3, 1).flatten(0, 2)
    if labels.level == "image":
        pooled: Tensor = network.representation.backbone(images)[-1].mean(dim=(2, 3))
        return pooled
    features, weights = network.read(images)
    if labels.pool_normalised:
        features = normalize(features, dim=1)
    return (features * weights).mean(dim=(2, 3))


def _in_order(assigned: Tensor, lengths: list[int]) -> Tensor:
    """Clusters in the order of the images, of which rank r read each R-th from r on."""
    ordered = torch.empty_like(assigned)
    for rank, part in enumerate(assigned.split(lengths)):
        ordered[rank :: len(lengths)] = part
    return ordered


def _part(rank: int) -> str:
    return f"vectors-{rank}.safetensors"
