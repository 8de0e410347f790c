"""The fit of one vertex from some tracks of a jet. Compiled; lengths in mm."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import add_normal, chi_squared, clear_normal, fill_constraint, invert

STEPS = 12  # largest number of steps
MAX_STEP = 20.0  # mm: longest step
LOOSE = 1e-5  # mm⁻²: the start is known to 300 mm, so that the equations of two parallel tracks are not singular
CLOSE = 1e-4  # mm: a step this short ends the fit


@compiled
def fit_vertex(tracks, matrices, field, rows, n, position, covariance, constraints, work):
    """Fits tracks[rows[:n]] to one point from the start `position` (3,); returns its χ².

    In each Gauss-Newton step the exact helices are linearised at the present point. Their two residuals (d, z) there,
    with the full 2 × 2 covariance, enter the normal equations. Writes position (3,) in mm and covariance (3, 3) in mm²,
    which is the inverse of the normal matrix. constraints (n, 10) and work (2, 5) are buffers.
    """
    normal, right = np.empty((3, 3)), np.empty(3)
    total = 0.0
    for _ in range(STEPS):
        clear_normal(normal, right)
        for axis in range(3):
            normal[axis, axis] = LOOSE
        total = 0.0
        for k in range(n):
            fill_constraint(
                tracks[rows[k]], matrices[rows[k]], field, position[0], position[1], position[2], work, constraints[k]
            )
            total += chi_squared(constraints[k], 0.0, 0.0, 0.0)
            add_normal(constraints[k], 1.0, normal, right)
        invert(normal, covariance)
        length = 0.0
        for i in range(3):
            right_i = covariance[i, 0] * right[0] + covariance[i, 1] * right[1] + covariance[i, 2] * right[2]
            normal[0, i] = right_i
            length += right_i**2
        length = math.sqrt(length)
        if length < CLOSE:
            break
        for i in range(3):
            position[i] += normal[0, i] * min(1.0, MAX_STEP / length) if length > 0.0 else 0.0
    return total


@compiled
def find_crossing(first, second, position):
    """Writes a start for the fit of two tracks into position (3,); returns False if they are parallel.

    It is the point where the tangents at their perigees cross in the transverse plane. z is halfway between the two.
    """
    sine, cosine = np.empty(2), np.empty(2)
    sine[0], cosine[0] = math.sin(first[2]), math.cos(first[2])
    sine[1], cosine[1] = math.sin(second[2]), math.cos(second[2])
    turn = sine[1] * cosine[0] - cosine[1] * sine[0]  # sin(phi2 - phi1)
    if abs(turn) < 1e-4:
        return False
    x = -first[0] * sine[0] + second[0] * sine[1]
    y = first[0] * cosine[0] - second[0] * cosine[1]
    along_first = (cosine[1] * y - sine[1] * x) / turn
    along_second = (cosine[0] * y - sine[0] * x) / turn
    position[0] = -first[0] * sine[0] + along_first * cosine[0]
    position[1] = first[0] * cosine[0] + along_first * sine[0]
    up_first = first[1] + along_first * math.cos(first[3]) / math.sin(first[3])
    up_second = second[1] + along_second * math.cos(second[3]) / math.sin(second[3])
    position[2] = (up_first + up_second) / 2
    return True
