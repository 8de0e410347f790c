"""The search for the secondary vertices of one jet. Compiled; lengths in mm, GeV."""

import math
from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import chi_squared, fill_constraint
from bevatron.prepare.vertexing.vertex_fit import find_crossing, fit_vertex

PION, PROTON, ELECTRON, KAON, LAMBDA = 0.13957, 0.93827, 0.000511, 0.49761, 1.11568  # GeV, Particle Data Group
MAX_SEEDS = 20  # displaced tracks of a jet that are paired: the most displaced ones
MAX_FAILURES = 6  # fits that may fail before a jet's search ends
POINTING = 0.995  # least cosine between a V0's momentum and its flight


VERTEX = np.dtype(
    [
        ("position", np.float64, (3,)),
        ("covariance", np.float64, (3, 3)),
        ("chi2", np.float64),
        ("ndf", np.float64),
        ("length", np.float64),
        ("significance", np.float64),
    ]
)
"""A vertex as compiled functions write it: mm; the significance is that of the flight."""


class FinderCuts(NamedTuple):
    """The numbers of `jet_options.VertexCuts`, as compiled functions take them."""

    max_vertices: int
    seed_significance: float
    pair_chi2_max: float
    chi2_cut: float
    chi2_per_ndf_max: float
    flight_significance_min: float
    flight_max: float
    mass_max: float
    reject_v0: bool
    kaon_window: float
    lambda_window: float
    conversion_mass: float


@compiled
def clear_momentum(total):
    """Sets the four-momentum total (4,) to zero."""
    for i in range(4):
        total[i] = 0.0


@compiled
def add_momentum(track, phi, mass, total):
    """Adds a track's (px, py, pz, E) at azimuth `phi` to total (4,)."""
    p = 1 / abs(track[4])
    pt = p * math.sin(track[3])
    total[0] += pt * math.cos(phi)
    total[1] += pt * math.sin(phi)
    total[2] += p * math.cos(track[3])
    total[3] += math.sqrt(p * p + mass * mass)


@compiled
def invariant_mass(total):
    """The mass in GeV of a four-momentum (px, py, pz, E); 0 where rounding makes its square negative."""
    return math.sqrt(max(total[3] ** 2 - total[0] ** 2 - total[1] ** 2 - total[2] ** 2, 0.0))


@compiled
def measure_flight(position, covariance, primary, primary_covariance, axis):
    """(length, significance, length across the beam, whether it goes along `axis`), of the way from the primary
    vertex; the error is that of both vertices along the way.
    """
    length, across, variance, forward = 0.0, 0.0, 0.0, 0.0
    for i in range(3):
        step = position[i] - primary[i]
        length += step * step
        across += step * step if i < 2 else 0.0
        forward += step * axis[i]
        for j in range(3):
            variance += step * (covariance[i, j] + primary_covariance[i, j]) * (position[j] - primary[j])
    if length == 0.0:
        return 0.0, 0.0, 0.0, False
    return math.sqrt(length), length / math.sqrt(variance), math.sqrt(across), forward > 0.0


@compiled
def is_like_v0(first, second, constraints, position, primary, cuts, total):
    """Whether a pair of tracks of opposite charge has the mass of K0_S → ππ, Λ → pπ or γ → ee and points back to
    the primary vertex. constraints (2, 10): theirs at `position`, by `fill_constraint`; total (4,) is a buffer.
    """
    if first[4] * second[4] > 0.0:
        return False
    first_is_harder = abs(first[4]) < abs(second[4])
    close = False
    for hypothesis in range(3):
        clear_momentum(total)
        hard = PION if hypothesis == 0 else PROTON if hypothesis == 1 else ELECTRON
        soft = ELECTRON if hypothesis == 2 else PION
        add_momentum(first, constraints[0, 9], hard if first_is_harder else soft, total)
        add_momentum(second, constraints[1, 9], soft if first_is_harder else hard, total)
        mass = invariant_mass(total)
        if hypothesis == 0:
            close = close or abs(mass - KAON) < cuts.kaon_window
        elif hypothesis == 1:
            close = close or abs(mass - LAMBDA) < cuts.lambda_window
        else:
            close = close or mass < cuts.conversion_mass
    along, length, size = 0.0, 0.0, 0.0
    for i in range(3):
        step = position[i] - primary[i]
        along += step * total[i]
        length += step * step
        size += total[i] * total[i]
    return close and along > POINTING * math.sqrt(length * size)


@compiled
def find_pairs(
    tracks, matrices, field, seeds, n_seeds, primary, primary_covariance, axis, cuts, pairs, positions, is_v0
):
    """Writes the acceptable pairs of the tracks seeds[:n_seeds] into pairs (m, 2), their vertices into positions (m,
    3), and into is_v0 (m,) whether they look like a V0; returns how many there are.
    """
    plain = np.zeros(1)
    rows, weight, constraints, work = np.empty(2, np.int64), np.empty(2), np.empty((2, 10)), np.empty((2, 5))
    elsewhere, position, covariance, total = np.zeros(2), np.empty(3), np.empty((3, 3)), np.empty(4)
    n = 0
    for a in range(n_seeds):
        for b in range(a + 1, n_seeds):
            rows[0], rows[1] = seeds[a], seeds[b]
            first, second = tracks[rows[0]], tracks[rows[1]]
            if not find_crossing(first, second, position):
                continue
            if math.hypot(position[0] - primary[0], position[1] - primary[1]) > 2 * cuts.flight_max:
                continue
            chi2 = fit_vertex(
                tracks, matrices, field, rows, 2, elsewhere, 0.0, plain, position, covariance, weight, constraints, work
            )
            _, significance, across, forward = measure_flight(position, covariance, primary, primary_covariance, axis)
            bad = not chi2 < cuts.pair_chi2_max or not significance > cuts.flight_significance_min
            if bad or not forward or across > cuts.flight_max:
                continue
            clear_momentum(total)
            add_momentum(first, constraints[0, 9], PION, total)
            add_momentum(second, constraints[1, 9], PION, total)
            if invariant_mass(total) > cuts.mass_max:
                continue
            pairs[n, 0], pairs[n, 1] = rows[0], rows[1]
            for i in range(3):
                positions[n, i] = position[i]
            is_v0[n] = cuts.reject_v0 and is_like_v0(first, second, constraints, position, primary, cuts, total)
            n += 1
    return n


