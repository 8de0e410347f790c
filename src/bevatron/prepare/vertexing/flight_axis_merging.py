"""Removes improbable vertices of a decay chain, and chooses which two vertices are merged. Compiled; mm, GeV."""

from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.vertexing.flight_axis_fit import GLOBAL, PRIMARY, distance_covariance
from bevatron.prepare.vertexing.probability import chi2_probability
from bevatron.prepare.vertexing.two_track_vertices import PION, add_momentum, clear_momentum, invariant_mass

TRIALS = 3  # pairs of vertices that are tried before merging ends: those that agree best within their errors
HOPELESS = 1e-6  # a merge that is less probable than this, by the errors before it, is not tried
MASSES = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0)  # GeV: borders for the probabilities below; athena's JetFitterMultiStageFit
PROBABILITIES = (0.002, 0.05, 0.1, 0.2, 0.5, 0.7, 0.9)


class ChainCuts(NamedTuple):
    """The options of `JetFitterCuts` that are not in `PairCuts`, in a form that compiled functions accept."""

    pair_probability_max: float
    pair_probability_max_behind: float
    single_probability_max: float
    single_probability_max_behind: float
    pair_d0_max: float
    pair_z0_max: float
    single_d0_max: float
    single_z0_max: float
    vertex_probability_min: float
    merge_probability_primary: float
    merge_probability: float
    merge_by_mass: bool
    merge_by_increase: bool
    v0_significance_min: float


@compiled
def find_improbable(vertex, n, m, minimum, buffers):
    """The number of the vertex with the least probable χ², if the probability is below `minimum`; otherwise -1."""
    worst, lowest = -1, minimum
    for i in range(m):
        chi2, members = 0.0, 0
        for k in range(n):
            if vertex[k] == i:
                chi2 += buffers.chi2[k]
                members += 1
        probability = chi2_probability(chi2, 2 * members - 1)
        if probability < lowest:
            worst, lowest = i, probability
    return worst


@compiled
def remove_vertex(removed, rows, vertex, parameters, n, m):
    """Removes a vertex with its tracks; returns the number of tracks that remain."""
    kept = 0
    for k in range(n):
        if vertex[k] != removed:
            rows[kept] = rows[k]
            vertex[kept] = vertex[k] - 1 if vertex[k] > removed else vertex[k]
            kept += 1
    for i in range(removed, m - 1):
        parameters[GLOBAL + i] = parameters[GLOBAL + i + 1]
    return kept


@compiled
def find_nearest_pairs(parameters, m, tried, buffers):
    """Writes the pairs of vertices whose distances agree best into tried (TRIALS, 2); returns their number.

    The best pair comes first. In a pair (i, j), j is PRIMARY or below i. The measure is (d_i - d_j)² / var(d_i - d_j),
    with all errors and correlations, which is to first order the increase of χ² in a merge.
    """
    n, tensions = 0, np.empty(TRIALS)
    for i in range(m):
        for j in range(PRIMARY, i):
            difference, variance = parameters[GLOBAL + i], distance_covariance(buffers, i, i)
            if j >= 0:
                difference -= parameters[GLOBAL + j]
                variance += distance_covariance(buffers, j, j) - 2 * distance_covariance(buffers, i, j)
            tension = difference * difference / max(variance, 1e-12)
            if chi2_probability(tension, 1) < HOPELESS:
                continue
            rank = n
            while rank > 0 and tension < tensions[rank - 1]:
                if rank < TRIALS:
                    tensions[rank], tried[rank, 0], tried[rank, 1] = (
                        tensions[rank - 1],
                        tried[rank - 1, 0],
                        tried[rank - 1, 1],
                    )
                rank -= 1
            if rank < TRIALS:
                tensions[rank], tried[rank, 0], tried[rank, 1] = tension, i, j
                n = min(n + 1, TRIALS)
    return n


@compiled
def least_merge_probability(tracks, rows, vertex, n, i, j, cuts, buffers):
    """The probability that the vertices i and j must exceed to be merged."""
    if j == PRIMARY:
        return cuts.merge_probability_primary
    if not cuts.merge_by_mass:
        return cuts.merge_probability
    total = np.empty(4)
    clear_momentum(total)
    for k in range(n):
        if vertex[k] == i or vertex[k] == j:
            add_momentum(tracks[rows[k]], buffers.constraints[k, 9], PION, total)
    mass, place = invariant_mass(total), 0
    while place < len(MASSES) and mass >= MASSES[place]:
        place += 1
    return PROBABILITIES[place]


@compiled
def merge_probability(joined, increase, vertex, parameters, n, cuts, prior, buffers):
    """The probability, after the fit, of the vertex `joined` (or PRIMARY) into which two vertices were merged.

    It is that of the χ² of its n tracks, with 2 n - 1 degrees of freedom. At the primary vertex the χ² of the prior is
    added, and there are 2 n degrees of freedom (athena, JetFitterRoutines). With cuts.merge_by_increase it is the
    probability of the increase of the total χ², with one degree of freedom.
    """
    if cuts.merge_by_increase:
        return chi2_probability(max(increase, 0.0), 1)
    chi2, members = 0.0, 0
    for k in range(n):
        if vertex[k] == joined:
            chi2 += buffers.chi2[k]
            members += 1
    if joined >= 0:
        return chi2_probability(chi2, 2 * members - 1)
    for i in range(3):
        for j in range(3):
            away = (parameters[i] - prior.vertex[i]) * (parameters[j] - prior.vertex[j])
            chi2 += prior.vertex_weight[i, j] * away
    return chi2_probability(chi2, 2 * members)


@compiled
def merge_vertices(i, j, vertex, parameters, n, m, trial_vertex, trial, buffers):
    """Copies the chain with vertex i merged into vertex j < i, at the weighted mean of their distances."""
    for k in range(n):
        trial_vertex[k] = j if vertex[k] == i else vertex[k] - 1 if vertex[k] > i else vertex[k]
    for a in range(GLOBAL + i):
        trial[a] = parameters[a]
    for a in range(GLOBAL + i, GLOBAL + m - 1):
        trial[a] = parameters[a + 1]
    if j >= 0:
        first, second = buffers.distance_weight[i], buffers.distance_weight[j]
        trial[GLOBAL + j] = (first * parameters[GLOBAL + i] + second * parameters[GLOBAL + j]) / (first + second)
