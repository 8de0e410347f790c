"""Finds one vertex of all displaced tracks of a jet. Compiled; lengths in mm, momenta and masses in GeV."""

import math
from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import chi_squared, fill_constraint
from bevatron.prepare.vertexing.far_v0 import drop_near_v0
from bevatron.prepare.vertexing.probability import chi2_probability
from bevatron.prepare.vertexing.two_track_vertices import (
    PION,
    add_momentum,
    clear_momentum,
    find_pairs,
    invariant_mass,
    is_like_v0,
    measure_flight,
)
from bevatron.prepare.vertexing.vertex_fit import fit_vertex


class InclusiveCuts(NamedTuple):
    """The options of `InclusiveVertexCuts` that are not in `PairCuts`, in a form that compiled functions accept."""

    track_significance_min: float
    pair_significance_min: float
    lifetime_shift: float
    pileup_d0_significance: float
    pileup_z0_significance: float
    d0_max: float
    z0_max: float
    track_chi2_max: float
    probability_min: float
    max_tracks: int
    v0_significance_min: float


@compiled
def find_inclusive(
    tracks, matrices, field, low, high, chi2_primary, primary, primary_covariance, axis, cuts, pair_cuts,
    record, is_member, phi,
):  # fmt: skip
    """Finds the inclusive vertex of one jet, whose tracks are the rows [low, high); returns its number of seeds.

    1. Pairs of displaced tracks are fitted (`two_track_vertices.find_pairs`). The tracks of pairs that look like a V0
       and are far enough from the primary vertex are removed. Of the other pairs, those whose tracks have a large
       enough sum of distances from the primary vertex are the seeds.
    2. The tracks of all seeds are fitted to one vertex. The track with the largest χ² is removed until no χ² of a track
       is too large, the χ² of the vertex is probable and its mass small enough, or until one track is left.
    3. The vertex is discarded if it is behind the primary vertex or too far from it, or if it has two tracks and looks
       like a V0. The number of seeds is then 0.

    Writes the vertex into record, of the type `two_track_vertices.VERTEX`. Writes for each track whether it belongs to
    the vertex, and its azimuth there, into is_member and phi, both (total,).
    """
    rows, distance = np.empty(cuts.max_tracks, np.int64), np.empty(cuts.max_tracks)
    n = _select_tracks(
        tracks, matrices, field, low, high, chi2_primary, primary, primary_covariance, axis, cuts, rows, distance
    )
    if n < 2:
        return 0
    most_pairs = n * (n - 1) // 2
    pairs, positions = np.empty((most_pairs, 2), np.int64), np.empty((most_pairs, 3))
    is_v0 = np.zeros(most_pairs, np.bool_)
    n_pairs = find_pairs(
        tracks, matrices, field, rows, n, primary, primary_covariance, axis, pair_cuts, pairs, positions, is_v0
    )
    drop_near_v0(
        tracks, matrices, field, pairs, positions, n_pairs, primary, primary_covariance, axis,
        cuts.v0_significance_min, is_v0,
    )  # fmt: skip
    of_v0, of_seed = np.zeros(high - low, np.bool_), np.zeros(high - low, np.bool_)
    significance = np.zeros(high - low)
    for k in range(n):
        significance[rows[k] - low] = distance[k]
    for pair in range(n_pairs):
        if is_v0[pair]:
            of_v0[pairs[pair, 0] - low] = of_v0[pairs[pair, 1] - low] = True
    seeds, position = 0, np.zeros(3)
    for pair in range(n_pairs):
        first, second = pairs[pair, 0] - low, pairs[pair, 1] - low
        far = significance[first] + significance[second] >= cuts.pair_significance_min
        if not far or of_v0[first] or of_v0[second]:
            continue
        of_seed[first] = of_seed[second] = True
        seeds += 1
        for i in range(3):
            position[i] += positions[pair, i]
    if seeds == 0:
        return 0
    members = 0
    for k in range(n):
        if of_seed[rows[k] - low]:
            rows[members] = rows[k]
            members += 1
    for i in range(3):
        position[i] /= seeds
    found = _fit_and_remove(
        tracks, matrices, field, rows, members, primary, primary_covariance, axis, cuts, pair_cuts, position, record,
        is_member, phi,
    )  # fmt: skip
    return seeds if found else 0


