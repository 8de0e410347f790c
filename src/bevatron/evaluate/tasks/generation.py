"""Metrics and curves of networks that make images."""

import logging
from typing import Any

import numpy as np

from bevatron.config.loading.digest import seed_of
from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Generation
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.inspection.generated import SAMPLES, ReferenceClassifier, diversity, frechet_distance, nearest
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.store.shards.contract import TargetInfo

log = logging.getLogger("bevatron")
DRAWN = 10  # images of each moment
COLLAPSED = 0.3  # diversity, in units of real images', below which a generator makes but a few images


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
        frechet_distance_of_data of training images to the test split: the least that can be hoped for
        reference_accuracy       of that classifier on the test split
        d_accuracy               fraction of test and generated images that the trained D tells right; 0.5: by chance
        saddle_point             V at the last validation; -2 ln 2 = -1.386 at the saddle point
        memorisation             median distance to the nearest training image, over test images': 0 of copies
        diversity                mean distance of pairs, over that of test images: 0 of a collapsed generator
        classes_made             fraction of the classes that the reference classifier finds, each at least a fifth as
                                 often as expected

        Test images count by their weights, where they have any, in frechet_distance, reference_accuracy, d_accuracy and
        memorisation, training images in frechet_distance_of_data; the reference classifier, diversity and classes_made
        know of no weights.
        """
        model, target, confidence = context.model, context.target, context.confidence
        train, train_labels = _images(context, "train", target)
        test, labels = _images(context, "test", target)
        reference = ReferenceClassifier.of(train, train_labels)
        real = reference.features(test)
        seeds = [
            _Seed(context, folder, seed, len(test)) for folder, seed in zip(context.folders, context.seeds, strict=True)
        ]

        w = bootstrap.sample_weights
        scale = 1.0 if w is None else w.sum() / float(w @ w)  # so that weights add up to their effective number

        def distances(images: list[np.ndarray], weights: np.ndarray | None = None) -> Measurement:
            features = [reference.features(p) for p in images]
            return measure(
                [
                    bootstrap.over(
                        lambda w, f=f: np.array([frechet_distance(real, f, scale * row, weights) for row in w])
                    )
                    for f in features
                ],
                confidence,
            )

        nothing = np.zeros(bootstrap.replicas + 1)
        last = [s.made[-1] for s in seeds]
        right = [
            ((o[:, 0] > 0).astype(float) + (s.d_of_made < 0)) / 2
            for o, s in zip(predictions.outputs, seeds, strict=True)
        ]
        far, spread = bootstrap.median(nearest(test, train)[0]), diversity(test)
        diversities = [diversity(p) / spread for p in last]
        metrics = {
            "frechet_distance": distances(last),
            "frechet_distance.first": distances([s.made[0] for s in seeds]),
            "frechet_distance.early": distances([s.made[1] for s in seeds]),
            "frechet_distance_of_data": distances([train[: len(test)]], _weights_of(context, len(train[: len(test)]))),
            "reference_accuracy": measure(
                [bootstrap.mean((reference.classes(test) == labels).astype(float))], confidence
            ),
            "d_accuracy": measure([bootstrap.mean(r) for r in right], confidence),
            "saddle_point": measure([nothing + s.objective[-1] for s in seeds], confidence),
            "memorisation": measure([np.median(nearest(p, train)[0]) / far for p in last], confidence),
            "diversity": measure([nothing + v for v in diversities], confidence),
            "classes_made": measure(
                [nothing + classes_made(reference.classes(p), len(task.classes)) for p in last], confidence
            ),
        }
        collapsed = [s.seed for s, v in zip(seeds, diversities, strict=True) if v < COLLAPSED]
        if collapsed:
            log.warning("%s: seeds %s collapsed: their images hardly differ", model.title, collapsed)
        return metrics, _curves(seeds, reference, real, train, test, collapsed)


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


def classes_made(numbers: np.ndarray, n_classes: int) -> float:
    """Fraction of the classes that are at least a fifth as often among the class numbers (n,) as expected."""
    return float((np.bincount(numbers, minlength=n_classes) >= 0.2 * len(numbers) / n_classes).mean())


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
    collapsed   seeds whose images hardly differ
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
