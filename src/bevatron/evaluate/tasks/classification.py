"""Metrics and curves of a classifier on the test split."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Classification
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.calibration import expected_calibration_error, reliability
from bevatron.evaluate.statistics.classes import ClassPredictions, pair_score, pairs_of, probability, tagging_score
from bevatron.evaluate.statistics.measurement import Measurement, measure, wilson
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.statistics.roc import roc_curve
from bevatron.store.shards.contract import TargetInfo


@evaluation("classification")
class ClassificationEvaluation:
    """How often classes are recognised and told apart, and whether probabilities are frequencies."""

    def targets(self, task: Classification, model: Model) -> list[str]:
        """As the interface says: the target of the class numbers."""
        return [model.target or task.target]

    def outputs(self, task: Classification, target: TargetInfo) -> tuple[int, ...]:
        """As the interface says: a logit for each class."""
        return (len(task.classes),)

    def metrics(
        self, task: Classification, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Those of `classification_metrics` and `classification_curves`, of the networks under attack, and of their
        filters.
        """
        labels, confidence = predictions.targets[context.target].astype(np.int64), context.confidence
        arguments = (task, predictions.outputs, labels)
        metrics = classification_metrics(*arguments, bootstrap, confidence)
        curves = classification_curves(*arguments, bootstrap, confidence)
        if task.attacks is not None and context.folders:
            from bevatron.evaluate.inspection.attacked import attack_networks  # torch

            of_attacks, curves["attacks"] = attack_networks(task, context, labels, bootstrap)
            metrics |= of_attacks
            if curves["attacks"] is not None:
                from bevatron.evaluate.inspection.attacked_images import attacked_images  # torch

                curves["attacked_images"] = attacked_images(context, context.target, task.attacks)
            if task.attacks.least_change is not None:
                from bevatron.evaluate.inspection.least_changes import measure_least_changes  # torch

                of_changes, curves["least_change"] = measure_least_changes(task, context, labels, bootstrap)
                metrics |= of_changes
        if context.model_name in context.study.evaluation.inspect_layers and context.folders:
            from bevatron.evaluate.inspection.layers import inspect_layers  # torch

            curves["layers"] = inspect_layers(context)
        if context.model_name in context.study.evaluation.filter_tuning and context.folders:
            from bevatron.evaluate.inspection.filter_tuning import measure_filter_tuning  # torch

            of_filters, curves["filter_tuning"] = measure_filter_tuning(context, bootstrap)
            metrics |= of_filters
        if context.study.evaluation.discriminants or context.study.evaluation.profiles:
            from bevatron.evaluate.inspection.tagging import measure_tagging

            of_tagging, curves["tagging"] = measure_tagging(task, predictions.outputs, labels, bootstrap, context)
            metrics |= of_tagging
        return metrics, curves


