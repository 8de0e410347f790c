"""Curves of the background kept against the signal kept, with their intervals."""

from typing import Any

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.statistics.working_point import cuts_at, interval, plain

ROC_GRID = np.round(np.linspace(0.20, 1.0, 81), 4)


def roc_curve(
    signal: str,
    scores: list[np.ndarray],
    of_class: dict[str, np.ndarray],
    bootstrap: Bootstrap,
    confidence: float,
) -> dict[str, Any]:
    """{"efficiency": grid, "backgrounds": {class: fraction of it kept (n_seeds, grid)}, "low", "high": {class: interval
    of the seeds' mean (grid,)}, "samples": {class: n}}; fractions are those of the samples' weights.

    The interval is that of as many independent samples of the background (`effective_size`), as those of an event are
    not.
    """
    kept, low, high = {}, {}, {}
    own = of_class[signal]
    w = bootstrap.sample_weights
    cuts = [cuts_at(score[own], ROC_GRID, None if w is None else w[own]) for score in scores]
    for name, rows in of_class.items():
        if name == signal:
            continue
        of_seeds = np.array([
            Ranking(score, of_class[signal], rows).background_at(ROC_GRID, bootstrap.sample_weights) for score in scores
        ])  # fmt: skip
        kept[name] = of_seeds.tolist()
        ends = interval(of_seeds, _sizes(scores, cuts, rows, bootstrap), confidence)
        low[name], high[name] = (plain(end) for end in ends)
    samples = {name: int(rows.sum()) for name, rows in of_class.items()}
    return {"efficiency": ROC_GRID.tolist(), "backgrounds": kept, "low": low, "high": high, "samples": samples}


def _sizes(
    scores: list[np.ndarray], cuts: list[np.ndarray], rows: np.ndarray, bootstrap: Bootstrap
) -> float | np.ndarray:
    """How many independent samples would tell the fractions of the samples at `rows` that pass the cuts of each seed,
    (grid,) each, as well; one number where each sample is an event of its own.
    """
    if not bootstrap.is_clustered:
        return _kish(bootstrap, rows)
    sizes = np.empty(len(ROC_GRID))
    for k in range(len(ROC_GRID)):
        passed = sum((score >= cut[k] for score, cut in zip(scores, cuts, strict=True)), np.zeros(len(rows)))
        sizes[k] = bootstrap.effective_size(passed / len(scores), rows)
    return sizes


def _kish(bootstrap: Bootstrap, rows: np.ndarray) -> float:
    """(Σ w)² / Σ w² of the samples at `rows`: their number without weights."""
    if bootstrap.sample_weights is None:
        return float(rows.sum())
    w = bootstrap.sample_weights[rows]
    return float(w.sum() ** 2 / max(float(w @ w), 1e-300))
