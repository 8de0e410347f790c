"""Distances of a measured track to any point, their errors, and their derivatives by the point.

Compiled functions of one track; `track` (5,) is (d0, z0, phi, theta, q/p) at the perigee to the z axis, `matrix`
(5, 5) its covariance. Lengths in mm, angles in rad, momenta in GeV.
"""

import math

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.helix import CURVATURE


@compiled
def propagate(track, field, x, y, z):
    """(d, δz, phi, path): the perigee to the line through (x, y, z) along the beam; `path` is the way there
    from the track's own perigee, in the transverse plane. Exact, by the formulae of `helix.perigee`.
    """
    d0, z0, phi, theta, q_over_p = track[0], track[1], track[2], track[3], track[4]
    sine, cosine, curvature = math.sin(phi), math.cos(phi), CURVATURE * field * q_over_p / math.sin(theta)
    away_x, away_y = -d0 * sine - x, d0 * cosine - y
    delta, along = away_x * sine - away_y * cosine, away_x * cosine + away_y * sine
    radius_squared = away_x**2 + away_y**2
    root = math.sqrt(max(1 + 2 * curvature * delta + curvature**2 * radius_squared, 0.0))
    d = -(2 * delta + curvature * radius_squared) / (1 + root)
    turn = math.atan2(curvature * along, 1 + curvature * delta)
    path = -along if abs(curvature) < 1e-300 else -turn / curvature
    return d, z0 + path * math.cos(theta) / math.sin(theta) - z, phi + turn, path


@compiled
def fill_jacobian(track, field, d, path, jacobian):
    """Writes ∂(d, δz)/∂(d0, z0, phi, theta, q/p) into jacobian (2, 5); d and path as `propagate` gives them.

    With κ the curvature and a = κ path: the curve moves across by n' · ∂X/∂p, and its nearest point along by
    ∂path/∂p = -(∂X/∂p · t' + d n' · ∂t/∂p) / (1 - κ d), at the unit vectors t' along and n' across there.
    """
    theta = track[3]
    sine, cotangent = math.sin(theta), math.cos(theta) / math.sin(theta)
    curvature = CURVATURE * field * track[4] / sine
    a = curvature * path
    sin_a, cos_a, bow = math.sin(a), math.cos(a), 2 * math.sin(a / 2) ** 2
    if abs(a) > 1e-4:
        chord, sagitta = sin_a / curvature, bow / curvature
        across, along = -bow / curvature**2, (path - chord) / curvature
    else:  # the leading terms in a, exact to 1e-9
        chord, sagitta = path, path * a / 2
        across, along = -(path**2) / 2, path**2 * a / 6
    forward = 1 / (1 - curvature * d)
    path_d0 = sin_a * forward
    path_phi = (track[0] * cos_a + sagitta - d) * forward
    path_curvature = (path * d - along) * forward
    by_theta, by_momentum = -curvature * cotangent, CURVATURE * field / sine  # ∂κ/∂theta, ∂κ/∂(q/p)
    jacobian[0, 0] = cos_a
    jacobian[0, 1] = 0.0
    jacobian[0, 2] = chord - track[0] * sin_a
    jacobian[0, 3] = across * by_theta
    jacobian[0, 4] = across * by_momentum
    jacobian[1, 0] = cotangent * path_d0
    jacobian[1, 1] = 1.0
    jacobian[1, 2] = cotangent * path_phi
    jacobian[1, 3] = -path / sine**2 + cotangent * path_curvature * by_theta
    jacobian[1, 4] = cotangent * path_curvature * by_momentum


@compiled
def fill_constraint(track, matrix, field, x, y, z, jacobian, values):
    """Writes what a track measures of a vertex near (x, y, z) into values (10,).

    0, 1: the residuals d and δz; 2, 3: ∂d/∂(x, y); 4, 5: ∂δz/∂(x, y), where ∂d/∂z = 0 and ∂δz/∂z = -1; 6, 7, 8:
    the inverse of their covariance J matrix Jᵀ (dd, dz, zz); 9: phi there. jacobian (2, 5) is a buffer.
    """
    d, away, phi, path = propagate(track, field, x, y, z)
    fill_jacobian(track, field, d, path, jacobian)
    dd, dz, zz = 0.0, 0.0, 0.0
    for i in range(5):
        first, second = 0.0, 0.0
        for j in range(5):
            first += matrix[i, j] * jacobian[0, j]
            second += matrix[i, j] * jacobian[1, j]
        dd += jacobian[0, i] * first
        dz += jacobian[0, i] * second
        zz += jacobian[1, i] * second
    determinant = dd * zz - dz * dz
    theta = track[3]
    forward = 1 / (1 - CURVATURE * field * track[4] / math.sin(theta) * d)
    slope = math.cos(theta) / math.sin(theta) * forward
    values[0], values[1] = d, away
    values[2], values[3] = math.sin(phi), -math.cos(phi)
    values[4], values[5] = slope * math.cos(phi), slope * math.sin(phi)
    values[6], values[7], values[8] = zz / determinant, -dz / determinant, dd / determinant
    values[9] = phi


@compiled
def chi_squared(values, x, y, z):
    """χ² of the track to a vertex that is (x, y, z) away from where `fill_constraint` was called."""
    d = values[0] + values[2] * x + values[3] * y
    away = values[1] + values[4] * x + values[5] * y - z
    return values[6] * d * d + 2 * values[7] * d * away + values[8] * away * away


@compiled
def clear_normal(normal, right):
    """Zeros in normal (3, 3) and right (3,). By loops, as all here: numba compiles them ten times as fast as slices."""
    for i in range(3):
        right[i] = 0.0
        for j in range(3):
            normal[i, j] = 0.0


@compiled
def add_normal(values, weight, normal, right):
    """Adds w Hᵀ G H to normal (3, 3) and -w Hᵀ G r to right (3,), H = ∂r/∂(x, y, z), from a track's `values`."""
    g_d = values[6] * values[0] + values[7] * values[1]
    g_z = values[7] * values[0] + values[8] * values[1]
    for i in range(3):
        across_i, along_i = (values[2 + i], values[4 + i]) if i < 2 else (0.0, -1.0)
        right[i] -= weight * (across_i * g_d + along_i * g_z)
        for j in range(3):
            across_j, along_j = (values[2 + j], values[4 + j]) if j < 2 else (0.0, -1.0)
            mixed = values[7] * (across_i * along_j + along_i * across_j)
            normal[i, j] += weight * (values[6] * across_i * across_j + mixed + values[8] * along_i * along_j)


@compiled
def invert(matrix, inverse):
    """The inverse of the symmetric matrix (3, 3), by its cofactors, into inverse (3, 3)."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 1], matrix[1, 2], matrix[2, 2]
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * aa + b * bb + c * cc
    inverse[0, 0], inverse[1, 1], inverse[2, 2] = aa / determinant, dd / determinant, ff / determinant
    inverse[0, 1], inverse[0, 2], inverse[1, 2] = bb / determinant, cc / determinant, ee / determinant
    inverse[1, 0], inverse[2, 0], inverse[2, 1] = inverse[0, 1], inverse[0, 2], inverse[1, 2]