def classification_metrics(
    task: Classification, logits: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """Every metric by its name; logits (n_seeds, n, n_classes), labels (n,) int64.

    accuracy, class_accuracy.<class>, log_loss, ece, auc.<a>_vs_<b> by the ratio of the two probabilities,
    auc.<signal>_vs_rest and rejection.<background>.at_<percent> by `tagging_score`: the signal's probability, or the
    likelihood ratio to the background of the composition that the task states.
    """
    n_classes, n_seeds = len(task.classes), len(logits)
    of_classes = bootstrap.sums(lambda place: _one_hot(labels[place], n_classes))  # (replicas + 1, n_classes)
    right_share, recognised = np.zeros(len(labels)), []
    for x in logits:
        right, series = _measure_accuracy(x, labels, of_classes, bootstrap)
        recognised.append(series)
        right_share += right / n_seeds
        del right  # of many samples no two seeds' at a time
    accuracy, class_accuracy, log_loss, ece = zip(*recognised, strict=True)
    metrics = {
        "accuracy": measure(accuracy, confidence, n_binomial=bootstrap.effective_size(right_share)),
        "log_loss": measure(log_loss, confidence),
        "ece": measure(ece, confidence),
    }
    for k, name in enumerate(task.classes):
        size = bootstrap.effective_size(right_share, labels == k)
        metrics[f"class_accuracy.{name}"] = measure([a[:, k] for a in class_accuracy], confidence, n_binomial=size)
    number = {name: k for k, name in enumerate(task.classes)}
    for a, b in pairs_of(task):
        i, j = number[a], number[b]
        values = [Ranking(pair_score(x, i, j), labels == i, labels == j).auc(bootstrap) for x in logits]
        metrics[f"auc.{a}_vs_{b}"] = measure(values, confidence)
    signal = number[task.signal]
    values = [_signal_auc(task, x, labels, bootstrap) for x in logits]
    metrics[f"auc.{task.signal}_vs_rest"] = measure(values, confidence)
    for name, k in number.items():
        if k == signal:
            continue
        rejections = [
            Ranking(tagging_score(task, x), labels == signal, labels == k).rejection(bootstrap, task.efficiencies)
            for x in logits
        ]
        for i, efficiency in enumerate(task.efficiencies):
            values = [r[:, i] for r in rejections]
            metrics[f"rejection.{name}.at_{100 * efficiency:g}"] = measure(values, confidence)
    return metrics


def _signal_auc(task: Classification, logits: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Of one seed: the area under the ROC curve of the signal against the rest, (replicas + 1,).

    Against a background of a stated composition it is Σ f_c A_c, A_c the area against class c alone by the same score:
    exactly that of samples whose weights make up that composition.
    """
    signal, score = task.classes.index(task.signal), tagging_score(task, logits)
    fractions = task.normalised_fractions()
    if fractions is None:
        return Ranking(score, labels == signal, labels != signal).auc(bootstrap)
    areas = [
        fraction * Ranking(score, labels == signal, labels == task.classes.index(name)).auc(bootstrap)
        for name, fraction in fractions.items()
    ]
    return np.sum(areas, axis=0)


def _measure_accuracy(
    logits: np.ndarray, labels: np.ndarray, of_classes: np.ndarray, bootstrap: Bootstrap
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Of one seed: which samples it recognises, (n,) bool; and accuracy (replicas + 1,), that of each class (replicas +
    1, n_classes), log loss and calibration error (replicas + 1,). of_classes: weight of each class.
    """
    predictions = ClassPredictions.of(logits, labels)
    right = predictions.predicted == labels

    def columns(block: slice) -> np.ndarray:
        of_class = _one_hot(labels[block], of_classes.shape[1]) * right[block, None]
        return np.concatenate([of_class, predictions.log_loss[block, None]], axis=1)

    sums, total = bootstrap.sums(columns), of_classes.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # a replica may miss a small class altogether
        fractions = sums[:, :-1].sum(axis=1) / total, sums[:, :-1] / of_classes, sums[:, -1] / total
    return right, (*fractions, expected_calibration_error(predictions.confidence, right, bootstrap))


def _one_hot(labels: np.ndarray, n_classes: int) -> np.ndarray:
    return (labels[:, None] == np.arange(n_classes)).astype(np.float64)


def classification_curves(
    task: Classification, logits: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Any]:
    """What the plots need.

    roc          by `tagging_score`, as `roc_curve` says
    confusion    {"fraction": (true, predicted) mean over seeds, "low", "high": Wilson's, "samples": of each
                 true class}
    calibration  {class: points of its reliability diagram}
    score        {"edges", "classes": {class: fraction of the class in each bin of the signal's probability}}; of
                 samples with weights, or of which several are of one event, also "errors": {class: their errors}

    Fractions are those of the samples' weights, where they have any; "samples" are numbers of samples.
    """
    n_seeds, _, n_classes = logits.shape
    signal = task.classes.index(task.signal)
    totals = np.bincount(labels, bootstrap.sample_weights, minlength=n_classes)
    edges = np.linspace(0.0, 1.0, 41)
    shapes, errors = np.zeros((2, n_classes, len(edges) - 1))
    for x in logits:
        p = probability(x, signal)
        for k in range(n_classes):
            content, error = bootstrap.histogram(p, edges, labels == k)
            shapes[k] += content
            errors[k] += error
    scores = [tagging_score(task, x) for x in logits]
    predicted = [ClassPredictions.of(x, labels).predicted for x in logits]
    return {
        "roc": roc_curve(
            task.signal, scores, {n: labels == k for k, n in enumerate(task.classes)}, bootstrap, confidence
        ),
        "confusion": _confusion(predicted, labels, n_classes, bootstrap, confidence),
        "calibration": {
            name: reliability((probability(x, k) for x in logits), labels == k, bootstrap, confidence)
            for k, name in enumerate(task.classes)
        },
        "score": {
            "edges": edges.tolist(),
            "classes": {name: (shapes[k] / (n_seeds * totals[k])).tolist() for k, name in enumerate(task.classes)},
            **(
                {}
                if bootstrap.sample_weights is None and not bootstrap.is_clustered
                else {"errors": {n: (errors[k] / (n_seeds * totals[k])).tolist() for k, n in enumerate(task.classes)}}
            ),
        },
    }


def _confusion(
    predicted: list[np.ndarray], labels: np.ndarray, n_classes: int, bootstrap: Bootstrap, confidence: float
) -> dict[str, list]:
    """predicted: class numbers (n,) of each seed."""
    w, samples = bootstrap.sample_weights, np.bincount(labels, minlength=n_classes)
    totals = np.bincount(labels, w, minlength=n_classes)
    counts = sum(
        np.bincount(labels * n_classes + p, w, minlength=n_classes**2).reshape(n_classes, n_classes) for p in predicted
    )
    fraction = counts / (len(predicted) * totals[:, None])
    sizes = np.broadcast_to(totals[:, None], fraction.shape).astype(np.float64)
    if bootstrap.is_clustered or w is not None:
        for j in range(n_classes):
            as_j = np.zeros(len(labels), np.float32)
            for p in predicted:
                as_j += p == j
            as_j /= len(predicted)
            for k in range(n_classes):
                sizes[k, j] = bootstrap.effective_size(as_j, labels == k)
    low, high = wilson(fraction, sizes, confidence)
    return {"fraction": fraction.tolist(), "low": low.tolist(), "high": high.tolist(), "samples": samples.tolist()}
