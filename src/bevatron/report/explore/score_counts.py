"""Test samples counted by score, true class and best other class: all that a threshold decides, in a bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  (its filters are those of the file)
import numpy as np
from scipy.special import logsumexp

from bevatron.store.files.hdf5 import attribute, dataset_at

ROWS = 1 << 16  # samples in memory at once
SAMPLED = 1 << 17  # scores, from which thresholds are chosen
COUNTED = 1 << 22  # scores of a model that are counted, in a second or two; of more every k-th sample


@dataclass(frozen=True)
class ScoreCounts:
    """Sums of weights over the samples, and means over the seeds; numbers of samples where there are no weights.

    edges: (n_edges,) float64 rising, the thresholds. counts: (n_classes, n_classes, n_edges + 1) float64, by true
    class, by the best class apart from the signal, and by the number of thresholds that the score reaches: a sample
    passes threshold k where score >= edges[k]. n_seeds: trainings over which the mean is. step: of every how many
    samples one is counted.
    """

    edges: np.ndarray
    counts: np.ndarray
    n_seeds: int
    step: int = 1


@dataclass(frozen=True)
class Scored:
    """Which score is cut on: log(p_signal / Σ f_c p_c), f_c = 1 for all other classes unless `fractions` is set.

    signal: class number; fractions: (n_classes,), 0 for the signal; the f_c of a background of stated composition.
    """

    signal: int
    n_classes: int
    fractions: np.ndarray | None = None

    def score(self, logits: np.ndarray) -> np.ndarray:
        """The score of logits (n, n_classes): (n,) float64, clipped to what float32 can hold; NaN becomes the least."""
        logits = logits.astype(np.float64)
        others = np.delete(logits, self.signal, axis=1)
        factors = None if self.fractions is None else np.delete(self.fractions, self.signal)
        with np.errstate(invalid="ignore", divide="ignore"):  # of a class that the network does not know: -inf
            score = logits[:, self.signal] - logsumexp(others, b=factors, axis=1)
        return np.nan_to_num(score, nan=-1e30, neginf=-1e30, posinf=1e30)

    def best_other(self, logits: np.ndarray) -> np.ndarray:
        """The number of the most probable class apart from the signal, (n,)."""
        masked = np.nan_to_num(logits.astype(np.float64), nan=-np.inf, neginf=-1e30)
        masked[:, self.signal] = -np.inf
        return masked.argmax(axis=1)


def count_scores(path: Path, target: str, manifest_sha256: str, scored: Scored, n_edges: int) -> ScoreCounts:
    """Of the predictions in the file `path`, of whose samples a bounded number is in memory at once.

    target: the name of the class numbers. Raises ValueError for predictions of another dataset than that of
    `manifest_sha256`, or with other outputs than one for each class.
    """
    with h5py.File(path, "r", locking=False) as file:
        if attribute(file, "manifest_sha256") != manifest_sha256:
            raise ValueError(f"{path.name} was made from another dataset")
        n_seeds, n, *form = dataset_at(file, "outputs").shape
        if form != [scored.n_classes]:
            raise ValueError(f"{path.name} has outputs of the shape {form}, expected {[scored.n_classes]}")
        edges = _choose_edges(file, target, scored, n_edges)
        step = max(1, -(-n * n_seeds // COUNTED))
        counts = np.zeros(scored.n_classes**2 * (len(edges) + 1))
        for labels, weights, logits in _blocks(file, target, n_seeds, n, step):
            bins = np.searchsorted(edges, scored.score(logits), side="right")
            place = (labels * scored.n_classes + scored.best_other(logits)) * (len(edges) + 1) + bins
            counts += np.bincount(place, weights, minlength=len(counts))
    return ScoreCounts(edges, counts.reshape(scored.n_classes, scored.n_classes, -1) / n_seeds, n_seeds, step)


def _blocks(
    file: h5py.File, target: str, n_seeds: int, n: int, step: int = 1
) -> Iterator[tuple[np.ndarray, np.ndarray | None, np.ndarray]]:
    """Class numbers (m,), weights (m,) or None, and logits (m, n_classes) of each seed's samples, every `step`-th."""
    for start in range(0, n, ROWS):
        rows = slice(start, min(n, start + ROWS))
        every = slice(-start % step, None, step)  # read whole: HDF5 is slow at strides
        labels = np.asarray(dataset_at(file, f"targets/{target}")[rows])[every].astype(np.int64)
        weights = np.asarray(dataset_at(file, "weight")[rows], np.float64)[every] if "weight" in file else None
        for seed in range(n_seeds):
            yield labels, weights, np.asarray(dataset_at(file, "outputs")[seed, rows])[every]


def _choose_edges(file: h5py.File, target: str, scored: Scored, n_edges: int) -> np.ndarray:
    """Thresholds at quantiles: half of them even in the efficiency of the signal, half even in the logarithm of the
    fraction of the background that is kept, down to 10⁻⁴; and 0, which is p = ½ without stated fractions.
    """
    n_seeds, n = dataset_at(file, "outputs").shape[:2]
    step = max(1, -(-n * n_seeds // SAMPLED))
    of_signal, of_others = [], []
    for labels, _, logits in _blocks(file, target, n_seeds, n, step):
        score = scored.score(logits)
        of_signal.append(score[labels == scored.signal])
        of_others.append(score[labels != scored.signal])
    half = max(2, (n_edges - 1) // 2)
    edges = [np.zeros(1)]
    for scores, levels in (
        (np.concatenate(of_signal), np.linspace(0.002, 0.998, half)),
        (np.concatenate(of_others), 1 - np.geomspace(1e-4, 0.9, half)),
    ):
        if len(scores):
            edges.append(np.quantile(scores, levels, method="nearest"))
    return np.unique(np.concatenate(edges))
