"""Finds the hard collision of an event with pile-up: of all groups of tracks along the beam, that of largest Σ pt²."""

from dataclasses import dataclass

import numpy as np

from bevatron.compute.numerics.compiled import compiled

CHI2_CUT = 9.0  # between tracks of one collision, and between a track and its collision
D0_MAX, SIGMA_Z0_MAX = 4.0, 1.0  # mm: tracks beyond do not show where a collision was
ITERATIONS = 5


@dataclass(frozen=True)
class FoundCollisions:
    """For each event: z (n,) in mm of the collision with the largest Σ pt², 0 if none is found; number found (n,)."""

    z: np.ndarray
    n_found: np.ndarray


def find_collisions(
    event: np.ndarray, parameters: np.ndarray, variance_z0: np.ndarray, pt: np.ndarray, pt_min: float, events: int
) -> FoundCollisions:
    """Finds the collisions of the events 0 … events - 1 by grouping tracks along the beam.

    The search is greedy and in one dimension. The track with the most neighbours (χ² = Δz² / (σ₁² + σ₂²) < 9) starts a
    group. The z of the group is an adaptive weighted mean (w = 1 / (1 + exp((χ² - 9) / 2))). Tracks with χ² < 9 belong
    to the group and are removed. This is repeated until no two tracks are neighbours. The group with the largest Σ pt²
    is taken as the hard collision. ATLAS has the same criterion (Eur. Phys. J. C 77 (2017) 332, sec. 4); its finder is
    iterative too, but fits in three dimensions.

    event, variance_z0 (mm²) and pt (GeV): (n,); parameters (n, 5). Tracks with a pt below pt_min, far from the beam, or
    badly measured along it are not used.
    """
    used = (pt > pt_min) & (np.abs(parameters[:, 0]) < D0_MAX) & (variance_z0 < SIGMA_Z0_MAX**2)
    rows = np.flatnonzero(used)
    rows = rows[np.lexsort((parameters[rows, 1], event[rows]))]
    first = np.searchsorted(event[rows], np.arange(events + 1))
    z, n_found = np.zeros(events), np.zeros(events, np.int64)
    sigma_max = float(np.sqrt(variance_z0[rows].max(initial=0.0)))
    _find_all(first, parameters[rows, 1].copy(), variance_z0[rows].copy(), pt[rows] ** 2, sigma_max, z, n_found)
    return FoundCollisions(z, n_found)


@compiled
def _find_all(first, z0, variance, weight, sigma_max, best_z, n_found):
    n_tracks = len(z0)
    neighbours, is_free = np.zeros(n_tracks, np.int64), np.ones(n_tracks, np.bool_)
    reach = np.sqrt(CHI2_CUT) * np.sqrt(2.0) * sigma_max
    for event in range(len(first) - 1):
        low, high = first[event], first[event + 1]
        for i in range(low, high):
            for j in range(i + 1, high):
                apart = z0[j] - z0[i]
                if apart > reach:
                    break
                if apart * apart < CHI2_CUT * (variance[i] + variance[j]):
                    neighbours[i] += 1
                    neighbours[j] += 1
        best = -1.0
        while True:
            seed, most = -1, 0
            for i in range(low, high):
                if is_free[i] and neighbours[i] > most:
                    seed, most = i, neighbours[i]
            if seed < 0:
                break
            z, error = _mean_around(z0, variance, is_free, seed, low, high, reach)
            total, members = 0.0, 0
            for i in range(low, high):
                apart = z0[i] - z
                mine = i == seed or apart * apart < CHI2_CUT * (variance[i] + error)
                if is_free[i] and mine:
                    total += weight[i]
                    members += 1
                    is_free[i] = False
                    _forget(z0, variance, neighbours, i, low, high, reach)
            if members < 2:
                continue
            n_found[event] += 1
            if total > best:
                best, best_z[event] = total, z


@compiled
def _mean_around(z0, variance, is_free, seed, low, high, reach):
    """The adaptive mean z, in mm, of the free tracks around the track `seed`, and its variance in mm²."""
    z, total = z0[seed], 0.0
    for _ in range(ITERATIONS):
        moment, total = 0.0, 0.0
        for i in range(low, high):
            apart = z0[i] - z
            if is_free[i] and abs(apart) < reach:
                chi2 = apart * apart / variance[i]
                w = 1 / (1 + np.exp(min((chi2 - CHI2_CUT) / 2, 500.0))) / variance[i]
                moment += w * z0[i]
                total += w
        if total <= 0.0:
            return z0[seed], variance[seed]
        z = moment / total
    return z, 1 / total


@compiled
def _forget(z0, variance, neighbours, i, low, high, reach):
    """Removes track i from the counts of its neighbours."""
    for step in (-1, 1):
        j = i + step
        while low <= j < high and abs(z0[j] - z0[i]) <= reach:
            apart = z0[j] - z0[i]
            if apart * apart < CHI2_CUT * (variance[i] + variance[j]):
                neighbours[j] -= 1
            j += step
