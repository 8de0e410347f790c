"""The adaptive fit of one vertex, with RAVE's weights, annealing and limits. Compiled; lengths in mm."""

import math
from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import add_normal, clear_normal, fill_constraint, invert

LEAST_WEIGHT = 1e-20
COLD = 1e-10  # where no track has a larger weight, the temperature rises
FARTHEST = 1e5  # mm: a vertex beyond is none
RELINEARISE = 0.01  # mm: after a longer step the helices are taken to the new point


class Annealing(NamedTuple):
    """The numbers of `adaptive_cuts.AdaptiveCuts` that fits need, as compiled functions take them."""

    temperature: float
    cooling_ratio: float
    temperature_end: float
    shift_max: float
    max_steps: int
    start_sigma: float
    start_sigma_weights: tuple[float, float, float]


@compiled
def weigh_track(chi2, chi2_cut, temperature):
    """1 / (1 + exp((χ² - χ²_cut) / 2T)), at least LEAST_WEIGHT."""
    if not chi2 < math.inf:
        return LEAST_WEIGHT
    return max(1 / (1 + math.exp(min((chi2 - chi2_cut) / (2 * temperature), 700.0))), LEAST_WEIGHT)


@compiled
def fill_gradient(values, x, y, z, gradient):
    """Writes Hᵀ G r of a track at (x, y, z) from where `fill_constraint` was called into gradient (3,); returns
    rᵀ G r, its χ² there.
    """
    d = values[0] + values[2] * x + values[3] * y
    away = values[1] + values[4] * x + values[5] * y - z
    g_d, g_z = values[6] * d + values[7] * away, values[7] * d + values[8] * away
    gradient[0], gradient[1] = values[2] * g_d + values[4] * g_z, values[3] * g_d + values[5] * g_z
    gradient[2] = -g_z
    return d * g_d + away * g_z


@compiled
def chi_squared_without(values, weight, offset, normal, gradient, reduced, inverse):
    """χ² between a track and the vertex that the others make: rᵀ G r + (v - v')ᵀ N' (v - v').

    v: the vertex, at `offset` (3,) from where `fill_constraint` filled values (10,); v': that of the other tracks, of
    the normal matrix N' = N - w Hᵀ G H. As v solves the normal equations, N' (v - v') = -w Hᵀ G r.
    gradient (3,), reduced (3, 3) and inverse (3, 3) are buffers.
    """
    own = fill_gradient(values, offset[0], offset[1], offset[2], gradient)
    for i in range(3):
        across_i, along_i = (values[2 + i], values[4 + i]) if i < 2 else (0.0, -1.0)
        for j in range(3):
            across_j, along_j = (values[2 + j], values[4 + j]) if j < 2 else (0.0, -1.0)
            mixed = values[7] * (across_i * along_j + along_i * across_j)
            own_normal = values[6] * across_i * across_j + mixed + values[8] * along_i * along_j
            reduced[i, j] = normal[i, j] - weight * own_normal
    if not is_positive(reduced):
        return math.inf
    invert(reduced, inverse)
    others = 0.0
    for i in range(3):
        for j in range(3):
            others += gradient[i] * inverse[i, j] * gradient[j]
    return own + weight * weight * others


