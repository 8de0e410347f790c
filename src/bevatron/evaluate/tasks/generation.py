"""Metrics and curves of networks that make images."""

import logging
from typing import Any

import numpy as np

from bevatron.config.loading.digest import seed_of
from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Generation
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.inspection.generated import SAMPLES, ReferenceClassifier, frechet_distance, nearest
from bevatron.evaluate.inspection.steadiness import lost_distance, lost_loss
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.collapse import has_collapsed
from bevatron.evaluate.statistics.manifolds import Manifold, precision_and_recall, recentred, spacings
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.evaluate.statistics.two_samples import (
    ReplicaMoments,
    diversities,
    extrapolated_distances,
    fractions_of_classes,
    frechet_distances,
    halves_of,
    means,
)
from bevatron.store.shards.contract import TargetInfo

log = logging.getLogger("bevatron")
DRAWN = 10  # images of each moment
MADE = 0.2  # of the expected number of a class, from which on it counts as made


@evaluation("generation")
class GenerationEvaluation:
    """How near generated images are to real ones, whether they are copies, and whether D can tell."""

    def targets(self, task: Generation, model: Model) -> list[str]:
        """As the interface says: the target of the class numbers."""
        return [model.target or task.target]

    def outputs(self, task: Generation, target: TargetInfo) -> tuple[int, ...]:
        """As the interface says: the discriminator's logit of a real image."""
        return (1,)

    def metrics(
        self, task: Generation, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Metrics and curves, with as many generated images as the test split has.

        Metrics by name:
        frechet_distance         of the last generator to the test split, in the features of a classifier that is
                                 trained here on the training split; .first, .early: of the first, second remembered
        frechet_distance.extrapolated the same without the bias of small samples: to samples without end
        frechet_distance.of_first the last over the first
        frechet_distance.lost    by what fraction the last is above that of the best generator remembered
        frechet_distance_of_data of as many training images to the test split: the least that can be hoped for, all of
                                 it the bias of samples of this size
        precision, recall        fraction of generated images within the manifold of the test images, and of test images
                                 within that of the generated ones, in the same features
        reference_accuracy       of that classifier on the test split
        classifier_loss.lost     what frechet_distance.lost is of the generator, of the cross entropy of such a
                                 classifier, trained by itself from the seed's start: a simpler training
        d_accuracy               fraction of test and generated images that the trained D tells right; 0.5: by chance
        spotted                  the same of an observer: a new classifier that learned to spot generated images
        saddle_point             V = E ln D(x) + E ln(1 - D(G(z))) of the trained networks, over test and generated
                                 images; -2 ln 2 = -1.386 at the saddle point
        memorisation             median distance to the nearest training image, over test images': 0 of copies
        diversity                mean distance of pairs, over that of test images: 0 of a collapsed generator
        spacing                  mean distance to the nearest other generated image, over that of test images
        collapsed                fraction of the trainings that collapsed, as `statistics.collapse` says
        classes_made             fraction of the classes that the reference classifier finds, each at least a fifth as
                                 often as expected

        Errors contain the fluctuations of the test images and of the generated ones, each seed's drawn independently.
        Test images count by their weights, where they have any, and training images in frechet_distance_of_data; the
        reference classifier, the observer and classes_made know of no weights.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):  # sums over threads depend on how they are cut
            return _measure(task, predictions, bootstrap, context)


