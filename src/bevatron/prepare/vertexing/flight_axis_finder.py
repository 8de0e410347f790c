"""The search for the vertices of one jet's decay chain along its flight axis. Compiled; lengths in mm, GeV."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import fill_constraint
from bevatron.prepare.vertexing.far_v0 import drop_near_v0
from bevatron.prepare.vertexing.flight_axis_fit import (
    CLOSE,
    GLOBAL,
    NEAR,
    distance_covariance,
    find_start,
    fit_chain,
    make_buffers,
)
from bevatron.prepare.vertexing.flight_axis_merging import (
    TRIALS,
    find_improbable,
    find_nearest_pairs,
    least_merge_probability,
    merge_probability,
    merge_vertices,
    remove_vertex,
)
from bevatron.prepare.vertexing.probability import chi2_probability
from bevatron.prepare.vertexing.two_track_vertices import (
    MAX_SEEDS,
    find_pairs,
)

MAX_TRACKS = MAX_SEEDS  # largest number of tracks of a chain: the most displaced ones

CHAIN_VERTEX = np.dtype(
    [("distance", np.float64), ("variance", np.float64), ("chi2", np.float64), ("n_tracks", np.int64)]
)
"""A vertex on the flight axis as compiled functions write it, in mm and mm²."""

CHAIN = np.dtype(
    [
        ("shared", np.float64, (GLOBAL,)),
        ("covariance", np.float64, (GLOBAL, GLOBAL)),
        ("chi2", np.float64),
        ("n_tracks", np.int64),
        ("n_pairs", np.int64),
    ]
)
"""A jet's decay chain. shared: the primary vertex (mm), phi and theta of the flight (rad), with their covariance; χ² of
the fit; numbers of fitted tracks and of two-track vertices before the fit."""


@compiled
def find_chain(
    tracks, matrices, field, low, high, chi2_primary, prior, primary_covariance, axis, cuts, pair_cuts,
    chain, records, vertex_of, phi,
):  # fmt: skip
    """Finds the decay chain of one jet, whose tracks are the rows [low, high); returns its number of vertices.

    1. Tracks that are improbable at the primary vertex are displaced. Pairs of them are fitted to two-track vertices.
       Tracks of pairs that look like a distant V0 are removed. The tracks of the other pairs, and tracks in no pair
       that pass tighter cuts, start as one vertex each, at the point where they cross the axis.
    2. All vertices are fitted together (`fit_chain`). While a vertex is improbable by its own χ², the worst one is
       removed.
    3. The two vertices whose distances agree best within their errors are merged, and all are fitted again. The primary
       vertex can be one of the two. If the merged vertex is probable enough (`merge_probability`), the search
       continues with step 2. Otherwise the next best pair is tried.

    Vertices of one track may remain. The procedure follows ATLAS's code (athena), which fits the tracks of pairs first,
    without the single tracks, and chooses the most probable of all merges.

    Writes chain (a record of CHAIN) and records (of CHAIN_VERTEX) in the order of their distances. Writes the number of
    each track's vertex (-1: none) and the track's azimuth there into vertex_of and phi, both (total,).
    """
    for i in range(3):
        chain.shared[i] = prior.vertex[i]
        for j in range(3):
            chain.covariance[i, j] = primary_covariance[i, j]
    chain.shared[3], chain.shared[4] = prior.phi, prior.theta
    chain.covariance[3, 3], chain.covariance[4, 4] = 1 / prior.phi_weight, 1 / prior.theta_weight
    rows, start = np.empty(MAX_TRACKS, np.int64), np.empty(MAX_TRACKS)
    n, chain.n_pairs = _select_tracks(
        tracks, matrices, field, low, high, chi2_primary, prior, primary_covariance, axis, cuts, pair_cuts,
        rows, start,
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
        chi2 = fit_chain(tracks, matrices, field, rows, n, vertex, m, prior, parameters, buffers, NEAR)
        worst = find_improbable(vertex, n, m, cuts.vertex_probability_min, buffers)
        if worst >= 0:
            n = remove_vertex(worst, rows, vertex, parameters, n, m)
            m -= 1
            continue
        n_tried = find_nearest_pairs(parameters, m, tried, buffers)
        merged = False
        for pair in range(n_tried):
            i, j = tried[pair, 0], tried[pair, 1]
            minimum = least_merge_probability(tracks, rows, vertex, n, i, j, cuts, buffers)
            if minimum >= 1.0:
                continue
            merge_vertices(i, j, vertex, parameters, n, m, trial_vertex, trial, buffers)
            higher = fit_chain(tracks, matrices, field, rows, n, trial_vertex, m - 1, prior, trial, buffers, NEAR)
            if merge_probability(j, higher - chi2, trial_vertex, trial, n, cuts, prior, buffers) > minimum:
                m -= 1
                for k in range(n):
                    vertex[k] = trial_vertex[k]
                for a in range(GLOBAL + m):
                    parameters[a] = trial[a]
                merged = True
                break
            fit_chain(
                tracks, matrices, field, rows, n, vertex, m, prior, parameters, buffers, NEAR
            )  # the buffers' state
        if not merged:
            break
    chi2 = fit_chain(tracks, matrices, field, rows, n, vertex, m, prior, parameters, buffers, CLOSE)
    _write_chain(rows, vertex, parameters, n, m, chi2, chain, records, vertex_of, phi, buffers)
    return m


@compiled
def _select_tracks(
    tracks, matrices, field, low, high, chi2_primary, prior, primary_covariance, axis, cuts, pair_cuts,
    rows, start,
):  # fmt: skip
    """Selects the displaced tracks of a jet; returns their number and the number of two-track vertices.

    Writes their rows, in the order of falling χ² to the primary vertex, into rows, and the distances in mm at which
    they cross the axis into start.
    """
    constraint, work = np.empty(10), np.empty((2, 5))
    n = 0
    for k in range(low, high):
        probability = chi2_probability(chi2_primary[k], 2)
        if not (chi2_primary[k] >= 0.0 and probability < cuts.pair_probability_max):  # a NaN is neither
            continue
        distance = find_start(tracks[k], matrices[k], field, prior, constraint, work)
        if distance < 0.0 and not probability < cuts.pair_probability_max_behind:
            continue
        rank = min(n, MAX_TRACKS)
        while rank > 0 and chi2_primary[k] > chi2_primary[rows[rank - 1]]:
            if rank < MAX_TRACKS:
                rows[rank], start[rank] = rows[rank - 1], start[rank - 1]
            rank -= 1
        if rank < MAX_TRACKS:
            rows[rank], start[rank] = k, distance
            n = min(n + 1, MAX_TRACKS)
    most_pairs = max(n * (n - 1) // 2, 1)
    pairs, positions = np.empty((most_pairs, 2), np.int64), np.empty((most_pairs, 3))
    is_v0 = np.zeros(most_pairs, np.bool_)
    n_pairs = find_pairs(
        tracks, matrices, field, rows, n, prior.vertex, primary_covariance, axis, pair_cuts, pairs, positions, is_v0
    )
    drop_near_v0(
        tracks, matrices, field, pairs, positions, n_pairs, prior.vertex, primary_covariance, axis,
        cuts.v0_significance_min, is_v0,
    )  # fmt: skip
    d0, z0, of_v0 = np.empty(high - low), np.empty(high - low), np.zeros(high - low, np.bool_)
    of_pair = np.zeros(high - low, np.bool_)
    for k in range(n):
        x, y, z = prior.vertex[0], prior.vertex[1], prior.vertex[2]
        fill_constraint(tracks[rows[k]], matrices[rows[k]], field, x, y, z, work, constraint)
        d0[rows[k] - low], z0[rows[k] - low] = abs(constraint[0]), abs(constraint[1])
    for pair in range(n_pairs):
        if is_v0[pair]:
            of_v0[pairs[pair, 0] - low] = of_v0[pairs[pair, 1] - low] = True
    kept_pairs, kept = 0, 0
    for pair in range(n_pairs):
        first, second = pairs[pair, 0] - low, pairs[pair, 1] - low
        near = max(d0[first], d0[second]) < cuts.pair_d0_max and max(z0[first], z0[second]) < cuts.pair_z0_max
        if near and not (of_v0[first] or of_v0[second]):
            of_pair[first] = of_pair[second] = True
            kept_pairs += 1
    for k in range(n):
        row = rows[k]
        if of_v0[row - low]:
            continue
        if not of_pair[row - low]:
            behind = start[k] < 0.0
            maximum = cuts.single_probability_max_behind if behind else cuts.single_probability_max
            near = d0[row - low] < cuts.single_d0_max and z0[row - low] < cuts.single_z0_max
            if not (near and chi2_probability(chi2_primary[row], 2) < maximum):
                continue
        rows[kept], start[kept] = row, start[k]
        kept += 1
    return kept, kept_pairs


@compiled
def _write_chain(rows, vertex, parameters, n, m, chi2, chain, records, vertex_of, phi, buffers):
    """Writes a fitted chain into the records, its vertices in the order of their distances."""
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
