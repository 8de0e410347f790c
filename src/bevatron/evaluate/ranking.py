"""How well a score ranks signal above background: area under the ROC curve and background rejection.

Weights are counts of bootstrap draws, a replica a row; samples are sorted once for all replicas.
"""

import numpy as np

from bevatron.evaluate.bootstrap import Bootstrap


class Ranking:
    """Signal and background samples ordered by falling score; equal scores form one step of the curve.

    score (n,), -inf ranks last; signal and background (n,) bool, samples of neither are left out.
    """

    def __init__(self, score: np.ndarray, signal: np.ndarray, background: np.ndarray):
        taken = np.flatnonzero(signal | background)
        score = score[taken].astype(np.float64)
        order = np.argsort(-score, kind="stable")
        self.rows = taken[order]
        self.signal = signal[self.rows].astype(np.float64)
        score = score[order]
        self._last = np.flatnonzero(np.append(score[1:] != score[:-1], True))  # where each step of equal scores ends

    def accepted(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shares of signal and of background at or above each threshold, from 0 to 1: (b, steps + 1) each.

        weights (b, n) in the order of `rows`.
        """
        curves = []
        for part in (weights * self.signal, weights * (1 - self.signal)):
            reached = np.zeros((len(weights), len(self._last) + 1))
            reached[:, 1:] = np.cumsum(part, axis=1)[:, self._last]
            with np.errstate(invalid="ignore", divide="ignore"):  # a replica may hold none of a small class
                curves.append(reached / reached[:, -1:])
        return curves[0], curves[1]

    def auc(self, bootstrap: Bootstrap) -> np.ndarray:
        """P(signal's score > background's) + P(equal) / 2 (Mann and Whitney, Ann. Math. Stat. 18 (1947) 50).

        Returns (replicas + 1,), the first without resampling.
        """

        def area(weights: np.ndarray) -> np.ndarray:
            signal, background = self.accepted(weights)
            return (np.diff(background) * (signal[:, 1:] + signal[:, :-1])).sum(axis=1) / 2

        return bootstrap.over(area, self.rows)

    def rejection(self, bootstrap: Bootstrap, efficiencies: list[float]) -> np.ndarray:
        """1 / (share of background kept) at the highest threshold that keeps the given shares of signal.

        Returns (replicas + 1, efficiencies); inf where no background sample is kept.
        """

        def rejected(weights: np.ndarray) -> np.ndarray:
            signal, background = self.accepted(weights)
            values = np.full((len(weights), len(efficiencies)), np.nan)
            for i, efficiency in enumerate(efficiencies):
                at = (signal >= efficiency - 1e-12).argmax(axis=1)
                with np.errstate(divide="ignore"):
                    values[:, i] = 1.0 / background[np.arange(len(weights)), at]
            values[~np.isfinite(signal[:, -1]) | ~np.isfinite(background[:, -1])] = np.nan
            return values

        return bootstrap.over(rejected, self.rows)

    def background_at(self, efficiencies: np.ndarray) -> np.ndarray:
        """Share of background kept at the given shares of signal, for drawing: the ROC curve on a grid."""
        signal, background = self.accepted(np.ones((1, len(self.rows))))
        at = np.searchsorted(signal[0], efficiencies - 1e-12)
        return background[0, np.minimum(at, background.shape[1] - 1)]
