"""The adaptive fit of one vertex, with the weights, annealing and limits of RAVE. Compiled by numba; lengths in mm."""

import math
from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import add_normal, clear_normal, fill_constraint, invert

LEAST_WEIGHT = 1e-20
COLD = 1e-10  # if no track has a larger weight, the temperature is raised
FARTHEST = 1e5  # mm: a fit with a larger coordinate has failed
RELINEARISE = 0.01  # mm: after a longer step the helices are linearised at the new point


class Annealing(NamedTuple):
    """The options of `adaptive_cuts.AdaptiveCuts` that the fit needs, in a form that compiled functions accept."""

    temperature: float
    cooling_ratio: float
    temperature_end: float
    shift_max: float
    max_steps: int
    start_sigma: float
    start_sigma_weights: tuple[float, float, float]


@compiled
def weigh_track(chi2, chi2_cut, temperature):
    """The weight of a track with this χ²: 1 / (1 + exp((χ² - χ²_cut) / 2T)), at least LEAST_WEIGHT."""
    if not chi2 < math.inf:
        return LEAST_WEIGHT
    return max(1 / (1 + math.exp(min((chi2 - chi2_cut) / (2 * temperature), 700.0))), LEAST_WEIGHT)


@compiled
def fill_gradient(values, x, y, z, gradient):
    """Computes half the gradient and the χ² of a track at a point.

    The point is (x, y, z) from the one for which `fill_constraint` filled values (10,). Writes Hᵀ G r into gradient
    (3,) and returns χ² = rᵀ G r, with r the track's two distances to the point, H their derivatives and G the inverse
    of their covariance.
    """
    d = values[0] + values[2] * x + values[3] * y
    away = values[1] + values[4] * x + values[5] * y - z
    g_d, g_z = values[6] * d + values[7] * away, values[7] * d + values[8] * away
    gradient[0], gradient[1] = values[2] * g_d + values[4] * g_z, values[3] * g_d + values[5] * g_z
    gradient[2] = -g_z
    return d * g_d + away * g_z


@compiled
def chi_squared_without(values, weight, offset, normal, gradient, reduced, inverse):
    """The χ² between a track and the vertex of all other tracks: rᵀ G r + (v - v')ᵀ N' (v - v').

    v is the vertex of all tracks, at `offset` (3,) from the point for which `fill_constraint` filled values (10,).
    v' is the vertex of the other tracks, with the normal matrix N' = N - w Hᵀ G H, where w is the track's weight. Since
    v solves the normal equations, N' (v - v') = -w Hᵀ G r. Returns infinity if N' cannot be inverted. gradient (3,),
    reduced (3, 3) and inverse (3, 3) are buffers.
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
    """The χ² between a track and the start of a fit: rᵀ (V + H C Hᵀ)⁻¹ r.

    The start is the point for which `fill_constraint` filled values (10,). Its coordinates have the standard deviations
    sigma (3,) in mm, so that C = diag(sigma²). V = G⁻¹ is the covariance of the track's distances.
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
    """Fits tracks[rows[:n]] to one vertex, from the start `position` (3,); returns Σ w χ², or -1 if the fit fails.

    The procedure is RAVE's (CMSSW: AdaptiveVertexFitter, GeometricAnnealing, KalmanVertexTrackCompatibilityEstimator;
    formulae: Waltenberger, Frühwirth, Vanlaer, J. Phys. G 34 (2007) N343):

    - The weight of a track is w = 1 / (1 + exp((χ² - χ²_cut) / 2T)). χ² is that between the track and the weighted
      vertex of the other tracks; in the first step, that between the track and the start, whose standard deviations
      are annealing.start_sigma_weights.
    - T starts at annealing.temperature. After each step T - 1 is multiplied by annealing.cooling_ratio, or divided by
      it if no track has a weight above COLD.
    - The fit ends after a step not longer than annealing.shift_max with T below annealing.temperature_end, or after
      annealing.max_steps. The weights are those used in the last step.
    - The start enters the fit as a measurement with the standard deviation annealing.start_sigma.

    RAVE adds the tracks one by one in a Kalman filter, and relinearises after 1 mm. Here Gauss-Newton steps solve the
    normal equations of all tracks at once, and the exact helices are linearised again after each step longer than
    RELINEARISE. The minimum is the same.

    Writes position (3,), covariance (3, 3), which is the inverse of the normal matrix, and weight (n,). constraints
    (n, 10) and work (2, 5) are buffers.
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