@compiled
def _select_tracks(
    tracks, matrices, field, low, high, chi2_primary, primary, primary_covariance, axis, cuts, rows, distance
):
    """Selects the displaced tracks of a jet; returns their number.

    Writes their rows into rows, and their distances from the primary vertex in σ into distance, largest first.
    """
    constraint, work = np.empty(10), np.empty((2, 5))
    n = 0
    for k in range(low, high):
        if not chi2_primary[k] >= 0.0:
            continue
        fill_constraint(tracks[k], matrices[k], field, primary[0], primary[1], primary[2], work, constraint)
        phi = constraint[9]
        forward = constraint[0] * (axis[1] * math.cos(phi) - axis[0] * math.sin(phi)) >= 0.0  # as helix.lifetime_sign
        size = math.sqrt(chi2_primary[k]) + (cuts.lifetime_shift if forward else -cuts.lifetime_shift)
        near = abs(constraint[0]) < cuts.d0_max and abs(constraint[1]) < cuts.z0_max
        if size < cuts.track_significance_min or not near:
            continue
        determinant = constraint[6] * constraint[8] - constraint[7] ** 2
        sine, cosine = math.sin(phi), math.cos(phi)
        vertex_d = (
            sine * sine * primary_covariance[0, 0]
            - 2 * sine * cosine * primary_covariance[0, 1]
            + cosine * cosine * primary_covariance[1, 1]
        )
        d0 = abs(constraint[0]) / math.sqrt(constraint[8] / determinant + vertex_d)
        z0 = abs(constraint[1]) / math.sqrt(constraint[6] / determinant + primary_covariance[2, 2])
        if d0 < cuts.pileup_d0_significance and z0 > cuts.pileup_z0_significance:
            continue
        rank = min(n, cuts.max_tracks)
        while rank > 0 and size > distance[rank - 1]:
            if rank < cuts.max_tracks:
                rows[rank], distance[rank] = rows[rank - 1], distance[rank - 1]
            rank -= 1
        if rank < cuts.max_tracks:
            rows[rank], distance[rank] = k, size
            n = min(n + 1, cuts.max_tracks)
    return n


@compiled
def _fit_and_remove(
    tracks, matrices, field, rows, n, primary, primary_covariance, axis, cuts, pair_cuts, position, record, is_member,
    phi,
):  # fmt: skip
    """Fits tracks[rows[:n]] to one vertex, and removes the worst tracks; returns whether there is a good vertex."""
    constraints, work, covariance, total = np.empty((n, 10)), np.empty((2, 5)), np.empty((3, 3)), np.empty(4)
    while n >= 2:
        chi2 = fit_vertex(tracks, matrices, field, rows, n, position, covariance, constraints, work)
        clear_momentum(total)
        worst, largest = 0, -1.0
        for k in range(n):
            add_momentum(tracks[rows[k]], constraints[k, 9], PION, total)
            distance = chi_squared(constraints[k], 0.0, 0.0, 0.0)
            if distance > largest:
                worst, largest = k, distance
        good = chi2_probability(chi2, 2 * n - 3) > cuts.probability_min and largest < cuts.track_chi2_max
        if good and invariant_mass(total) < pair_cuts.mass_max:
            break
        n -= 1
        for k in range(worst, n):
            rows[k] = rows[k + 1]
    if n < 2:
        return False
    if n == 2 and pair_cuts.reject_v0:
        first, second = tracks[rows[0]], tracks[rows[1]]
        if is_like_v0(first, second, constraints, position, primary, pair_cuts, total):
            return False
    length, significance, across, forward = measure_flight(position, covariance, primary, primary_covariance, axis)
    if not forward or across > pair_cuts.flight_max:
        return False
    for i in range(3):
        record.position[i] = position[i]
        for j in range(3):
            record.covariance[i, j] = covariance[min(i, j), max(i, j)]
    record.chi2, record.ndf, record.length, record.significance = chi2, 2 * n - 3, length, significance
    for k in range(n):
        is_member[rows[k]], phi[rows[k]] = True, constraints[k, 9]
    return True
