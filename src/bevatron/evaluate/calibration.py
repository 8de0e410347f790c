"""Whether predicted probabilities are the frequencies observed."""

import numpy as np

from bevatron.evaluate.bootstrap import Bootstrap
from bevatron.evaluate.measurement import wilson

BINS = 10
ECE_BINS = 15


def reliability(probability: np.ndarray, observed: np.ndarray, confidence: float) -> dict[str, list]:
    """Points of a reliability diagram, from `BINS` equal bins of the predicted probability.

    probability (n_seeds, n), observed (n,) bool. A bin's counts are means over the seeds, since all seeds
    predict the same samples; its interval is Wilson's. Empty bins are left out.
    """
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    counts, predicted, hits = np.zeros(BINS), np.zeros(BINS), np.zeros(BINS)
    for p, b in zip(probability, bins, strict=True):
        counts += np.bincount(b, minlength=BINS)
        predicted += np.bincount(b, weights=p, minlength=BINS)
        hits += np.bincount(b, weights=observed, minlength=BINS)
    full = counts > 0
    share, n = hits[full] / counts[full], counts[full] / len(probability)
    low, high = wilson(share, n, confidence)
    return {
        "predicted": (predicted[full] / counts[full]).tolist(),
        "observed": share.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "samples": n.tolist(),
    }


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Mean of |accuracy - confidence| over bins of the highest probability (Guo et al. 2017,
    arXiv:1706.04599, eq. 3).

    probabilities (n, n_classes), labels (n,); returns (replicas + 1,). Chance alone makes it positive, by
    about sqrt(bins / n), and a replica's more so than the split's own.
    """
    top = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    bins = np.minimum((top * ECE_BINS).astype(int), ECE_BINS - 1)
    member = np.zeros((len(top), ECE_BINS))
    member[np.arange(len(top)), bins] = right - top

    def error(weights: np.ndarray) -> np.ndarray:
        return np.abs(weights @ member).sum(axis=1) / weights.sum(axis=1)

    return bootstrap.over(error)
