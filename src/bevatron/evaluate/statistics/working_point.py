"""Cuts of a fixed signal efficiency, and what passes them in bins of a variable."""

from typing import Any

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap, last_of_equals
from bevatron.evaluate.statistics.measurement import wilson

CUTS = ("global", "per_bin")


def cut_at(score: np.ndarray, efficiency: float, weights: np.ndarray | None = None) -> float:
    """The highest threshold at which samples with a score (n,) of at least it have this fraction of all weight.

    NaN without samples, or where their weights add up to nothing. With negative weights it is the first threshold from
    above that reaches the fraction, as in `ranking`.
    """
    return float(cuts_at(score, np.array([efficiency]), weights)[0])


def cuts_at(score: np.ndarray, efficiencies: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """`cut_at` of each of the efficiencies (k,): (k,) float64."""
    order = np.argsort(-score, kind="stable")
    summed = np.cumsum(np.ones(len(score)) if weights is None else weights[order])
    if not len(summed) or not summed[-1] > 0:
        return np.full(len(efficiencies), np.nan)
    falling, total = score[order], summed[-1]
    summed[~last_of_equals(falling)] = -np.inf  # equal scores pass together
    reached = np.maximum.accumulate(summed)
    tolerance = 1e-12 if weights is None else 1e-9
    return falling[np.searchsorted(reached, (efficiencies - tolerance) * total, side="left").clip(max=len(falling) - 1)]


def bin_edges(values: np.ndarray, edges: list[float] | None, n_bins: int) -> np.ndarray:
    """The edges given; or those of up to `n_bins` bins with equal numbers of the finite ones of values (n,)."""
    if edges is not None:
        return np.asarray(edges, np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.array([0.0, 1.0])
    found = np.unique(np.quantile(finite, np.linspace(0.0, 1.0, n_bins + 1)))
    return found if len(found) > 1 else np.array([found[0] - 0.5, found[0] + 0.5])


def bin_numbers(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each value, (n,) int64, -1 outside of all and for NaN; the last bin has its upper edge."""
    with np.errstate(invalid="ignore"):
        inside = (values >= edges[0]) & (values <= edges[-1])
    numbers = np.minimum(np.searchsorted(edges, values, side="right") - 1, len(edges) - 2)
    return np.where(inside, numbers, -1)


def passing(
    scores: list[np.ndarray],
    signal: np.ndarray,
    bins: np.ndarray,
    n_bins: int,
    efficiency: float,
    weights: np.ndarray | None,
) -> dict[str, list[np.ndarray]]:
    """Of each seed which samples pass: (n,) float64, 1 or 0, NaN where no cut exists.

    "global": one cut for all samples; "per_bin": in each bin the cut that keeps the same fraction of its own signal.
    scores: (n,) of each seed; signal (n,) bool.
    """
    passed: dict[str, list[np.ndarray]] = {kind: [] for kind in CUTS}
    for score in scores:
        cut = cut_at(score[signal], efficiency, None if weights is None else weights[signal])
        passed["global"].append(np.full(len(score), np.nan) if np.isnan(cut) else (score >= cut).astype(np.float64))
        cuts = np.full(n_bins + 1, np.nan)  # the last is of the samples outside of all bins
        for k in range(n_bins):
            rows = signal & (bins == k)
            cuts[k] = cut_at(score[rows], efficiency, None if weights is None else weights[rows])
        own = cuts[bins]
        passed["per_bin"].append(np.where(np.isnan(own), np.nan, score >= own))
    return passed


def fractions_in_bins(
    passed: list[np.ndarray], rows: np.ndarray, bins: np.ndarray, n_bins: int, bootstrap: Bootstrap, confidence: float
) -> dict[str, list]:
    """The weight fraction of the samples at `rows` (n,) bool that pass, in each bin.

    "value": mean over the seeds; "low", "high": Wilson's interval of that many independent samples (`effective_size`)
    and the error of the mean over the seeds, added in quadrature; "per_seed" (n_seeds, n_bins). None in a bin without
    samples, or without a cut.
    """
    per_seed, low, high = np.full((len(passed), n_bins), np.nan), np.full(n_bins, np.nan), np.full(n_bins, np.nan)
    share = np.mean(passed, axis=0)
    for k in range(n_bins):
        inside = rows & (bins == k)
        total = bootstrap.total(inside)
        if not total > 0 or np.isnan(share[inside]).any():
            continue
        w = 1.0 if bootstrap.sample_weights is None else bootstrap.sample_weights[inside]
        per_seed[:, k] = [float((w * p[inside]).sum()) / total for p in passed]
        low[k], high[k] = interval(per_seed[:, k], bootstrap.effective_size(np.nan_to_num(share), inside), confidence)
    return {name: plain(a) for name, a in (("value", per_seed.mean(axis=0)), ("low", low), ("high", high),
                                           ("per_seed", per_seed))}  # fmt: skip


def interval(per_seed: np.ndarray, size: float | np.ndarray, confidence: float) -> tuple[Any, Any]:
    """Of fractions (n_seeds, ...), measured on `size` independent samples: the interval of their mean, to which the
    binomial error and that of the mean over the seeds contribute in quadrature.
    """
    mean, n = per_seed.mean(axis=0), len(per_seed)
    low, high = wilson(mean, np.maximum(size, 1e-9), confidence)
    of_seeds = per_seed.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else 0.0
    below, above = np.hypot(np.maximum(mean - low, 0), of_seeds), np.hypot(np.maximum(high - mean, 0), of_seeds)
    return np.maximum(mean - below, 0.0), np.minimum(mean + above, 1.0)


def plain(values: np.ndarray) -> list:
    """For JSON: numbers with seven digits, None for those that do not exist."""
    if values.ndim > 1:
        return [plain(part) for part in values]
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in values]