def _measure(
    task: Generation, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
) -> tuple[dict[str, Measurement], dict[str, Any]]:
    """As `GenerationEvaluation.metrics` says."""
    from bevatron.evaluate.inspection.small_classifier import losses_along_training, spot_generated  # torch

    model, target, confidence = context.model, context.target, context.confidence
    train, train_labels = _images(context, "train", target)
    test, labels = _images(context, "test", target)
    reference = ReferenceClassifier.of(train, train_labels)
    seeds = [
        _Seed(context, folder, seed, len(test)) for folder, seed in zip(context.folders, context.seeds, strict=True)
    ]
    real = _Real(test, reference.features(test), nearest(test, train)[0], bootstrap)
    manifest, replicas = context.dataset.manifest.sha256, bootstrap.replicas
    of_seeds: dict[str, list[np.ndarray]] = {}
    for outputs, seed in zip(predictions.outputs, seeds, strict=True):
        drawn = Bootstrap(np.arange(len(test)), replicas, f"{manifest}: generated by seed {seed.seed}")
        values = _of_generated(seed, outputs[:, 0], reference, real, train, len(task.classes), drawn)
        spotted = spot_generated(train, seed.for_observer(len(train)), test, seed.made[-1], seed.seed)
        values["spotted"] = real.with_generated(*spotted, drawn.weights())
        losses = losses_along_training(train, train_labels, test, labels, len(seed.made), seed.seed)
        values["classifier_loss.lost"] = lost_loss(losses, bootstrap.weights())
        for name, value in values.items():
            of_seeds.setdefault(name, []).append(value)
    subset = train[: len(test)]
    of_training = Bootstrap(
        np.arange(len(subset)), replicas, f"{manifest}: training images", _weights_of(context, len(subset))
    )
    of_data = ReplicaMoments.of(reference.features(subset), of_training.weights())
    metrics = {name: measure(values, confidence) for name, values in of_seeds.items()}
    metrics["frechet_distance_of_data"] = measure([frechet_distances(real.moments, of_data)], confidence)
    metrics["reference_accuracy"] = measure(
        [bootstrap.mean((reference.classes(test) == labels).astype(float))], confidence
    )
    collapsed = [s.seed for s, v in zip(seeds, of_seeds["collapsed"], strict=True) if v[0]]
    if collapsed:
        log.warning(
            "%s: seeds %s collapsed: they make a few images only, or cover no real ones", model.title, collapsed
        )
    return metrics, _curves(seeds, reference, real.features, train, test, collapsed)


