"""Names of the pairs of classes that are compared, and the scores that compare them."""

import numpy as np

from bevatron.config.task import Classification


def pairs_of(task: Classification) -> list[tuple[str, str]]:
    """Every pair of classes once: the signal first where it takes part, else the class listed later first."""
    rest = [name for name in task.classes if name != task.signal]
    pairs = [(task.signal, name) for name in rest]
    return pairs + [(later, earlier) for i, earlier in enumerate(rest) for later in rest[i + 1 :]]


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the softmax over the last axis, in double precision: (..., n_classes)."""
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def pair_score(logits: np.ndarray, a: int, b: int) -> np.ndarray:
    """log(p_a / p_b), the best test of class a against b if the outputs are the classes' probabilities."""
    logits = logits.astype(np.float64)
    return logits[..., a] - logits[..., b]


def signal_score(logits: np.ndarray, signal: int) -> np.ndarray:
    """log(p / (1 - p)) of the signal's probability p: the same order as p, where p rounds to 1 too."""
    logits = logits.astype(np.float64)
    return logits[..., signal] - np.logaddexp.reduce(np.delete(logits, signal, axis=-1), axis=-1)