@compiled
def is_positive(matrix):
    """Whether the symmetric matrix (3, 3) has a finite positive determinant, so that `invert` can divide by it."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    determinant = a * (d * f - e * e) + b * (c * e - b * f) + c * (b * e - c * d)
    return 0.0 < determinant < math.inf


@compiled
def chi_squared_at_start(values, sigma):
    """rᵀ (V + H C Hᵀ)⁻¹ r: a track's χ² to the start, where `fill_constraint` filled values (10,), and of which the
    standard deviations are sigma (3,): C = diag(sigma²).
    """
    own = values[6] * values[8] - values[7] ** 2
    xx, yy, zz = sigma[0] ** 2, sigma[1] ** 2, sigma[2] ** 2
    first = values[8] / own + values[2] ** 2 * xx + values[3] ** 2 * yy
    mixed = -values[7] / own + values[2] * values[4] * xx + values[3] * values[5] * yy
    second = values[6] / own + values[4] ** 2 * xx + values[5] ** 2 * yy + zz
    determinant = first * second - mixed**2
    chi2 = second * values[0] ** 2 - 2 * mixed * values[0] * values[1] + first * values[1] ** 2
    return chi2 / determinant if determinant > 0.0 else math.inf


@compiled
def fit_adaptive(
    tracks, matrices, field, rows, n, chi2_cut, annealing, position, covariance, weight, constraints, work
):
    """Fits tracks[rows[:n]] to one point from the start `position` (3,); returns Σ w χ², or -1 without a vertex.

    The steps are those of RAVE (CMSSW: AdaptiveVertexFitter, GeometricAnnealing,
    KalmanVertexTrackCompatibilityEstimator; formulae: Waltenberger, Frühwirth, Vanlaer, J. Phys. G 34 (2007) N343):

    - A track weighs w = 1 / (1 + exp((χ² - χ²_cut) / 2T)), with χ² that to the vertex which the other tracks make at
      their weights. In the first step it is that to the start, whose errors are annealing.start_sigma_weights.
    - T starts at annealing.temperature; after each step T - 1 is annealing.cooling_ratio times what it was. Where no
      track weighs more than COLD, it is divided by the ratio instead.
    - The fit ends with a step not longer than annealing.shift_max once T is below annealing.temperature_end, or after
      annealing.max_steps. The weights are those of the last step.
    - The start is also a measurement, of standard deviation annealing.start_sigma.

    RAVE adds the tracks one by one in a Kalman filter, which is linear between its relinearisations. Here the normal
    equations of all are solved at once, the same minimum: Gauss-Newton steps on the exact helices, which are taken to
    the new point after each step longer than RELINEARISE (RAVE: 1 mm).

    Writes position (3,), covariance (3, 3) = inverse of the normal matrix, weight (n,); constraints (n, 10) and work
    (2, 5) are buffers.
    """
    normal, right, start, offset = np.empty((3, 3)), np.empty(3), np.empty(3), np.zeros(3)
    gradient, reduced, inverse = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    prior = 1 / annealing.start_sigma**2
    temperature = annealing.temperature
    for k in range(n):
        row = rows[k]
        fill_constraint(tracks[row], matrices[row], field, position[0], position[1], position[2], work, constraints[k])
        chi2 = chi_squared_at_start(constraints[k], annealing.start_sigma_weights)
        weight[k] = weigh_track(chi2, chi2_cut, temperature)
    for i in range(3):
        start[i] = position[i]
    for step in range(annealing.max_steps):
        clear_normal(normal, right)
        for i in range(3):
            normal[i, i] = prior
            right[i] = prior * (start[i] - position[i])
        heaviest = 0.0
        for k in range(n):
            heaviest = max(heaviest, weight[k])
            add_normal(constraints[k], weight[k], normal, right)
        if not is_positive(normal):
            return -1.0
        invert(normal, covariance)
        moved, farthest = 0.0, 0.0
        for i in range(3):
            new = covariance[i, 0] * right[0] + covariance[i, 1] * right[1] + covariance[i, 2] * right[2]
            moved += (new - offset[i]) ** 2
            offset[i] = new
            farthest = max(farthest, abs(position[i] + new))
        if not (moved < math.inf and farthest < FARTHEST):
            return -1.0
        moved = math.sqrt(moved)
        if heaviest < COLD:
            temperature = 1 + (temperature - 1) / annealing.cooling_ratio
        else:
            temperature = 1 + (temperature - 1) * annealing.cooling_ratio
        if step + 1 == annealing.max_steps or (
            moved <= annealing.shift_max and temperature < annealing.temperature_end
        ):
            break
        for k in range(n):
            chi2 = chi_squared_without(constraints[k], weight[k], offset, normal, gradient, reduced, inverse)
            weight[k] = weigh_track(chi2, chi2_cut, temperature)
        if abs(offset[0]) + abs(offset[1]) + abs(offset[2]) > RELINEARISE:
            for i in range(3):
                position[i] += offset[i]
                offset[i] = 0.0
            for k in range(n):
                row = rows[k]
                fill_constraint(
                    tracks[row], matrices[row], field, position[0], position[1], position[2], work, constraints[k]
                )
    total = 0.0
    for k in range(n):
        total += weight[k] * fill_gradient(constraints[k], offset[0], offset[1], offset[2], gradient)
    for i in range(3):
        position[i] += offset[i]
    return total
