"""How probable it is that all tracks of a jet come from the primary vertex."""

from dataclasses import dataclass

import numpy as np

MIN_TRACKS = 500  # on the negative side; with fewer the resolution is taken as exactly Gaussian
TAIL = 0.02  # fraction of the tracks beyond which the function is an exponential
KNOTS = 60
SIZE_WIDTH, SIZE_BINS = 0.002, 10_000  # of |significance| where it is counted: to 20
MIN_PROBABILITY = 1e-30  # of a probability, so that its logarithm is a number


@dataclass(frozen=True)
class Resolution:
    """1 - F of |significance|: log_survival (m,) at the rising knots (m,) from 0, and beyond the last an
    exponential of that slope (per unit of significance).
    """

    knots: np.ndarray
    log_survival: np.ndarray
    slope: float

    def survival(self, size: np.ndarray) -> np.ndarray:
        """The fraction of prompt tracks with a larger |significance| than `size` (n,)."""
        beyond = np.maximum(size - self.knots[-1], 0.0)
        return np.exp(np.interp(size, self.knots, self.log_survival) - self.slope * beyond)


def calibrate_resolution(significance: np.ndarray) -> Resolution:
    """From the signed d0 significances of prompt tracks (n,), of which only the negative ones count.

    A prompt track's sign is chance, so that the negative side has the shape of both, and decays, which are
    positive, do not bias it. The logarithm of the fraction above is interpolated linearly between quantiles; beyond
    the last 2 % it falls with the mean excess of these tracks, the likeliest exponential. With fewer than 500
    tracks the Gaussian's own values are used.

    Which tracks are prompt is a truth that only simulations know, so they are those of jets that are learned from, and
    what is measured on others does not enter. A fraction s of N tracks is known to sqrt((1 - s) / (s N)), 7 % at the
    last knot of 10,000 tracks.
    """
    size = np.sort(-significance[significance < 0.0])
    if len(size) < MIN_TRACKS:
        from scipy.special import erfc

        knots = np.linspace(0.0, 6.0, KNOTS)
        survival = erfc(knots / np.sqrt(2))
        return Resolution(knots, np.log(survival), float(knots[-1]))  # the Gaussian's tail has the slope x
    fractions = np.geomspace(1.0, TAIL, KNOTS)
    knots = np.quantile(size, 1 - fractions)
    knots[0] = 0.0
    knots, unique = np.unique(knots, return_index=True)
    excess = size[size > knots[-1]] - knots[-1]
    return Resolution(knots, np.log(fractions[unique]), float(1 / excess.mean()))


def count_sizes(significance: np.ndarray) -> np.ndarray:
    """|significance| of the negative ones of the prompt tracks (n,), as what can be added up over shards: how many
    there are in each bin, and their sums, (2, SIZE_BINS + 1); the last bin is open.
    """
    size = -significance[significance < 0.0]
    cell = np.minimum(size / SIZE_WIDTH, SIZE_BINS).astype(np.int64)
    return np.stack([np.bincount(cell, minlength=SIZE_BINS + 1), np.bincount(cell, size, SIZE_BINS + 1)])


def calibrate_by_totals(totals: np.ndarray) -> Resolution:
    """As `calibrate_resolution`, of the sums of `count_sizes` over all shards; a size is known to SIZE_WIDTH."""
    counts, sums = totals
    filled = counts > 0
    return calibrate_resolution(-np.repeat(sums[filled] / counts[filled], counts[filled].astype(np.int64)))


def track_probability(significance: np.ndarray, resolution: Resolution) -> np.ndarray:
    """The fraction of prompt tracks with a larger signed significance, (n,): uniform in (0, 1) for prompt tracks,
    near 0 for tracks that cross the jet's axis far in front of the primary vertex.
    """
    half = resolution.survival(np.abs(significance)) / 2
    return np.maximum(np.where(significance > 0.0, half, 1.0 - half), MIN_PROBABILITY)


def jet_probability(probability: np.ndarray, jet: np.ndarray, jets: int) -> np.ndarray:
    """Π Σ_{j<N} (-ln Π)^j / j!, Π the product of the probabilities of a jet's N tracks; 1 without tracks.

    probability (n,) and jet (n,) of all tracks; returns (jets,), uniform in (0, 1) for N independent uniform
    probabilities (ALEPH Collaboration, Phys. Lett. B 313 (1993) 535). It is the regularised incomplete gamma
    function Q(N, -ln Π).
    """
    from scipy.special import gammaincc

    number = np.bincount(jet, minlength=jets)
    minus_log = np.bincount(jet, -np.log(probability), minlength=jets)
    return np.where(number > 0, gammaincc(np.maximum(number, 1), minus_log), 1.0)
