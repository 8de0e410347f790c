"""Metrics and curves of two classes in a plane: how well, and along which line, they are told apart."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Classification2D
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.inspection.course import corrected_fraction, loss_spread
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.store.shards.contract import TargetInfo
from bevatron.store.shards.dataset import Dataset

DRAWN = 600  # points in the images


@evaluation("classification_2d")
class Classification2DEvaluation:
    """Accuracy, the direction of the weights, and the surface over the plane."""

    def targets(self, task: Classification2D, model: Model) -> list[str]:
        """As the interface says: the target of the class numbers."""
        return [model.target or task.target]

    def outputs(self, task: Classification2D, target: TargetInfo) -> tuple[int, ...]:
        """As the interface says: a number for each of the two classes."""
        return (2,)

    def metrics(
        self, task: Classification2D, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Metrics and curves of the points in the plane.

        Metrics by name, as for a classification: accuracy, class_accuracy.<class>, auc.<a>_vs_<b>; and
        angle_to_fisher  between the network's mean gradient over the test points and Fisher's direction, degrees
        weight_norm      |w| of a single unit
        loss_spread      of the validation loss over the second half of the epochs: standard deviation over mean
        corrected        fraction of the last epoch's samples that a unit with a step corrects, one after the other
        """
        from bevatron.evaluate.inspection.plane import (  # torch
            first_corrections,
            hidden_lines,
            mean_gradient,
            surface,
            weights_of,
        )

        model, confidence = context.model, context.confidence
        labels = predictions.targets[context.target].astype(np.int64)
        metrics = _measure_accuracy(task, predictions.outputs, labels, bootstrap, confidence)
        points = _points(context.dataset, model)
        fisher = fishers_direction(points, labels, bootstrap)
        weights_of_points = bootstrap.sample_weights
        gradients = [mean_gradient(folder, model.inputs, points, weights_of_points) for folder in context.folders]
        metrics["angle_to_fisher"] = measure([angles(g, fisher) for g in gradients], confidence, "°")
        weights = [weights_of(folder) for folder in context.folders]
        of_units = [w for w in weights if w is not None]
        if len(of_units) == len(weights):
            norms = [np.full(bootstrap.replicas + 1, np.hypot(*w[:2])) for w in of_units]
            metrics["weight_norm"] = measure(norms, confidence)
        metrics |= _measure_course(context, bootstrap)
        extent = _extent(points)
        surfaces = [surface(folder, model.inputs, extent) for folder in context.folders]
        return metrics, {
            "points": {"x": _round(points[:DRAWN]), "label": labels[:DRAWN].tolist()},
            "extent": extent,
            "surfaces": [_round(s) for s in surfaces],
            "weights": [None if w is None else _round(w, 6) for w in weights],
            "hidden": [[_round(line, 6) for line in hidden_lines(folder)] for folder in context.folders],
            "corrections": first_corrections(context),
        }


def _measure_course(context: EvaluationContext, bootstrap: Bootstrap) -> dict[str, Measurement]:
    """What the histories of the fits say; it varies with the seeds alone, all replicas of the test split are alike."""
    training, architecture = context.model.training, context.model.architecture
    found = {"loss_spread": loss_spread(context.folders)}
    if training.batch_size == 1 and getattr(architecture, "activation", None) == "step":
        found["corrected"] = corrected_fraction(context.folders)
    return {
        name: measure([np.full(bootstrap.replicas + 1, value) for value in values], context.confidence)
        for name, values in found.items()
        if values
    }


def _measure_accuracy(
    task: Classification2D, outputs: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """How many points are on the right side; outputs (n_seeds, n, 2), of which the larger decides."""
    right = (outputs.argmax(axis=2) == labels).astype(np.float64)
    size = bootstrap.effective_size(right.mean(axis=0))
    metrics = {"accuracy": measure([bootstrap.mean(r) for r in right], confidence, n_binomial=size)}
    for number, name in enumerate(task.classes):
        rows = np.flatnonzero(labels == number)
        fractions = [bootstrap.mean(r, rows) for r in right]
        size = bootstrap.effective_size(right.mean(axis=0), labels == number)
        metrics[f"class_accuracy.{name}"] = measure(fractions, confidence, n_binomial=size)
    signal = task.classes.index(task.signal)
    scores = outputs[:, :, signal] - outputs[:, :, 1 - signal]
    areas = [Ranking(s, labels == signal, labels != signal).auc(bootstrap) for s in scores]
    metrics[f"auc.{task.signal}_vs_{task.classes[1 - signal]}"] = measure(areas, confidence)
    return metrics


def fishers_direction(points: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """S⁻¹ (m_1 - m_0) of points (n, 2), S the mean of the two classes' covariances: (replicas + 1, 2)."""
    first, second = points.T.astype(np.float64)
    moments = np.stack([first, second, first**2, first * second, second**2], axis=1)
    means, covariances = [], []
    for label in (0, 1):
        m = bootstrap.mean(moments, np.flatnonzero(labels == label))
        means.append(m[:, :2])
        square = np.stack([m[:, 2], m[:, 3], m[:, 3], m[:, 4]], axis=1).reshape(-1, 2, 2)
        covariances.append(square - m[:, :2, None] * m[:, None, :2])
    within = (covariances[0] + covariances[1]) / 2
    return np.linalg.solve(within, (means[1] - means[0])[:, :, None])[:, :, 0]


def angles(direction: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Between a direction (2,) and each of others (n, 2), in degrees; NaN for a direction of length zero."""
    length = np.hypot(*direction) * np.hypot(*others.T)
    if not np.all(length > 0):
        return np.full(len(others), np.nan)
    return np.degrees(np.arccos(np.clip(others @ direction / length, -1.0, 1.0)))


def _points(dataset: Dataset, model: Model) -> np.ndarray:
    columns, groups = TestColumns(dataset), dataset.manifest.groups
    features = [(group, feature) for group in model.inputs for feature in groups[group].features]
    if len(features) != 2:
        what = f"has {len(features)} features in {', '.join(model.inputs)}; the task 'classification_2d' needs two"
        raise UserError(dataset.manifest_path, what, "fix the model's inputs")
    return np.stack([columns.feature(*feature) for feature in features], axis=1)


def _extent(points: np.ndarray) -> list[float]:
    """Left, right, bottom, top of a square that holds nearly all points."""
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    middle, half = (low + high) / 2, 0.55 * float((high - low).max())
    return [round(float(v), 3) for v in (middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)]


def _round(values: np.ndarray, digits: int = 4) -> list:
    return np.round(values.astype(np.float64), digits).tolist()
