"""The search for the vertices of one jet's decay chain along its flight axis. Compiled; lengths in mm, GeV."""

from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import fill_constraint
from bevatron.prepare.vertexing.flight_axis_fit import (
    GLOBAL,
    PRIMARY,
    distance_covariance,
    find_start,
    fit_chain,
    make_buffers,
)
from bevatron.prepare.vertexing.probability import chi2_probability
from bevatron.prepare.vertexing.vertex_finder import (
    MAX_SEEDS,
    PION,
    add_momentum,
    clear_momentum,
    find_pairs,
    invariant_mass,
)

MAX_TRACKS = MAX_SEEDS  # of a chain: the most displaced ones
TRIALS = 3  # pairs of vertices that are tried before merging ends: those nearest in their errors
HOPELESS = 1e-6  # a merge less probable than this by the present errors is not tried
MASSES = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0)  # GeV: borders of the probabilities below, of JetFitterMultiStageFit (athena)
PROBABILITIES = (0.002, 0.05, 0.1, 0.2, 0.5, 0.7, 0.9)

CHAIN_VERTEX = np.dtype(
    [("distance", np.float64), ("variance", np.float64), ("chi2", np.float64), ("n_tracks", np.int64)]
)
"""A vertex on the axis as compiled functions write it: mm."""

CHAIN = np.dtype(
    [
        ("shared", np.float64, (GLOBAL,)),
        ("covariance", np.float64, (GLOBAL, GLOBAL)),
        ("chi2", np.float64),
        ("n_tracks", np.int64),
        ("n_pairs", np.int64),
    ]
)
"""A jet's chain: the primary vertex (mm), phi and theta of the flight and their covariance; χ², tracks in the fit and
two-track vertices before it."""


class ChainCuts(NamedTuple):
    """The numbers of `JetFitterCuts` that are not `FinderCuts`, as compiled functions take them."""

    pair_probability_max: float
    pair_probability_max_behind: float
    single_probability_max: float
    single_probability_max_behind: float
    single_d0_max: float
    single_z0_max: float
    vertex_probability_min: float
    merge_probability_primary: float
    merge_probability: float
    merge_by_mass: bool


@compiled
def find_chain(
    tracks, matrices, field, low, high, chi2_primary, prior, primary_covariance, axis, cuts, pair_cuts,
    chain, records, vertex_of, phi,
):  # fmt: skip
    """Finds the chain of the tracks [low, high) of a jet; returns its number of vertices.

    1. Tracks that are improbable at the primary vertex are displaced; pairs of them are fitted, and those like a V0
    are removed. The others of a pair, and single ones by tighter cuts, start as one vertex each, where they cross the
    axis. 2. All are fitted (`fit_chain`); while a vertex is improbable by its own χ², the worst is removed. 3. The two
    vertices, the primary one among them, whose distances agree best in their errors are merged and all is fitted
    again; they stay merged if the increase of χ² is probable enough (one degree of freedom: there is one distance
    less), and the search goes on at 2, else the next pairs are tried. Vertices of one track may remain.

    Writes chain (a record of CHAIN), records (of CHAIN_VERTEX), in the order of their distance, and of each track its
    vertex (-1: none) and its azimuth there into vertex_of and phi, both (total,).
    """
    for i in range(3):
        chain.shared[i] = prior.vertex[i]
        for j in range(3):
            chain.covariance[i, j] = primary_covariance[i, j]
    chain.shared[3], chain.shared[4] = prior.phi, prior.theta
    chain.covariance[3, 3], chain.covariance[4, 4] = 1 / prior.phi_weight, 1 / prior.theta_weight
    rows, start, weight = np.empty(MAX_TRACKS, np.int64), np.empty(MAX_TRACKS), np.empty(MAX_TRACKS)
    n, chain.n_pairs = _select_tracks(
        tracks, matrices, field, low, high, chi2_primary, prior, primary_covariance, axis, cuts, pair_cuts,
        rows, start, weight,
    )  # fmt: skip
    if n == 0:
        return 0
    buffers = make_buffers(n)
    vertex, trial_vertex = np.arange(n), np.empty(n, np.int64)
    parameters, trial = np.empty(GLOBAL + n), np.empty(GLOBAL + n)
    for i in range(GLOBAL):
        parameters[i] = chain.shared[i]
    for k in range(n):
        parameters[GLOBAL + k] = start[k]
    m, tried = n, np.empty((TRIALS, 2), np.int64)
    while True:
        chi2 = fit_chain(tracks, matrices, field, rows, n, vertex, m, prior, parameters, buffers)
        worst = _find_improbable(vertex, n, m, cuts.vertex_probability_min, buffers)
        if worst >= 0:
            n = _remove_vertex(worst, rows, vertex, parameters, n, m)
            m -= 1
            continue
        n_tried = _nearest_pairs(parameters, m, tried, buffers)
        merged = False
        for pair in range(n_tried):
            i, j = tried[pair, 0], tried[pair, 1]
            minimum = _least_probability(tracks, rows, vertex, n, i, j, cuts, buffers)
            if minimum >= 1.0:
                continue
            _merge(i, j, vertex, parameters, n, m, trial_vertex, trial, buffers)
            higher = fit_chain(tracks, matrices, field, rows, n, trial_vertex, m - 1, prior, trial, buffers)
            if chi2_probability(max(higher - chi2, 0.0), 1) > minimum:
                m -= 1
                for k in range(n):
                    vertex[k] = trial_vertex[k]
                for a in range(GLOBAL + m):
                    parameters[a] = trial[a]
                merged = True
                break
            fit_chain(tracks, matrices, field, rows, n, vertex, m, prior, parameters, buffers)  # the buffers' state
        if not merged:
            break
    _write_chain(rows, vertex, parameters, n, m, chi2, chain, records, vertex_of, phi, buffers)
    return m


