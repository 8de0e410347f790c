"""Bootstrap replicas of the test split, the same ones for every seed, model and observable of a dataset."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from bevatron.config.loading.digest import seed_of
from bevatron.evaluate.statistics.draws import draws, keys_of

Statistic = Callable[[np.ndarray], np.ndarray]
"""Weights (b, n) float64, a replica a row, to the statistic's value in each: (b,)."""

_CHUNK = 4_000_000  # weights made floating point at once: 32 MB
_BLOCK = 1_024  # samples whose weights are made at once; sums of their products are exact in float32
_PRODUCT = 128  # of them in one matrix product: small enough for the cache, and for BLAS to start no threads


class Bootstrap:
    """The Poisson bootstrap over events: in each replica each event is drawn Poisson(1) times, with all its samples.

    Samples of one event are not independent, so the event is what is drawn (a block bootstrap). Independent draws for
    each event instead of n draws of n (Efron, Ann. Statist. 7 (1979) 1) give the same errors but for terms of 1/n
    (J. Hanley and B. MacGibbon, Comput. Methods Programs Biomed. 83 (2006) 57; N. Chamandy et al., Google 2012), and no
    replica has to be stored: a draw is a hash of the event's number, the replica's, and the dataset's manifest. Two
    models measured on one dataset share their replicas, and the error of their difference counts the common samples'
    fluctuations once.

    A replica is the vector of how often each sample was drawn, so that statistics are weighted sums and samples are
    sorted once for all replicas. "Replica" 0 is the test split itself: every sample was drawn once.

    Samples with weights of their own enter each sum as often as they were drawn, times their weight. Weights may be
    negative: a mean is then still Σ w x / Σ w, and may lie outside of the values' range. All statistics stay as they
    are when all weights are multiplied by one number.

    events: (n,) the number of each sample's event; ids, where every sample is an event of its own. sample_weights:
    (n,), or None where all samples count alike.
    """

    def __init__(
        self, events: np.ndarray, replicas: int, manifest_sha256: str, sample_weights: np.ndarray | None = None
    ):
        self.events, self.replicas = np.asarray(events).astype(np.uint64, copy=False), replicas
        self.sample_weights = None if sample_weights is None else np.asarray(sample_weights, np.float64)
        self._seed = seed_of("bootstrap", manifest_sha256)

    def __len__(self) -> int:
        return len(self.events)

    def subset(self, rows: np.ndarray) -> "Bootstrap":
        """The same replicas of the samples at `rows` (integers) alone."""
        weights = None if self.sample_weights is None else self.sample_weights[rows]
        of_rows = Bootstrap(self.events[rows], self.replicas, "", weights)
        of_rows._seed = self._seed
        return of_rows

    @property
    def is_clustered(self) -> bool:
        """Whether some event has several samples."""
        return self._event is not None

    @cached_property
    def n_events(self) -> int:
        """Number of independent events."""
        return len(self) if self._event is None else int(self._event.max()) + 1

    @cached_property
    def has_negative(self) -> bool:
        """Whether some sample's weight is negative, so that sums over more samples need not be larger."""
        return self.sample_weights is not None and bool((self.sample_weights < 0).any())

    @property
    def tolerance(self) -> float:
        """By what fraction of itself a sum of weights may miss a threshold: their rounding, none of counts."""
        return 0.0 if self.sample_weights is None else 1e-9

    @property
    def effective_samples(self) -> float | None:
        """(Σ w)² / Σ w² of all samples; None without weights."""
        w = self.sample_weights
        return None if w is None else float(f"{w.sum() ** 2 / max(float(w @ w), 1e-300):.10g}")

    def histogram(self, values: np.ndarray, edges: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight of the samples at `rows` (bool or numbers) in each bin, and its error: (bins,) float64.

        The error is sqrt(Σ w²) over the events, w being the weight of all samples of an event in the bin together:
        sqrt(N) where each sample is an event of its own and has no weight.
        """
        weights = None if self.sample_weights is None else self.sample_weights[rows]
        values = values[rows]
        content = np.histogram(values, edges, weights=weights)[0].astype(np.float64)
        if self._event is not None:
            return content, np.sqrt(_squares_by_event(values, edges, self._event[rows], weights))
        squares = content if weights is None else np.histogram(values, edges, weights=weights**2)[0]
        return content, np.sqrt(squares)

    def total(self, rows: np.ndarray) -> float:
        """Weight of the samples at `rows` (bool or numbers) of the split itself."""
        if self.sample_weights is not None:
            return float(self.sample_weights[rows].sum())
        return float(np.count_nonzero(rows) if rows.dtype == bool else len(rows))

    def weights(self, rows: np.ndarray | slice = np.s_[:], first: int = 0, last: int | None = None) -> np.ndarray:
        """How often replicas `first` to `last` - 1 draw the samples at `rows`: (rows, last - first) uint8; times the
        samples' weights float64, where they have any.
        """
        counts = self._counts(rows, first, last)
        return counts if self.sample_weights is None else counts * self.sample_weights[rows][:, None]

    def _counts(self, rows: np.ndarray | slice, first: int, last: int | None) -> np.ndarray:
        last = self.replicas + 1 if last is None else last
        keys = keys_of(self.events[rows], self._seed)
        counts = draws(keys, max(first - 1, 0), last - 1)
        return counts if first else np.concatenate([np.ones((len(keys), 1), np.uint8), counts], axis=1)

    def blocks(self, rows: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """A few samples after the other, in the order of `rows`: their places in it, and their weights in all replicas,
        (block, replicas + 1) uint8 or float64.
        """
        n = len(self) if rows is None else len(rows)
        for start in range(0, n, _BLOCK):
            block = slice(start, min(start + _BLOCK, n))
            yield block, self.weights(block if rows is None else rows[block])

    def over(self, statistic: Statistic, rows: np.ndarray | None = None) -> np.ndarray:
        """Any statistic on the split itself and on each replica: (replicas + 1, ...).

        `rows` picks, and may reorder, the samples whose weights the statistic gets. For samples that fit into memory
        32 times; sums, means, medians and rankings do without.
        """
        width = len(self) if rows is None else len(rows)
        step = max(1, _CHUNK // max(1, width))
        parts = []
        for first in range(0, self.replicas + 1, step):
            weights = self.weights(np.s_[:] if rows is None else rows, first, min(first + step, self.replicas + 1))
            parts.append(statistic(np.ascontiguousarray(weights.T, np.float64)))
        return np.concatenate(parts)

    def sums(self, columns: Callable[[slice], np.ndarray], rows: np.ndarray | None = None) -> np.ndarray:
        """Weighted sums over `rows` of the columns that `columns` makes for some places in them: a slice to (m, k);
        returns (replicas + 1, k) float64.
        """
        total: np.ndarray = np.zeros(())
        for block, weights in self.blocks(rows):
            made = columns(block)
            for start in range(0, len(made), _PRODUCT):
                part = slice(start, start + _PRODUCT)
                total = total + weights[part].astype(np.float64).T @ made[part]
        return total

    def totals(self, rows: np.ndarray) -> np.ndarray:
        """Weight of `rows`: (replicas + 1,) float64."""
        return sum((block_total(weights) for _, weights in self.blocks(rows)), np.zeros(self.replicas + 1))

    def mean(self, values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Mean of values (n,) or (n, k), over `rows` where given: (replicas + 1,) or (replicas + 1, k)."""

        def with_ones(block: slice) -> np.ndarray:
            part = values[block if rows is None else rows[block]].reshape(block.stop - block.start, -1)
            return np.concatenate([part, np.ones((len(part), 1))], axis=1)

        if not (len(self) if rows is None else len(rows)):
            return np.full((self.replicas + 1, *values.shape[1:]), np.nan)
        sums = self.sums(with_ones, rows)
        with np.errstate(invalid="ignore", divide="ignore"):  # a replica may miss a small class altogether
            means = sums[:, :-1] / sums[:, -1:]
        return means[:, 0] if values.ndim == 1 else means

    def median(self, values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Median of values (n,): the least value up to which half of the weight is reached; (replicas + 1,)."""
        rows = np.arange(len(values)) if rows is None else rows
        rows = rows[np.argsort(values[rows], kind="stable")]
        total = self.totals(rows)
        half = self.first_reaching(rows, total[:, None] * (0.5 - self.tolerance), last_of_equals(values[rows]))[:, 0]
        return np.where(total > 0, values[rows[np.minimum(half, len(rows) - 1)]], np.nan)

    def first_reaching(self, rows: np.ndarray, threshold: np.ndarray, ends: np.ndarray | None = None) -> np.ndarray:
        """The first place in `rows` where the weight summed from the first row on is at least the threshold.

        threshold (replicas + 1, k); returns (replicas + 1, k) int64, len(rows) where it is never reached. ends (n,)
        bool: the places that may be the answer where weights are negative, as a sum may then fall again before a cut
        between two rows is possible.
        """
        places = np.full(threshold.shape, len(rows))
        before, missing = np.zeros(self.replicas + 1), np.ones(threshold.shape, bool)
        for block, weights in self.blocks(rows):
            after = before + block_total(weights)
            if self.has_negative:
                summed = before + np.cumsum(weights, axis=0)
                if ends is not None:
                    summed[~ends[block]] = -np.inf
                now = missing & (summed.max(axis=0)[:, None] >= threshold)
            else:
                summed, now = None, missing & (after[:, None] >= threshold)
            for k in np.flatnonzero(now.any(axis=0)):
                which = np.flatnonzero(now[:, k])
                if summed is None:
                    here = before[which] + np.cumsum(weights[:, which], axis=0, dtype=np.float64)
                else:
                    here = summed[:, which]
                reached = here >= threshold[which, k]
                # A sum of floating-point weights may fall short of its block's total by rounding.
                places[which, k] = block.start + np.where(reached.any(axis=0), reached.argmax(axis=0), len(here) - 1)
            missing &= ~now
            if not missing.any():
                break
            before = after
        return places

    def weight_up_to(self, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Weight of the first `places` (replicas + 1, k) of the rows: (replicas + 1, k) float64."""
        summed_weights = np.zeros(places.shape)
        before, last = np.zeros(self.replicas + 1), places.max(initial=0)
        for block, weights in self.blocks(rows):
            if block.start >= last:
                break
            now = (places > block.start) & (places <= block.stop)
            for k in np.flatnonzero(now.any(axis=0)):
                which = np.flatnonzero(now[:, k])
                summed = np.cumsum(weights[:, which], axis=0, dtype=np.float64)
                summed_weights[which, k] = (
                    before[which] + summed[places[which, k] - block.start - 1, np.arange(len(which))]
                )
            before = before + block_total(weights)
        return summed_weights

    def effective_size(self, value: np.ndarray, among: np.ndarray | None = None) -> float:
        """How many independent samples would tell a fraction as well as these, of which some are of one event.

        value (n,) in [0, 1], whose mean is the fraction; among (n,) in [0, 1]: how much each sample counts, all alike
        where it is not given. The number of samples over the design effect, which is the variance of the sum by event
        over that of independent samples (E. Korn and B. Graubard, Survey Methodology 24 (1998) 193), and not below 1.
        Where all samples are alike, so that no variance is seen, the samples of an event count as one. Without events
        of several samples it is the number of samples. With weights it is (Σ w)² / Σ w² (L. Kish, Survey Sampling,
        1965) in the place of the number of samples.
        """
        among = np.ones(len(self)) if among is None else np.asarray(among, np.float64)
        if self.sample_weights is not None:
            return self._effective_weight(value, among * self.sample_weights, among * self.sample_weights**2)
        size = float(among.sum())
        if self._event is None or size == 0:
            return size
        in_event = np.bincount(self._event, among)
        n_events = np.count_nonzero(in_event)
        away = value - (among @ value) / size
        away *= among
        square = float(away @ away)
        if square <= 1e-12 * size or n_events < 2:
            return size / max(1.0, float(in_event @ in_event) / float(among @ among))
        of_events = np.bincount(self._event, away)
        effect = float(of_events @ of_events) / square * n_events / (n_events - 1)
        return size / max(1.0, effect)

    def _effective_weight(self, value: np.ndarray, weights: np.ndarray, squares: np.ndarray) -> float:
        """`effective_size` of samples that count by `weights`, whose squares (times how much each is among them) are
        `squares`: (n,) each.
        """
        total, square = float(weights.sum()), float(squares.sum())
        if total <= 0 or square <= 0:
            return 0.0
        size = total**2 / square
        if self._event is None:
            return size
        in_event = np.bincount(self._event, weights)
        n_events = np.count_nonzero(np.bincount(self._event, squares))
        away = (value - (weights @ value) / total) * weights
        independent = float(away @ away)
        if independent <= 1e-12 * square or n_events < 2:
            return size / max(1.0, float(in_event @ in_event) / float(weights @ weights))
        of_events = np.bincount(self._event, away)
        return size / max(1.0, float(of_events @ of_events) / independent * n_events / (n_events - 1))

    @cached_property
    def _event(self) -> np.ndarray | None:
        """The event of each sample, counted from 0: (n,); None where no event has several samples."""
        events = self.events
        if (events[1:] >= events[:-1]).all():
            new = events[1:] != events[:-1]
            return None if new.all() else np.concatenate([[0], np.cumsum(new)]).astype(np.int32)
        index = np.unique(events, return_inverse=True)[1]
        return None if index.max() + 1 == len(events) else index.astype(np.int32)


def _squares_by_event(
    values: np.ndarray, edges: np.ndarray, event: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """Of each bin the sum over the events (n,) of the square of what they have in it, (bins,) float64."""
    with np.errstate(invalid="ignore"):  # NaN is in no bin
        inside = (values >= edges[0]) & (values <= edges[-1])
    n_bins = len(edges) - 1
    bins = np.minimum(np.searchsorted(edges, values[inside], side="right") - 1, n_bins - 1)
    cells, which = np.unique(event[inside].astype(np.int64) * n_bins + bins, return_inverse=True)
    in_cells = np.bincount(which, None if weights is None else weights[inside], minlength=len(cells))
    return np.bincount(cells % n_bins, in_cells**2, minlength=n_bins)


def block_total(weights: np.ndarray) -> np.ndarray:
    """Sums over a block's samples (m, replicas + 1): (replicas + 1,) float64; exact of counts in a small block."""
    kind = precision(weights)
    return (np.ones(len(weights), kind) @ weights.astype(kind, copy=False)).astype(np.float64)


def precision(weights: np.ndarray) -> type[np.floating]:
    """The number type in which a block's weights are summed: single precision is exact of counts alone."""
    return np.float64 if weights.dtype.kind == "f" else np.float32


def last_of_equals(values: np.ndarray) -> np.ndarray:
    """Of sorted values (n,), whether each is the last of those that are equal: (n,) bool."""
    return np.append(values[1:] != values[:-1], True) if len(values) else np.zeros(0, bool)
