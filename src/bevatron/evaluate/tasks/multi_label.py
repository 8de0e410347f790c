"""Metrics and curves of labels that do not exclude one another, on the test split."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import MultiLabel
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.calibration import expected_calibration_error, reliability
from bevatron.evaluate.statistics.label_precision import label_average_precision
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.statistics.series import Series, Together, join_series, measure_series
from bevatron.store.shards.contract import TargetInfo

ROC_GRID = np.round(np.linspace(0.0, 1.0, 101), 4)
SCORE_EDGES = np.linspace(0.0, 1.0, 41)


@evaluation("multi_label")
class MultiLabelEvaluation:
    """How well each label is told, whether its probability is a frequency, and how often all labels are right."""

    def targets(self, task: MultiLabel, model: Model) -> list[str]:
        """As the interface says: the target of the labels."""
        return [task.target]

    def outputs(self, task: MultiLabel, target: TargetInfo) -> tuple[int, ...]:
        """As the interface says: a logit for each label."""
        return (target.n_numbers,)

    def metrics(
        self, task: MultiLabel, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Those of `multi_label_metrics` and `multi_label_curves`."""
        names, labels = context.target_info.names, predictions.targets[context.target] != 0
        if unknown := [label for label in task.thresholds if label not in names]:
            what = f"there is no label '{unknown[0]}' in the target '{context.target}'"
            raise UserError("task.thresholds", what, f"it has: {', '.join(names)}")
        arguments = task, names, predictions.outputs, labels, bootstrap, context.confidence
        return multi_label_metrics(*arguments), multi_label_curves(*arguments)


def multi_label_metrics(
    task: MultiLabel,
    names: tuple[str, ...],
    logits: np.ndarray,
    labels: np.ndarray,
    bootstrap: Bootstrap,
    confidence: float,
) -> dict[str, Measurement]:
    """Every metric by its name; logits (n_seeds, n, n_labels), labels (n, n_labels) bool.

    Of each label, as `<metric>.<label>`, those of `_label_series`, and of all together:

    auc, average_precision, log_loss, brier, ece    mean over the labels
    hamming_loss                                    fraction of wrong answers among all samples and labels
    subset_accuracy                                 fraction of the samples all of whose labels are right
    """
    thresholds = thresholds_of(task, names)
    of_labels = {
        name: _label_series(logits[:, :, k], labels[:, k], thresholds[k], bootstrap) for k, name in enumerate(names)
    }
    means: dict[str, Together] = dict.fromkeys(("auc", "average_precision", "log_loss", "brier", "ece"), "mean")
    right = [(x >= _logit(thresholds)) == labels for x in logits]
    whole = [r.all(axis=1) for r in right]
    of_seeds = [bootstrap.mean(np.stack([1.0 - r.mean(axis=1), w], axis=1)) for r, w in zip(right, whole, strict=True)]
    size = bootstrap.effective_size(np.mean(whole, axis=0))
    together = Series(
        {"hamming_loss": [s[:, 0] for s in of_seeds], "subset_accuracy": [s[:, 1] for s in of_seeds]},
        {"subset_accuracy": size},
    )
    return measure_series(together | join_series(of_labels, means), confidence)


def _label_series(logits: np.ndarray, labels: np.ndarray, threshold: float, bootstrap: Bootstrap) -> Series:
    """Of one label by its name; logits (n_seeds, n), labels (n,) bool.

    auc                  P(a sample with the label has the higher score) + P(equal) / 2
    average_precision    precision averaged over the recall (`label_average_precision`)
    log_loss             binary cross entropy, nats
    brier                mean square of probability - label (G. Brier, Mon. Weather Rev. 78 (1950) 1)
    ece                  mean of |frequency - probability| over bins of the probability
    accuracy             fraction of right answers at the label's threshold
    precision, recall    of the samples said to have the label those that do; of those that have it those said to
    """
    series: dict[str, list[np.ndarray]] = {}
    right_share = np.zeros(len(labels))
    for x in logits.astype(np.float64):
        ranking, p, said = Ranking(x, labels, ~labels), sigmoid(x), x >= _logit(threshold)
        right = said == labels
        right_share += right / len(logits)
        log_loss = np.logaddexp(0.0, np.where(labels, -x, x))
        means = bootstrap.mean(
            np.column_stack([log_loss, (p - labels) ** 2, right, said & labels, said, labels]).astype(np.float64)
        ).T
        with np.errstate(invalid="ignore", divide="ignore"):  # no sample is said to have the label, or has it
            precision, recall = means[3] / means[4], means[3] / means[5]
        of_seed = {
            "auc": ranking.auc(bootstrap),
            "average_precision": label_average_precision(ranking, bootstrap),
            "log_loss": means[0],
            "brier": means[1],
            "ece": expected_calibration_error(p, labels, bootstrap),
            "accuracy": means[2],
            "precision": precision,
            "recall": recall,
        }
        for name, values in of_seed.items():
            series.setdefault(name, []).append(values)
    return Series(series, {"accuracy": bootstrap.effective_size(right_share)})


def multi_label_curves(
    task: MultiLabel,
    names: tuple[str, ...],
    logits: np.ndarray,
    labels: np.ndarray,
    bootstrap: Bootstrap,
    confidence: float,
) -> dict[str, Any]:
    """What the plots need, by label.

    roc          {"efficiency": grid, "labels": {label: fraction kept of the samples without it (n_seeds, grid)}}
    calibration  {label: points of its reliability diagram}
    score        {"edges", "labels": {label: {"with", "without": fraction of those samples in each bin of the label's
                 probability}}}
    thresholds   {label: probability from which on it is said}
    samples      {label: samples that have it}
    """
    kept, calibration, score = {}, {}, {}
    for k, name in enumerate(names):
        of_label, x = labels[:, k], logits[:, :, k].astype(np.float64)
        if of_label.any() and not of_label.all():
            kept[name] = [
                _numbers(Ranking(s, of_label, ~of_label).background_at(ROC_GRID, bootstrap.sample_weights)) for s in x
            ]
        calibration[name] = reliability((sigmoid(s) for s in x), of_label, bootstrap, confidence)
        score[name] = {
            word: _numbers(np.mean([_shape(sigmoid(s), rows, bootstrap) for s in x], axis=0))
            for word, rows in (("with", of_label), ("without", ~of_label))
        }
    return {
        "roc": {"efficiency": ROC_GRID.tolist(), "labels": kept},
        "calibration": calibration,
        "score": {"edges": SCORE_EDGES.tolist(), "labels": score},
        "thresholds": dict(zip(names, thresholds_of(task, names).tolist(), strict=True)),
        "samples": dict(zip(names, labels.sum(axis=0).tolist(), strict=True)),
    }


def _shape(p: np.ndarray, rows: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Fraction of the samples at `rows` (n,) bool in each bin of the probability; NaN where there are none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return bootstrap.histogram(p, SCORE_EDGES, rows)[0] / bootstrap.total(rows)


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in values]


def thresholds_of(task: MultiLabel, names: tuple[str, ...]) -> np.ndarray:
    """The probability from which on each label is said, (n_labels,)."""
    return np.array([task.thresholds.get(name, task.threshold) for name in names])


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Probabilities of logits, without overflow."""
    return np.exp(-np.logaddexp(0.0, -x))


def _logit(p: np.ndarray | float) -> np.ndarray:
    """ln(p / (1 - p)); -inf of 0 and inf of 1."""
    with np.errstate(divide="ignore"):
        return np.log(p) - np.log1p(-np.asarray(p))
