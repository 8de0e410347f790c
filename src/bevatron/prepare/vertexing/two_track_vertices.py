"""Vertices of pairs of displaced tracks, with which vertex finders start. Compiled; lengths in mm, masses in GeV."""

import math
from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.vertexing.vertex_fit import find_crossing, fit_vertex

PION, PROTON, ELECTRON, KAON, LAMBDA = 0.13957, 0.93827, 0.000511, 0.49761, 1.11568  # GeV, Particle Data Group
MAX_SEEDS = 20  # largest number of displaced tracks of a jet that are paired: the most displaced ones
POINTING = 0.995  # smallest cosine of the angle between a V0's momentum and its flight


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
"""A vertex as compiled functions write it, in mm and mm². length and significance are those of the flight to it."""


class PairCuts(NamedTuple):
    """The cuts on two-track vertices, in a form that compiled functions accept. `vertex_finder_options` has options of
    the same names.
    """

    pair_chi2_max: float
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
    """Adds (px, py, pz, E) in GeV of a track with the azimuth `phi` and this mass to total (4,)."""
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
    """Measures the flight from the primary vertex to a vertex.

    Returns its length in mm, its significance (length over error), its length across the beam in mm, and whether it
    points along `axis` (3,). The error is that of both vertices along the flight.
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
    """Whether a pair of tracks looks like the decay of a V0.

    Such a pair has opposite charges, the mass of K0_S → ππ, Λ → pπ or γ → ee, and a momentum that points away from the
    primary vertex. `fill_constraint` filled constraints (2, 10) of both tracks at `position`. total (4,) is a buffer.
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
    """Finds the pairs of the tracks seeds[:n_seeds] whose vertices pass the cuts; returns their number.

    Writes the rows of their tracks into pairs (m, 2), their vertices in mm into positions (m, 3), and whether they look
    like a V0 into is_v0 (m,).
    """
    rows, constraints, work = np.empty(2, np.int64), np.empty((2, 10)), np.empty((2, 5))
    position, covariance, total = np.empty(3), np.empty((3, 3)), np.empty(4)
    n = 0
    for a in range(n_seeds):
        for b in range(a + 1, n_seeds):
            rows[0], rows[1] = seeds[a], seeds[b]
            first, second = tracks[rows[0]], tracks[rows[1]]
            if not find_crossing(first, second, position):
                continue
            if math.hypot(position[0] - primary[0], position[1] - primary[1]) > 2 * cuts.flight_max:
                continue
            chi2 = fit_vertex(tracks, matrices, field, rows, 2, position, covariance, constraints, work)
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