@compiled
def _select_tracks(
    tracks, matrices, field, low, high, chi2_primary, prior, primary_covariance, axis, cuts, pair_cuts,
    rows, start, weight,
):  # fmt: skip
    """Writes the rows of the displaced tracks, falling in their χ² to the primary vertex, and where they cross the
    axis; returns how many there are, and how many two-track vertices.
    """
    constraint, work = np.empty(10), np.empty((2, 5))
    n = 0
    for k in range(low, high):
        probability = chi2_probability(chi2_primary[k], 2)
        if not (chi2_primary[k] >= 0.0 and probability < cuts.pair_probability_max):  # a NaN is neither
            continue
        distance, known = find_start(tracks[k], matrices[k], field, prior, constraint, work)
        if distance < 0.0 and not probability < cuts.pair_probability_max_behind:
            continue
        rank = min(n, MAX_TRACKS)
        while rank > 0 and chi2_primary[k] > chi2_primary[rows[rank - 1]]:
            if rank < MAX_TRACKS:
                rows[rank], start[rank], weight[rank] = rows[rank - 1], start[rank - 1], weight[rank - 1]
            rank -= 1
        if rank < MAX_TRACKS:
            rows[rank], start[rank], weight[rank] = k, distance, known
            n = min(n + 1, MAX_TRACKS)
    most_pairs = max(n * (n - 1) // 2, 1)
    pairs, positions = np.empty((most_pairs, 2), np.int64), np.empty((most_pairs, 3))
    is_v0 = np.zeros(most_pairs, np.bool_)
    n_pairs = find_pairs(
        tracks, matrices, field, rows, n, prior.vertex, primary_covariance, axis, pair_cuts, pairs, positions, is_v0
    )
    of_v0, of_pair = np.zeros(high - low, np.bool_), np.zeros(high - low, np.bool_)
    for pair in range(n_pairs):
        for side in range(2):
            of_v0[pairs[pair, side] - low] |= is_v0[pair]
            of_pair[pairs[pair, side] - low] |= not is_v0[pair]
    kept_pairs, kept = 0, 0
    for pair in range(n_pairs):
        kept_pairs += not (of_v0[pairs[pair, 0] - low] or of_v0[pairs[pair, 1] - low])
    for k in range(n):
        row = rows[k]
        if of_v0[row - low]:
            continue
        if not of_pair[row - low]:
            behind = start[k] < 0.0
            maximum = cuts.single_probability_max_behind if behind else cuts.single_probability_max
            x, y, z = prior.vertex[0], prior.vertex[1], prior.vertex[2]
            fill_constraint(tracks[row], matrices[row], field, x, y, z, work, constraint)
            near = abs(constraint[0]) < cuts.single_d0_max and abs(constraint[1]) < cuts.single_z0_max
            if not (near and chi2_probability(chi2_primary[row], 2) < maximum):
                continue
        rows[kept], start[kept], weight[kept] = row, start[k], weight[k]
        kept += 1
    return kept, kept_pairs


@compiled
def _find_improbable(vertex, n, m, minimum, buffers):
    """The vertex whose own χ² is the least probable, if it is less so than `minimum`; else -1."""
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
def _remove_vertex(removed, rows, vertex, parameters, n, m):
    """Takes a vertex and its tracks out; returns the number of tracks that remain."""
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
def _nearest_pairs(parameters, m, tried, buffers):
    """Writes the pairs of vertices (i, j), j PRIMARY or below i, whose distances agree best, best first; returns how
    many. By their errors and correlations: (d_i - d_j)² / var(d_i - d_j), to first order the increase of χ².
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
def _least_probability(tracks, rows, vertex, n, i, j, cuts, buffers):
    """At which the vertices i and j are merged."""
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
def _merge(i, j, vertex, parameters, n, m, trial_vertex, trial, buffers):
    """Copies the chain with vertex i joined to j < i, at the mean of their distances by their errors."""
    for k in range(n):
        trial_vertex[k] = j if vertex[k] == i else vertex[k] - 1 if vertex[k] > i else vertex[k]
    for a in range(GLOBAL + i):
        trial[a] = parameters[a]
    for a in range(GLOBAL + i, GLOBAL + m - 1):
        trial[a] = parameters[a + 1]
    if j >= 0:
        first, second = buffers.distance_weight[i], buffers.distance_weight[j]
        trial[GLOBAL + j] = (first * parameters[GLOBAL + i] + second * parameters[GLOBAL + j]) / (first + second)


@compiled
def _write_chain(rows, vertex, parameters, n, m, chi2, chain, records, vertex_of, phi, buffers):
    """Fills the records, vertices in the order of their distances."""
    rank = np.empty(m, np.int64)
    for i in range(m):
        rank[i] = 0
        for j in range(m):
            nearer = parameters[GLOBAL + j] < parameters[GLOBAL + i]
            rank[i] += nearer or (parameters[GLOBAL + j] == parameters[GLOBAL + i] and j < i)
        record = records[rank[i]]
        record.distance, record.variance = parameters[GLOBAL + i], distance_covariance(buffers, i, i)
        record.chi2, record.n_tracks = 0.0, 0
    for k in range(n):
        phi[rows[k]] = buffers.constraints[k, 9]
        if vertex[k] >= 0:
            vertex_of[rows[k]] = rank[vertex[k]]
            records[rank[vertex[k]]].chi2 += buffers.chi2[k]
            records[rank[vertex[k]]].n_tracks += 1
    chain.chi2, chain.n_tracks = chi2, n
    for a in range(GLOBAL):
        chain.shared[a] = parameters[a]
        for b in range(GLOBAL):
            chain.covariance[a, b] = buffers.covariance[a, b]
