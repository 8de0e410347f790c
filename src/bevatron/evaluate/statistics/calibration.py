"""Whether predicted probabilities are the frequencies observed."""

from collections.abc import Iterable

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import wilson

BINS = 10
ECE_BINS = 15


def reliability(
    probabilities: Iterable[np.ndarray], observed: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, list]:
    """Points of a reliability diagram, from `BINS` equal bins of the predicted probability.

    probabilities: of each seed (n,), taken one after the other; observed (n,) bool. A bin's counts are means over the
    seeds, since all seeds predict the same samples; its interval is Wilson's, of as many samples as are independent.
    Empty bins are left out. With weights every sum is that of weights, "samples" are the numbers of samples still, and
    bins whose weight is not above zero are left out.
    """
    bins, counts, predicted, hits, samples = [], np.zeros(BINS), np.zeros(BINS), np.zeros(BINS), np.zeros(BINS)
    w = bootstrap.sample_weights
    for p in probabilities:
        b = np.minimum((p * BINS).astype(np.uint8), BINS - 1)
        samples += np.bincount(b, minlength=BINS)
        counts += np.bincount(b, weights=w, minlength=BINS)
        predicted += np.bincount(b, weights=p if w is None else p * w, minlength=BINS)
        hits += np.bincount(b, weights=observed if w is None else observed * w, minlength=BINS)
        bins.append(b)
    full = np.flatnonzero(counts > 0)
    fraction, n = hits[full] / counts[full], samples[full] / len(bins)
    independent = n
    if bootstrap.is_clustered or w is not None:
        inside = (sum((b == k for b in bins), np.zeros(len(observed))) / len(bins) for k in full)
        independent = np.array([bootstrap.effective_size(observed, among) for among in inside])
    low, high = wilson(fraction, independent, confidence)
    return {
        "predicted": (predicted[full] / counts[full]).tolist(),
        "observed": fraction.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "samples": n.tolist(),
    }


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Mean of |accuracy - confidence| over bins of the highest probability (Guo et al. 2017,
    arXiv:1706.04599, eq. 3).

    confidence (n,): the highest probability; right (n,) bool: whether it is the true class's; returns (replicas + 1,).
    Chance alone makes it positive, by about sqrt(bins / n), and a replica's more so than the split's own.
    """

    def in_bins(block: slice) -> np.ndarray:
        top = confidence[block]
        columns = np.zeros((len(top), ECE_BINS + 1))
        columns[np.arange(len(top)), np.minimum((top * ECE_BINS).astype(int), ECE_BINS - 1)] = right[block] - top
        columns[:, ECE_BINS] = 1.0
        return columns

    sums = bootstrap.sums(in_bins)
    with np.errstate(invalid="ignore", divide="ignore"):  # of a handful of samples a replica may draw none
        return np.abs(sums[:, :ECE_BINS]).sum(axis=1) / sums[:, ECE_BINS]
