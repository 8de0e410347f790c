"""Metrics and confusion matrices of the classes of elements."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.evaluate.auxiliary.sums import BINS, ReplicaWeights, area_under_curve, counts_by_sample, score_bins
from bevatron.evaluate.statistics.classes import log_probabilities
from bevatron.evaluate.statistics.series import Series


@dataclass
class ElementSums:
    """Sums over all elements of the classes that one network predicts, in each bootstrap replica.

    confusion (n_classes, n_classes, replicas + 1): weight of the elements of each true class with each predicted class;
    scores (n_classes, 2, bins, replicas + 1): weight of the elements of other classes, and of the class itself, in bins
    of log(p / (1 - p)), with p the probability of the class; elements (n_classes, n_classes): number of elements of
    each true and predicted class; samples (n_classes,): number of samples with elements of the class.
    """

    confusion: np.ndarray
    scores: np.ndarray
    elements: np.ndarray
    samples: np.ndarray

    @classmethod
    def zero(cls, n_classes: int, n_replicas: int) -> "ElementSums":
        """The sums of no elements."""
        return cls(
            np.zeros((n_classes, n_classes, n_replicas)),
            np.zeros((n_classes, 2, BINS, n_replicas)),
            np.zeros((n_classes, n_classes), np.int64),
            np.zeros(n_classes, np.int64),
        )

    def add(self, logits: np.ndarray, labels: np.ndarray, lengths: np.ndarray, weights: ReplicaWeights) -> None:
        """Adds the elements of lists with these lengths, (n,).

        logits (n_elements, n_classes); labels (n_elements,), below 0 for an element without a class, which is ignored.
        """
        n, k = len(lengths), len(self.elements)
        known = labels >= 0
        sample, labels = np.repeat(np.arange(n), lengths)[known], labels[known].astype(np.int64)
        log_p = log_probabilities(logits[known])
        cell = labels * k + log_p.argmax(axis=1)
        self.elements += np.bincount(cell, minlength=k * k).reshape(k, k)
        present = np.zeros((n, k), bool)
        present[sample, labels] = True
        self.samples += present.sum(axis=0)
        self.confusion += weights.sums(counts_by_sample(sample, cell, n, k * k)).reshape(self.confusion.shape)
        bins = score_bins(_log_odds(log_p))
        own = labels[:, None] == np.arange(k)
        cells = (np.arange(k) * 2 + own) * BINS + bins
        columns = counts_by_sample(np.repeat(sample, k), cells.ravel(), n, 2 * k * BINS)
        self.scores += weights.sums(columns).reshape(self.scores.shape)

    def __add__(self, other: "ElementSums") -> "ElementSums":
        return ElementSums(
            self.confusion + other.confusion,
            self.scores + other.scores,
            self.elements + other.elements,
            self.samples + other.samples,
        )


def _log_odds(log_p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) from log p (n, n_classes); exact also if p rounds to 1, by the sum of the other classes."""
    rows, top, p = np.arange(len(log_p)), log_p.argmax(axis=1), np.exp(log_p)
    p[rows, top] = 0.0
    others = 1.0 - p  # no class but the top one exceeds one half
    others[rows, top] = p.sum(axis=1)
    with np.errstate(divide="ignore"):  # there is one class, or the others are as good as none
        return log_p - np.log(others)


def element_series(of_seeds: list[ElementSums], classes: tuple[str, ...]) -> Series:
    """Every metric by its name.

    accuracy                 fraction of the elements whose class is predicted
    class_accuracy.<class>   fraction of the elements of the class that are predicted to be of it: the efficiency
    purity.<class>           fraction of the elements predicted to be of the class that are of it
    auc.<class>_vs_rest      area under the ROC curve of the class's probability, in bins (`area_under_curve`)

    Elements have the weights of their samples, and replicas draw whole events. For a class without elements in the test
    split the metrics are NaN.
    """
    values: dict[str, list[np.ndarray]] = {}
    with np.errstate(invalid="ignore", divide="ignore"):  # classes that a replica, or all of them, lack
        for sums in of_seeds:
            right = sums.confusion[np.arange(len(classes)), np.arange(len(classes))]
            values.setdefault("accuracy", []).append(right.sum(axis=0) / sums.confusion.sum(axis=(0, 1)))
            for kind, axis in (("class_accuracy", 1), ("purity", 0)):
                for name, of_class in zip(classes, right / sums.confusion.sum(axis=axis), strict=True):
                    values.setdefault(f"{kind}.{name}", []).append(of_class)
            for name, (others, own) in zip(classes, sums.scores, strict=True):
                values.setdefault(f"auc.{name}_vs_rest", []).append(area_under_curve(own, others))
    sizes = {}
    for name, n in zip(classes, of_seeds[0].samples.tolist(), strict=True):
        series = values[f"class_accuracy.{name}"]
        if n and (all(s[0] == 0 for s in series) or all(s[0] == 1 for s in series)):
            sizes[f"class_accuracy.{name}"] = float(n)  # replicas all agree: at least as many are independent
    return Series(values, sizes)


def element_curves(of_seeds: list[ElementSums], classes: tuple[str, ...], confidence: float) -> dict[str, Any]:
    """The confusion matrix: {"fraction": (true, predicted) mean over the seeds, "low", "high": interval of it from the
    test split's size, "samples": elements of each true class}; None in the row of a class without elements.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        fractions = np.mean([s.confusion / s.confusion.sum(axis=1, keepdims=True) for s in of_seeds], axis=0)
    low, high = np.full((2, *fractions.shape[:2]), np.nan)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    for place in np.ndindex(*low.shape):
        replicas = fractions[place][1:]
        if np.isfinite(replicas).any():
            low[place], high[place] = np.nanquantile(replicas, ends)
    return {
        "classes": list(classes),
        "confusion": {
            "fraction": _plain(fractions[..., 0]),
            "low": _plain(low),
            "high": _plain(high),
            "samples": of_seeds[0].elements.sum(axis=1).tolist(),
        },
    }


def _plain(table: np.ndarray) -> list[list[float | None]]:
    return [[float(f"{v:.7g}") if np.isfinite(v) else None for v in row] for row in table]