class _Real:
    """The test images (n, pixels): features (n, k), distances (n,) to the nearest training image, and replicas."""

    def __init__(self, images: np.ndarray, features: np.ndarray, distances: np.ndarray, bootstrap: Bootstrap):
        self.features, self.weights = features, bootstrap.weights()
        w = bootstrap.sample_weights
        self.scale = 1.0 if w is None else w.sum() / float(w @ w)  # so that weights add up to their effective number
        self.moments = ReplicaMoments.of(features, self.scale * self.weights)
        self.halves = halves_of(features, self.scale * self.weights)
        self.manifold = Manifold.of(features, self.weights)
        self.distance = bootstrap.median(distances)
        self.diversity, self.spacing = diversities(images, self.weights), spacings(images, self.weights)

    def with_generated(self, real: np.ndarray, generated: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Mean over the test images and mean over the generated ones, half of each: (replicas + 1,)."""
        return (means(real.astype(np.float64), self.weights) + means(generated.astype(np.float64), drawn)) / 2


def _of_generated(
    seed: "_Seed",
    d_of_real: np.ndarray,
    reference: ReferenceClassifier,
    real: _Real,
    train: np.ndarray,
    n_classes: int,
    bootstrap: Bootstrap,
) -> dict[str, np.ndarray]:
    """Metrics of one seed in each replica, (replicas + 1,); bootstrap: of its generated images."""
    drawn = bootstrap.weights()
    features, last = [reference.features(made) for made in seed.made], seed.made[-1]
    distances = [frechet_distances(real.moments, ReplicaMoments.of(features[k], drawn)) for k in (0, 1, -1)]
    d_real, d_made = d_of_real.astype(np.float64), seed.d_of_made.astype(np.float64)
    # ln D = -ln(1 + e^-d), ln(1 - D) = -ln(1 + e^d), for D the sigmoid of d.
    logarithms = -np.logaddexp(0.0, -d_real), -np.logaddexp(0.0, d_made)
    manifold = Manifold.of(features[-1], drawn)
    precision, recall = map(recentred, precision_and_recall(real.manifold, real.weights, manifold, drawn))
    diversity = diversities(last, drawn) / real.diversity
    spacing = spacings(last, drawn) / real.spacing
    return {
        "frechet_distance": distances[2],
        "frechet_distance.extrapolated": extrapolated_distances(
            distances[2], real.halves, halves_of(features[-1], drawn)
        ),
        "frechet_distance.first": distances[0],
        "frechet_distance.early": distances[1],
        "frechet_distance.of_first": distances[2] / distances[0],
        "frechet_distance.lost": lost_distance(real.halves, features, drawn),
        "precision": precision,
        "recall": recall,
        "d_accuracy": real.with_generated(d_real > 0, d_made < 0, drawn),
        "saddle_point": 2.0 * real.with_generated(*logarithms, drawn),
        "memorisation": bootstrap.median(nearest(last, train)[0]) / real.distance,
        "diversity": diversity,
        "spacing": spacing,
        "collapsed": has_collapsed(recall, spacing, diversity),
        "classes_made": fractions_of_classes(reference.classes(last), n_classes, drawn, MADE),
    }


class _Seed:
    """One trained network: images (n, pixels) of each remembered generator, their V and epochs, D of the last."""

    def __init__(self, context: EvaluationContext, folder: Any, seed: int, n: int):
        import torch

        from bevatron.models.network import load_network

        network = load_network(folder).architecture
        indices = [k for k, epoch in enumerate(network.past_epoch.tolist()) if epoch > 0]
        self.seed, self.shape, self.made = seed, network.shape, []
        self.epochs = [int(network.past_epoch[k]) for k in indices]
        self.objective = [float(network.past_objective[k]) for k in indices]
        with torch.no_grad():
            for index in indices:
                network.recall(index)
                made = network.generate(n, torch.Generator().manual_seed(seed_of("generate", seed)))
                self.made.append(made.flatten(1).numpy().astype(np.float64))
            self.d_of_made = network.discriminator(made.flatten(1))[:, 0].numpy()
        self._network = network

    def for_observer(self, n: int) -> np.ndarray:
        """Further images (n, pixels) of the last generator, of other noise."""
        import torch

        with torch.no_grad():
            made = self._network.generate(n, torch.Generator().manual_seed(seed_of("observer", self.seed)))
        return made.flatten(1).numpy().astype(np.float64)


def _images(context: EvaluationContext, split: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    """The first images of a split (n, pixels) and their class numbers."""
    import torch

    from bevatron.evaluate.predictions.batches import batches
    from bevatron.models.layers.inputs import dense_group

    images, labels, n = [], [], 0
    for inputs, targets in batches(context, split, [target], torch.device("cpu"), SAMPLES):
        images.append(torch.cat([dense_group(inputs, name).flatten(1) for name in inputs], 1).numpy())
        labels.append(targets[target].numpy())
        n += len(labels[-1])
        if split == "train" and n >= SAMPLES:
            break
    return np.concatenate(images).astype(np.float64), np.concatenate(labels)


def _weights_of(context: EvaluationContext, n: int) -> np.ndarray | None:
    """Of the first n training images, scaled to add up to their effective number; None without weights."""
    if not context.dataset.manifest.weighted:
        return None
    shards = context.dataset_of("train").open_shards("train")
    w = np.concatenate([shard.read("weight") for shard in shards])[:n].astype(np.float64)
    return w * (w.sum() / float(w @ w))


def _curves(
    seeds: list[_Seed],
    reference: ReferenceClassifier,
    real: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    collapsed: list[int],
) -> dict[str, Any]:
    """What the plots need.

    course      of each seed epoch, Fréchet distance and V
    samples     images of the first seed, of the same noise at each moment
    neighbours  the training images that are nearest to the last ones
    test        real images to guess among
    collapsed   seeds that collapsed
    """
    first = seeds[0]
    last = first.made[-1][:DRAWN]

    def first_images(images: np.ndarray) -> list:
        return [np.round(p.reshape(first.shape).mean(0), 3).tolist() for p in images[:DRAWN]]

    return {
        "course": [
            {
                "epoch": s.epochs,
                "frechet": [round(frechet_distance(real, reference.features(p)), 5) for p in s.made],
                "objective": s.objective,
            }
            for s in seeds
        ],
        "samples": [first_images(p) for p in first.made],
        "neighbours": first_images(train[nearest(last, train)[1]]),
        "test": first_images(test),
        "collapsed": collapsed,
    }
