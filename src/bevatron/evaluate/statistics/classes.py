"""Pairs of classes that are compared, the scores that compare them, and what a network predicts for each sample."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bevatron.config.sections.task import Classification

_ROWS = 1 << 16  # samples whose probabilities are in memory at once


@dataclass(frozen=True)
class ClassPredictions:
    """What one network predicts for each sample: the class number (n,) int16, the probability of that class
    (n,) float64, and -log of the true class's probability (n,) float64.
    """

    predicted: np.ndarray
    confidence: np.ndarray
    log_loss: np.ndarray

    @classmethod
    def of(cls, logits: np.ndarray, labels: np.ndarray) -> "ClassPredictions":
        """From logits (n, n_classes); labels (n,): the true class numbers."""
        n = len(labels)
        predictions = cls(np.empty(n, np.int16), np.empty(n), np.empty(n))
        for rows, log_p in _log_probabilities(logits):
            predictions.predicted[rows] = log_p.argmax(axis=1)
            predictions.confidence[rows] = np.exp(log_p.max(axis=1))
            predictions.log_loss[rows] = -log_p[np.arange(len(log_p)), labels[rows]]
        return predictions


def probability(logits: np.ndarray, number: int) -> np.ndarray:
    """The probability of one class: (n,) float64."""
    probabilities = np.empty(len(logits))
    for rows, log_p in _log_probabilities(logits):
        probabilities[rows] = np.exp(log_p[:, number])
    return probabilities


def _log_probabilities(logits: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(logits), _ROWS):
        rows = slice(start, start + _ROWS)
        yield rows, log_probabilities(logits[rows])


def pairs_of(task: Classification) -> list[tuple[str, str]]:
    """Every pair of classes once: the signal first where it takes part, else the class listed later first."""
    others = [name for name in task.classes if name != task.signal]
    pairs = [(task.signal, name) for name in others]
    return pairs + [(later, earlier) for i, earlier in enumerate(others) for later in others[i + 1 :]]


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the softmax over the last axis, in double precision: (..., n_classes)."""
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def pair_score(logits: np.ndarray, a: int, b: int) -> np.ndarray:
    """log(p_a / p_b), the best test of class a against b if the outputs are the classes' probabilities."""
    return logits[..., a].astype(np.float64) - logits[..., b]


def signal_score(logits: np.ndarray, signal: int) -> np.ndarray:
    """log(p / (1 - p)) of the signal's probability p: the same order as p, where p rounds to 1 too."""
    score = np.empty(logits.shape[:-1])
    for start in range(0, len(logits), _ROWS):
        part = logits[start : start + _ROWS].astype(np.float64)
        others = np.logaddexp.reduce(np.delete(part, signal, axis=-1), axis=-1)
        score[start : start + _ROWS] = part[..., signal] - others
    return score


def discriminant_score(logits: np.ndarray, classes: list[str], signal: str, fractions: dict[str, float]) -> np.ndarray:
    """log(p_signal / Σ f_c p_c) from logits (n, n_classes): (n,) float64, finite also where probabilities round to 0.

    fractions: f_c by class, none of them 0.
    """
    numbers = [classes.index(name) for name in fractions]
    logs = np.log(np.array(list(fractions.values())))
    score = np.empty(len(logits))
    for start in range(0, len(logits), _ROWS):
        part = logits[start : start + _ROWS].astype(np.float64)
        below = np.logaddexp.reduce(part[:, numbers] + logs, axis=1)
        score[start : start + _ROWS] = part[:, classes.index(signal)] - below
    return score


def tagging_score(task: Classification, logits: np.ndarray) -> np.ndarray:
    """What ranks the task's signal above its backgrounds, (n,): the signal's probability. If the task states the
    background's composition, the likelihood ratio to it, where the network has learned from equal numbers of each.
    """
    fractions = task.normalised_fractions()
    if fractions is None:
        return signal_score(logits, task.classes.index(task.signal))
    return discriminant_score(logits, task.classes, task.signal, fractions)
