"""Images of the test split with what each pixel is and what the first network takes it for, and what sparse images
save.
"""

from typing import Any

import numpy as np
import torch

from bevatron.compute.numerics.devices import deterministic
from bevatron.compute.numerics.probabilities import softmax
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.models.network import load_network
from bevatron.store.readers.batch import SparseBatch
from bevatron.store.shards.columns import SparseImages, elements_of
from bevatron.store.shards.shard import Shard
from bevatron.training.collate import Collate, input_groups, reads_sparse

EXAMPLES, PIXELS = 4, 6_000  # images that are shown, and pixels of one at most: those with the largest content
FIRST, ALL_PIXELS = 24, 60_000  # images whose predictions are kept, and pixels of them together, at least one image


def example_images(context: EvaluationContext, target: str) -> list[dict[str, Any]]:
    """Of the images of the first channel that hold most classes: "id", "shape" (height, width), and of each pixel its
    "index" in C order, its "value" to three digits, its "true" class number, -1 for none, and the one "predicted".

    Of images with as many classes those with most pixels of the rarer ones. None where no network is at hand.
    """
    if not context.folders:
        return []
    group = context.dataset.manifest.element_targets[target].group
    candidates: list[tuple[tuple[int, int], dict[str, Any]]] = []
    for path in context.dataset.check_shards("test"):
        with Shard(path) as shard:
            column, labels = shard.group(group).column, shard.element_target(target).values
            ids = shard.read("id")
        assert isinstance(column, SparseImages)
        for row in range(len(ids)):
            own = labels[column.offsets[row] : column.offsets[row + 1]]
            counts = np.bincount(own[own >= 0], minlength=1)
            rank = (int((counts > 0).sum()), int(counts.sum() - counts.max()))
            pixels, _ = elements_of(np.array([row]), column.offsets)
            image = {"id": str(ids[row]), "index": column.index[pixels], "value": column.value[pixels], "true": own}
            candidates.append((rank, image))
        candidates = sorted(candidates, key=lambda entry: entry[0], reverse=True)[:EXAMPLES]  # stable: the first ones
    images = [image for _, image in candidates]
    shape = tuple(context.dataset.manifest.groups[group].shape)
    predicted = [p.argmax(1) for p in _predict(context, group, images, shape)]
    return [_shown(image, shape, of_image) for image, of_image in zip(images, predicted, strict=True)]


def predict_first(context: EvaluationContext, target: str) -> list[dict[str, Any]]:
    """What the first network says of the first images of the test split that hold pixels: "id", and of each stored
    pixel, in the order of the dataset, the class number "predicted" and its probability in "percent".

    As many images as have `ALL_PIXELS` together, at most `FIRST`. None where no network is at hand.
    """
    if not context.folders:
        return []
    group = context.dataset.manifest.element_targets[target].group
    images: list[dict[str, Any]] = []
    left = ALL_PIXELS
    for shard in context.dataset.open_shards("test"):
        column, ids = shard.group(group).column, shard.read("id")
        assert isinstance(column, SparseImages)
        for row in range(len(ids)):
            pixels, _ = elements_of(np.array([row]), column.offsets)
            if not len(pixels):
                continue
            left -= len(pixels)
            if images and (left < 0 or len(images) == FIRST):
                break
            images.append({"id": str(ids[row]), "index": column.index[pixels], "value": column.value[pixels]})
        if left < 0 or len(images) >= FIRST:
            break
    if not images:
        return []
    shape = tuple(context.dataset.manifest.groups[group].shape)
    found = []
    for image, logits in zip(images, _predict(context, group, images, shape), strict=True):
        p = softmax(logits)
        percent = np.rint(100 * p.max(1, initial=0.0)).astype(int)
        found.append({"id": image["id"], "predicted": logits.argmax(1).tolist(), "percent": percent.tolist()})
    return found


def _predict(
    context: EvaluationContext, group: str, images: list[dict[str, Any]], shape: tuple[int, ...]
) -> list[np.ndarray]:
    """The first network's logits (n_pixels, n_classes) of each image."""
    lengths = [len(image["index"]) for image in images]
    sparse = SparseBatch(
        torch.from_numpy(np.concatenate([image["index"] for image in images])),
        torch.from_numpy(np.concatenate([image["value"] for image in images])),
        torch.tensor([0, *np.cumsum(lengths).tolist()]),
        (shape[0], shape[1], shape[2]),
    )
    groups = input_groups(context.dataset.manifest, context.model.inputs)
    collate = Collate(groups, torch.device("cpu"), sparse=reads_sparse(context.model.architecture.kind))
    network = load_network(context.folders[0])
    with deterministic(context.model.training.threads), torch.inference_mode():
        logits = network(collate({group: sparse})).numpy()
    return np.split(logits, np.cumsum(lengths)[:-1])


def _shown(image: dict[str, Any], shape: tuple[int, ...], predicted: np.ndarray) -> dict[str, Any]:
    first = np.flatnonzero(image["index"] < shape[1] * shape[2])
    if len(first) > PIXELS:
        first = np.sort(first[np.argsort(-image["value"][first], kind="stable")[:PIXELS]])
    return {
        "id": image["id"],
        "shape": [int(shape[1]), int(shape[2])],
        "index": image["index"][first].tolist(),
        "value": [float(f"{v:.3g}") for v in image["value"][first]],
        "true": image["true"][first].tolist(),
        "predicted": predicted[first].tolist(),
    }


def multiplications(context: EvaluationContext, target: str) -> tuple[np.ndarray, float] | None:
    """Multiplications of the convolutions for each image of the test split, (n,), and for one of the same network over
    all pixels; None of an architecture that does not read sparse images, and where no network is at hand.
    """
    if not context.folders or not reads_sparse(context.model.architecture.kind):
        return None
    group = context.dataset.manifest.element_targets[target].group
    architecture: Any = load_network(context.folders[0]).architecture
    channels, height, width = context.dataset.manifest.groups[group].shape
    n = architecture.options.resolutions
    rows = []
    for path in context.dataset.check_shards("test"):
        with Shard(path) as shard:
            column = shard.group(group).column
        assert isinstance(column, SparseImages)
        rows.append(_pixels_by_resolution(column, n))
    dense = [channels * -(-height // 2**level) * -(-width // 2**level) for level in range(n)]
    of_pixel = np.array(architecture.multiplications)
    return np.concatenate(rows) @ of_pixel, float(np.array(dense) @ of_pixel)


def _pixels_by_resolution(images: SparseImages, n: int) -> np.ndarray:
    """Pixels that there are of each image at each of n resolutions, (n_images, n)."""
    _, height, width = images.shape
    channel, place = np.divmod(images.index.astype(np.int64), height * width)
    row, column = np.divmod(place, width)
    image = np.repeat(np.arange(len(images)), np.diff(images.offsets))
    found = np.zeros((len(images), n))
    for level in range(n):
        key = ((image * images.shape[0] + channel) * height + (row >> level)) * width + (column >> level)
        _, first = np.unique(key, return_index=True)
        found[:, level] = np.bincount(image[first], minlength=len(images))
    return found
