"""Metrics and curves of a classifier on the test split."""

from typing import Any

import numpy as np

from bevatron.config.model import Model
from bevatron.config.task import Classification
from bevatron.evaluate.bootstrap import Bootstrap
from bevatron.evaluate.calibration import expected_calibration_error, reliability
from bevatron.evaluate.classes import log_probabilities, pair_score, pairs_of, signal_score
from bevatron.evaluate.evaluation import Predictions, evaluation
from bevatron.evaluate.measurement import Measurement, measure, wilson
from bevatron.evaluate.ranking import Ranking

ROC_GRID = np.round(np.linspace(0.20, 1.0, 81), 4)


@evaluation("classification")
class ClassificationEvaluation:
    """How often classes are recognised and told apart, and whether probabilities are frequencies."""

    def targets(self, task: Classification, model: Model) -> list[str]:
        return [model.target or task.target]

    def outputs(self, task: Classification) -> tuple[int, ...]:
        return (len(task.classes),)

    def metrics(
        self,
        task: Classification,
        model: Model,
        predictions: Predictions,
        bootstrap: Bootstrap,
        confidence: float,
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        labels = predictions.targets[model.target or task.target].astype(np.int64)
        arguments = (task, predictions.outputs, labels)
        metrics = classification_metrics(*arguments, bootstrap, confidence)
        curves = classification_curves(*arguments, confidence)
        behind = predictions.behind
        if task.attacks is not None and behind is not None:
            from bevatron.evaluate.attacked import attacked  # torch

            found, curves["attacks"] = attacked(task, behind, labels, bootstrap, confidence)
            metrics |= found
        if behind is not None and any(
            behind.study.models[n] == behind.model for n in behind.study.evaluation.look_into
        ):
            from bevatron.evaluate.layers import looked_into  # torch

            curves["layers"] = looked_into(behind)
        return metrics, curves


def classification_metrics(
    task: Classification, logits: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """Every metric by its name; logits (n_seeds, n, n_classes), labels (n,) int64.

    accuracy, class_accuracy.<class>, log_loss, ece, auc.<a>_vs_<b> by the ratio of the two probabilities,
    auc.<signal>_vs_rest and rejection.<background>.at_<percent> by the signal's probability.
    """
    log_p = log_probabilities(logits)
    right = (log_p.argmax(axis=2) == labels).astype(np.float64)
    metrics = {
        "accuracy": measure([bootstrap.mean(r) for r in right], confidence, n_binomial=len(labels)),
        "log_loss": measure([bootstrap.mean(-p[np.arange(len(labels)), labels]) for p in log_p], confidence),
        "ece": measure([expected_calibration_error(np.exp(p), labels, bootstrap) for p in log_p], confidence),
    }
    for k, name in enumerate(task.classes):
        rows = np.flatnonzero(labels == k)
        values = [bootstrap.mean(r, rows) for r in right]
        metrics[f"class_accuracy.{name}"] = measure(values, confidence, n_binomial=len(rows))
    number = {name: k for k, name in enumerate(task.classes)}
    for a, b in pairs_of(task):
        i, j = number[a], number[b]
        values = [Ranking(pair_score(x, i, j), labels == i, labels == j).auc(bootstrap) for x in logits]
        metrics[f"auc.{a}_vs_{b}"] = measure(values, confidence)
    signal = number[task.signal]
    scores = signal_score(logits, signal)
    values = [Ranking(s, labels == signal, labels != signal).auc(bootstrap) for s in scores]
    metrics[f"auc.{task.signal}_vs_rest"] = measure(values, confidence)
    for name, k in number.items():
        if k == signal:
            continue
        rejections = [Ranking(s, labels == signal, labels == k).rejection(bootstrap, task.efficiencies) for s in scores]
        for i, efficiency in enumerate(task.efficiencies):
            values = [r[:, i] for r in rejections]
            metrics[f"rejection.{name}.at_{100 * efficiency:g}"] = measure(values, confidence)
    return metrics


def classification_curves(
    task: Classification, logits: np.ndarray, labels: np.ndarray, confidence: float
) -> dict[str, Any]:
    """What the plots need.

    roc          {"efficiency": grid, "backgrounds": {class: share of it kept (n_seeds, grid)}, "samples":
                 {class: n}}
    confusion    {"share": (true, predicted) mean over seeds, "low", "high": Wilson's, "samples": of each
                 true class}
    calibration  {class: points of its reliability diagram}
    score        {"edges", "classes": {class: share of the class in each bin of the signal's probability}}
    """
    n_seeds, _, n_classes = logits.shape
    probabilities = np.exp(log_probabilities(logits))
    predicted = probabilities.argmax(axis=2)
    signal = task.classes.index(task.signal)
    scores = signal_score(logits, signal)
    totals = np.bincount(labels, minlength=n_classes)
    counts = sum(
        np.bincount(labels * n_classes + p, minlength=n_classes**2).reshape(n_classes, n_classes) for p in predicted
    )
    share = counts / (n_seeds * totals[:, None])
    low, high = wilson(share, totals[:, None], confidence)
    edges = np.linspace(0.0, 1.0, 41)
    backgrounds = {
        name: [Ranking(s, labels == signal, labels == k).background_at(ROC_GRID).tolist() for s in scores]
        for k, name in enumerate(task.classes)
        if k != signal
    }
    return {
        "roc": {
            "efficiency": ROC_GRID.tolist(),
            "backgrounds": backgrounds,
            "samples": {name: int(totals[k]) for k, name in enumerate(task.classes)},
        },
        "confusion": {
            "share": share.tolist(),
            "low": low.tolist(),
            "high": high.tolist(),
            "samples": totals.tolist(),
        },
        "calibration": {
            name: reliability(probabilities[:, :, k], labels == k, confidence) for k, name in enumerate(task.classes)
        },
        "score": {
            "edges": edges.tolist(),
            "classes": {
                name: (np.histogram(probabilities[:, labels == k, signal], edges)[0] / (n_seeds * totals[k])).tolist()
                for k, name in enumerate(task.classes)
            },
        },
    }