@compiled
def find_in_jet(
    tracks, matrices, field, low, high, chi2_primary, primary, primary_covariance, axis, cuts, temperatures,
    records, vertex_of, weights, phi,
):  # fmt: skip
    """Finds up to cuts.max_vertices vertices among tracks[low:high]; returns how many.

    Pairs of tracks that are far from the primary vertex are fitted; those like a V0 take their tracks out. The
    pair with whose vertex most tracks agree (χ² below the cut, and less than to the primary vertex) is the start
    of an adaptive fit of all the jet's tracks that are left. A vertex that passes the cuts takes those with a
    weight above one half; then the search goes on without them.

    Writes each vertex into records (max_vertices,), of the type VERTEX; and of each track of the jet its vertex (-1:
    none) into vertex_of, its weight there and its azimuth there into weights and phi, all (total,).
    """
    n = high - low
    available, seeds = np.ones(n, np.bool_), np.empty(MAX_SEEDS, np.int64)
    n_seeds = 0
    for k in range(low, high):  # the most displaced ones, in falling order
        if chi2_primary[k] > cuts.seed_significance**2:
            rank = min(n_seeds, MAX_SEEDS)
            while rank > 0 and chi2_primary[k] > chi2_primary[seeds[rank - 1]]:
                if rank < MAX_SEEDS:
                    seeds[rank] = seeds[rank - 1]
                rank -= 1
            if rank < MAX_SEEDS:
                seeds[rank] = k
                n_seeds = min(n_seeds + 1, MAX_SEEDS)
    if n_seeds < 2:
        return 0
    most_pairs = n_seeds * (n_seeds - 1) // 2
    pairs, positions = np.empty((most_pairs, 2), np.int64), np.empty((most_pairs, 3))
    is_v0 = np.zeros(most_pairs, np.bool_)
    n_pairs = find_pairs(
        tracks, matrices, field, seeds, n_seeds, primary, primary_covariance, axis, cuts, pairs, positions, is_v0
    )
    for pair in range(n_pairs):
        if is_v0[pair]:
            available[pairs[pair, 0] - low] = False
            available[pairs[pair, 1] - low] = False

    rows, elsewhere, weight = np.empty(n, np.int64), np.empty(n), np.empty(n)
    constraints, work, position, covariance = np.empty((n, 10)), np.empty((2, 5)), np.empty(3), np.empty((3, 3))
    agree = np.empty(n_pairs, np.int64)
    for pair in range(n_pairs):
        agree[pair] = -1
        if is_v0[pair]:
            continue
        agree[pair] = 0
        for k in range(n):
            x, y, z = positions[pair, 0], positions[pair, 1], positions[pair, 2]
            fill_constraint(tracks[low + k], matrices[low + k], field, x, y, z, work, constraints[0])
            distance = chi_squared(constraints[0], 0.0, 0.0, 0.0)
            if available[k] and distance < min(cuts.chi2_cut, chi2_primary[low + k]):
                agree[pair] += 1

    total = np.empty(4)
    count, failures = 0, 0
    while count < cuts.max_vertices and failures < MAX_FAILURES:
        best = -1
        for pair in range(n_pairs):
            both = available[pairs[pair, 0] - low] and available[pairs[pair, 1] - low]
            if both and agree[pair] > 0 and (best < 0 or agree[pair] > agree[best]):
                best = pair
        if best < 0:
            break
        agree[best] = -1
        for i in range(3):
            position[i] = positions[best, i]
        m = 0
        for k in range(n):
            if available[k]:
                rows[m], elsewhere[m] = low + k, chi2_primary[low + k]
                m += 1
        chi2 = fit_vertex(
            tracks, matrices, field, rows, m, elsewhere, cuts.chi2_cut, temperatures,
            position, covariance, weight, constraints, work,
        )  # fmt: skip
        length, significance, across, forward = measure_flight(position, covariance, primary, primary_covariance, axis)
        clear_momentum(total)
        members, ndf, along = 0, -3.0, 0.0
        for k in range(m):
            ndf += 2 * weight[k]
            if weight[k] > 0.5:
                members += 1
                add_momentum(tracks[rows[k]], constraints[k, 9], PION, total)
        for i in range(3):
            along += total[i] * (position[i] - primary[i])
        fits = members >= 2 and chi2 <= cuts.chi2_per_ndf_max * max(ndf, 1.0)
        away = forward and along > 0.0 and significance > cuts.flight_significance_min and across < cuts.flight_max
        if not (fits and away and invariant_mass(total) < cuts.mass_max):
            failures += 1
            continue
        vertex = records[count]
        for i in range(3):
            vertex.position[i] = position[i]
            for j in range(3):
                vertex.covariance[i, j] = covariance[min(i, j), max(i, j)]
        vertex.chi2, vertex.ndf, vertex.length, vertex.significance = chi2, ndf, length, significance
        for k in range(m):
            if weight[k] > 0.5:
                vertex_of[rows[k]], weights[rows[k]], phi[rows[k]] = count, weight[k], constraints[k, 9]
                available[rows[k] - low] = False
        count += 1
    return count
