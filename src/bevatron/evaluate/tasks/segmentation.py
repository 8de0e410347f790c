"""Metrics and curves of a segmentation: what of each class is found, and what is taken for it."""

from itertools import combinations
from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Segmentation
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.store.shards.contract import TargetInfo


@evaluation("segmentation")
class SegmentationEvaluation:
    """How the pixels of each class are predicted. An image, with all its pixels, is what the bootstrap draws."""

    def targets(self, task: Segmentation, model: Model) -> list[str]:
        """As the interface says: none of samples, as the pixels' classes are counted as they are read."""
        return []

    def outputs(self, task: Segmentation, target: TargetInfo) -> tuple[int | None, ...]:
        """As the interface says: pixels by true and predicted class."""
        return (len(task.classes), len(task.classes))

    def predict(self, task: Segmentation, context: EvaluationContext) -> Predictions:
        """What the networks say of the test split: `count_pixels`."""
        from bevatron.evaluate.predictions.pixels import count_pixels  # torch

        return count_pixels(context, task.target, len(task.classes))

    def metrics(
        self, task: Segmentation, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Those of `segmentation_metrics` and `dense_cost`; curves: the confusion matrix and example images.

        dense_cost  multiplications of the same network over all pixels / those over the charged ones
        """
        from bevatron.evaluate.inspection.segmented import example_images, multiplications, predict_first  # torch

        metrics = segmentation_metrics(task.classes, predictions.outputs, bootstrap, context.confidence)
        cost = multiplications(context, task.target)
        if cost is not None:
            of_images, dense = cost
            metrics["dense_cost"] = measure([dense / bootstrap.mean(of_images)], context.confidence, spread=False)
        return metrics, {
            "confusion": confusion(predictions.outputs, bootstrap, context.confidence),
            "examples": example_images(context, task.target),
            "displays": predict_first(context, task.target),
        }


def segmentation_metrics(
    classes: list[str], counts: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """By name; counts (n_seeds, n_images, n_classes, n_classes): pixels by true and predicted class.

    iou.<class>        pixels that are of the class and predicted so / those that are one or the other
    recall.<class>     fraction of the class's pixels that are predicted so: the efficiency
    precision.<class>  fraction of the pixels predicted so that are of the class: the purity
    mean_iou           mean of the IoU over the classes that the split has pixels of
    accuracy           fraction of all pixels that are predicted right
    balanced_accuracy.<a>_vs_<b>  of the pixels of two classes that are predicted as one of them, the fraction that is
                       right, mean over both: 0.5 by chance
    """
    n_classes = len(classes)
    series: dict[str, list[np.ndarray]] = {}
    present = counts.sum((0, 1, 3)) > 0
    for of_seed in counts.astype(np.float64):
        mean = bootstrap.mean(of_seed.reshape(len(of_seed), -1)).reshape(-1, n_classes, n_classes)
        right, true, predicted = np.einsum("rkk->rk", mean), mean.sum(2), mean.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):  # a replica without a pixel of the class
            iou = right / (true + predicted - right)
            of_classes = {"iou": iou, "recall": right / true, "precision": right / predicted}
            of_seed_series = {
                "mean_iou": iou[:, present].mean(1) if present.any() else np.full(len(iou), np.nan),
                "accuracy": right.sum(1) / true.sum(1),
            }
            for a, b in combinations(np.flatnonzero(present).tolist(), 2):
                of_a = mean[:, a, a] / (mean[:, a, a] + mean[:, a, b])
                of_b = mean[:, b, b] / (mean[:, b, b] + mean[:, b, a])
                of_seed_series[f"balanced_accuracy.{classes[a]}_vs_{classes[b]}"] = (of_a + of_b) / 2
        for k in np.flatnonzero(present):
            of_seed_series |= {f"{name}.{classes[k]}": values[:, k] for name, values in of_classes.items()}
        for name, values in of_seed_series.items():
            series.setdefault(name, []).append(values)
    return {name: measure(values, confidence) for name, values in series.items()}


def confusion(counts: np.ndarray, bootstrap: Bootstrap, confidence: float) -> dict[str, list]:
    """{"fraction": (true, predicted) of each true class's pixels, mean over the seeds, "low", "high": of the bootstrap
    over images, "samples": pixels of each true class}; counts as in `segmentation_metrics`.
    """
    n_classes = counts.shape[-1]
    over_seeds = counts.astype(np.float64).mean(0)
    mean = bootstrap.mean(over_seeds.reshape(len(over_seeds), -1)).reshape(-1, n_classes, n_classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = mean / mean.sum(2, keepdims=True)
    tail = (1 - confidence) / 2
    known = np.nan_to_num(fraction)  # a class that a replica lacks has no width there
    low, high = np.quantile(known, [tail, 1 - tail], axis=0)
    numbers = {"fraction": fraction[0], "low": low, "high": high}
    rounded = {
        name: [[None if np.isnan(v) else float(f"{v:.6g}") for v in row] for row in values]
        for name, values in numbers.items()
    }
    return {**rounded, "samples": over_seeds.sum((0, 2)).astype(int).tolist()}
