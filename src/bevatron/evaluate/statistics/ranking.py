"""How well a score ranks signal above background: area under the ROC curve and background rejection.

Samples are sorted once for all replicas, and a replica's weights are summed in that order, so every number is exact.

Weights may be negative. The area is then still the mean over all pairs of a signal and a background sample, each pair
weighing the product of both weights; it need not lie in [0, 1]. A cut that keeps a fraction of the signal is the
highest threshold at which the summed weight of the signal above it reaches that fraction, though it may fall below it
again further down; what is kept of the background at that cut may be negative, and so may its rejection.
"""

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap, last_of_equals, precision


class Ranking:
    """Signal and background samples ordered by falling score; equal scores form one step of the curve.

    score (n,), -inf ranks last; signal and background (n,) bool, samples of neither are left out.
    """

    def __init__(self, score: np.ndarray, signal: np.ndarray, background: np.ndarray):
        n_signal, index = np.count_nonzero(signal), np.int32 if len(score) < 2**31 else np.int64
        taken = np.concatenate([np.flatnonzero(part).astype(index) for part in (signal, background)])
        falling = score[taken].astype(np.float64)
        np.negative(falling, out=falling)
        order = np.argsort(falling, kind="stable")  # within a step, signal goes first
        self.rows, self.signal, self.falling = taken[order], order < n_signal, falling[order]

    def auc(self, bootstrap: Bootstrap) -> np.ndarray:
        """P(signal's score > background's) + P(equal) / 2 (Mann and Whitney, Ann. Math. Stat. 18 (1947) 50).

        Returns (replicas + 1,), the first without resampling.
        """
        twice, above, below = np.zeros((3, bootstrap.replicas + 1))  # above, below: signal and background so far
        above_step = above  # signal above the step in which the block before ended
        for block, weights in bootstrap.blocks(self.rows):
            signal, new = self.signal[block], self._begins_step(block)
            kind = precision(weights)
            background = weights[~signal].astype(kind, copy=False)
            within = np.zeros((signal.sum() + 1, weights.shape[1]), kind)
            np.cumsum(weights[signal], axis=0, dtype=kind, out=within[1:])
            before = np.concatenate([[0], np.cumsum(signal)])  # signal samples of the block before each place
            step = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))  # where each sample's step begins
            to_step_end, to_step = before[:-1][~signal], before[step][~signal]
            ties = not np.array_equal(to_step_end, to_step)
            counted = within[to_step_end] + within[to_step] if ties else 2 * within[to_step_end]
            all_background = block_sum(background)
            twice += np.einsum("br,br->r", background, counted) + 2 * above * all_background
            if not new[0]:  # the block goes on with a step that has begun before it
                remainder = int((~signal[: new.argmax() if new.any() else len(new)]).sum())
                twice += (above_step - above) * block_sum(background[:remainder])
            if new.any():
                above_step = above + within[before[step[-1]]]
            above = above + within[-1]
            below += all_background
        with np.errstate(invalid="ignore", divide="ignore"):  # a replica may hold none of a small class
            return np.where((above > 0) & (below > 0), twice / (2 * above * below), np.nan)

    def rejection(self, bootstrap: Bootstrap, efficiencies: list[float]) -> np.ndarray:
        """1 / (fraction of background kept) at the highest threshold that keeps the given fractions of signal, of
        samples with weights the fractions of their weight.

        Returns (replicas + 1, efficiencies); inf where no background sample is kept.
        """
        signal, background = self.rows[self.signal], self.rows[~self.signal]
        of_signal, of_background = bootstrap.totals(signal)[:, None], bootstrap.totals(background)[:, None]
        targets = of_signal * (np.array(efficiencies) - max(1e-12, bootstrap.tolerance))
        at = bootstrap.first_reaching(signal, targets, last_of_equals(self.falling[self.signal]))
        background_above = bootstrap.weight_up_to(background, self._count_background(at))
        with np.errstate(invalid="ignore", divide="ignore"):  # a replica may hold none of a small class
            return np.where((of_signal > 0) & (of_background > 0), of_background / background_above, np.nan)

    def background_at(self, efficiencies: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Fraction of background kept at the given fractions of signal, for drawing: the ROC curve on a grid.

        weights: of the samples in the order in which the scores were given, or None.
        """
        if weights is not None:
            return self._weight_at(efficiencies, weights[self.rows])
        n_signal = int(self.signal.sum())
        at = np.ceil((efficiencies - 1e-12) * n_signal).astype(int) - 1
        return np.where(at >= 0, self._count_background(np.maximum(at, 0)), 0) / (len(self.signal) - n_signal)

    def _weight_at(self, efficiencies: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """`background_at` of samples with `weights` in falling order of the score; 0 where nothing is kept."""
        signal, background = np.cumsum(weights[self.signal]), np.cumsum(weights[~self.signal])
        if not len(signal) or not len(background) or signal[-1] <= 0 or background[-1] == 0:
            return np.full(len(efficiencies), np.nan)
        cuts = np.flatnonzero(last_of_equals(self.falling[self.signal]))
        reached = np.maximum.accumulate(signal[cuts])  # so that the first cut that reaches a fraction can be looked up
        targets = (efficiencies - 1e-9) * signal[-1]
        at = cuts[np.minimum(np.searchsorted(reached, targets, side="left"), len(cuts) - 1)]
        kept = np.concatenate([[0.0], background])[self._count_background(at)]
        return np.where(targets > 0, kept, 0.0) / background[-1]

    def _count_background(self, at: np.ndarray) -> np.ndarray:
        """How many background samples have the score of the `at`-th signal sample or a higher one."""
        signal, background = self.falling[self.signal], self.falling[~self.signal]
        if not len(signal):
            return np.zeros_like(at)
        return np.searchsorted(background, signal[np.minimum(at, len(signal) - 1)], side="right")

    def _begins_step(self, block: slice) -> np.ndarray:
        """Whether a step begins at each of some places."""
        falling = self.falling[max(block.start - 1, 0) : block.stop]
        new = falling[1:] != falling[:-1]
        return new if block.start else np.concatenate([[True], new])


def block_sum(weights: np.ndarray) -> np.ndarray:
    """Over the samples of a block (m, replicas + 1) float32 or float64: (replicas + 1,) float64."""
    return (np.ones(len(weights), weights.dtype) @ weights).astype(np.float64)
