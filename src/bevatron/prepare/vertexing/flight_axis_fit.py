"""The fit of a decay chain, all vertices of which are on one line from the primary vertex. Compiled; mm and rad.

G. Piacquadio and C. Weiser, A new inclusive secondary vertex algorithm for b-jet tagging in ATLAS, J. Phys. Conf. Ser.
119 (2008) 032032 ("JetFitter"). There a Kalman filter adds the tracks one by one. Here Gauss-Newton steps minimise the
same χ² for all tracks at once, which has the same solution.
"""

import math
from typing import NamedTuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.transport import add_normal, chi_squared, clear_normal, fill_constraint

GLOBAL = 5  # parameters that all vertices share
STEPS, HALVINGS = 30, 8
CLOSE, NEAR = 1e-7, 1e-3  # a fit ends when a step promises to lower χ² by less: 3e-4 and 0.03 standard deviations
MAX_STEP = 20.0  # mm: largest change of a distance in one step
LOOSE = 1e-5  # mm⁻²: each distance is known to 300 mm at least, so that a track along the axis can be fitted
PRIMARY = -1  # number of the primary vertex


class ChainPrior(NamedTuple):
    """What is known before the tracks are used: the primary vertex (3,) in mm and the inverse of its covariance (3, 3);
    phi and theta of the jet's axis and the inverses of their variances.
    """

    vertex: np.ndarray
    vertex_weight: np.ndarray
    phi: float
    theta: float
    phi_weight: float
    theta_weight: float


class ChainBuffers(NamedTuple):
    """Buffers for the fit of n tracks. `fit_chain` describes what they hold after it."""

    constraints: np.ndarray  # (n, 10)
    chi2: np.ndarray  # (n,): of each track
    normal: np.ndarray  # (n + 1, 3, 3): normal matrix of each vertex's position; the last: of the primary vertex
    right: np.ndarray  # (n + 1, 3)
    trial: np.ndarray  # (5 + n,)
    step: np.ndarray  # (5 + n,)
    shared: np.ndarray  # (5, 5): normal matrix of the shared parameters, after elimination of the distances
    shared_right: np.ndarray  # (5,)
    covariance: np.ndarray  # (5, 5): its inverse
    coupling: np.ndarray  # (n, 5): each distance's normal elements with the shared parameters, over its own element
    distance_right: np.ndarray  # (n,)
    distance_weight: np.ndarray  # (n,)


@compiled
def make_buffers(n):
    """Makes the buffers for the fit of up to n tracks."""
    return ChainBuffers(
        np.zeros((n, 10)),
        np.zeros(n),
        np.zeros((n + 1, 3, 3)),
        np.zeros((n + 1, 3)),
        np.zeros(GLOBAL + n),
        np.zeros(GLOBAL + n),
        np.zeros((GLOBAL, GLOBAL)),
        np.zeros(GLOBAL),
        np.zeros((GLOBAL, GLOBAL)),
        np.zeros((n, GLOBAL)),
        np.zeros(n),
        np.zeros(n),
    )


@compiled
def fit_chain(tracks, matrices, field, rows, n, vertex_of, m, prior, parameters, buffers, close):
    """Fits tracks[rows[:n]] to m vertices along the flight axis; returns χ².

    vertex_of[:n] is the vertex of each track: 0 … m - 1, or PRIMARY. The parameters (5 + m,) are the primary vertex p,
    phi and theta of the flight, and the distances d_i along it of the vertices x_i = p + d_i u with u = (sin θ cos φ,
    sin θ sin φ, cos θ). `parameters` has the start of the fit, and then its result. The fit minimises, with p0, C, φ0,
    θ0 and their variances from `prior`,

      χ² = (p - p0)ᵀ C⁻¹ (p - p0) + (φ - φ0)²/σ_φ² + (θ - θ0)²/σ_θ² + Σ_tracks r(x)ᵀ G r(x),

    where r(x) are the two distances of the exact helix to its vertex x, and G is the inverse of their covariance
    (`transport.fill_constraint`). Each distance is coupled to the five shared parameters only. The distances are
    therefore eliminated (Schur complement), and a step needs the inverse of a 5 × 5 matrix for every m. Steps that
    raise χ² are halved. The fit ends when a step promises to lower χ² by less than `close`.

    At the solution the buffers hold chi2 (n,) of each track, the covariance S (5, 5) of the shared parameters, and for
    each distance its coupling w_i (5,) and weight e_i. With these, cov(d_i, d_j) = δ_ij / e_i + w_iᵀ S w_j and
    cov(shared, d_i) = -S w_i.
    """
    total = _evaluate(tracks, matrices, field, rows, n, vertex_of, m, prior, parameters, buffers)
    for _ in range(STEPS):
        gain = _solve(m, prior, parameters, buffers)
        if not gain > close:
            break
        fraction, accepted = 1.0, False
        for i in range(m):
            size = abs(buffers.step[GLOBAL + i])
            fraction = min(fraction, MAX_STEP / size) if size > MAX_STEP else fraction
        for _ in range(HALVINGS):
            for i in range(GLOBAL + m):
                buffers.trial[i] = parameters[i] + fraction * buffers.step[i]
            lower = _evaluate(tracks, matrices, field, rows, n, vertex_of, m, prior, buffers.trial, buffers)
            if lower <= total + close:
                accepted = True
                break
            fraction *= 0.5
        if not accepted:  # no lower point along the step: rounding, or a track that turns away
            total = _evaluate(tracks, matrices, field, rows, n, vertex_of, m, prior, parameters, buffers)
            _solve(m, prior, parameters, buffers)
            break
        total = lower
        for i in range(GLOBAL + m):
            parameters[i] = buffers.trial[i]
    return total


@compiled
def distance_covariance(buffers, i, j):
    """The covariance, in mm², of the distances of the vertices i and j, after `fit_chain`."""
    total = 1 / buffers.distance_weight[i] if i == j else 0.0
    for a in range(GLOBAL):
        for b in range(GLOBAL):
            total += buffers.coupling[i, a] * buffers.covariance[a, b] * buffers.coupling[j, b]
    return total


@compiled
def find_start(track, matrix, field, prior, constraint, work):
    """The distance in mm from the primary vertex at which a track crosses the jet's axis.

    It is the point of the axis at which the track's χ² is smallest. constraint (10,) and work (2, 5) are buffers.
    """
    ux, uy = math.sin(prior.theta) * math.cos(prior.phi), math.sin(prior.theta) * math.sin(prior.phi)
    uz = math.cos(prior.theta)
    distance = 0.0
    for _ in range(4):
        x, y = prior.vertex[0] + distance * ux, prior.vertex[1] + distance * uy
        fill_constraint(track, matrix, field, x, y, prior.vertex[2] + distance * uz, work, constraint)
        h_d = constraint[2] * ux + constraint[3] * uy
        h_z = constraint[4] * ux + constraint[5] * uy - uz
        g_d = constraint[6] * h_d + constraint[7] * h_z
        g_z = constraint[7] * h_d + constraint[8] * h_z
        weight = h_d * g_d + h_z * g_z + LOOSE
        step = -(g_d * constraint[0] + g_z * constraint[1]) / weight
        distance += min(max(step, -MAX_STEP), MAX_STEP)
        if abs(step) < 1e-3:
            break
    return distance


@compiled
def _evaluate(tracks, matrices, field, rows, n, vertex_of, m, prior, parameters, buffers):
    """Returns χ² at `parameters`; fills the tracks' constraints and the normal equations of each vertex's position."""
    phi, theta = parameters[3], parameters[4]
    ux, uy, uz = math.sin(theta) * math.cos(phi), math.sin(theta) * math.sin(phi), math.cos(theta)
    for vertex in range(m):
        clear_normal(buffers.normal[vertex], buffers.right[vertex])
    last = len(buffers.normal) - 1
    clear_normal(buffers.normal[last], buffers.right[last])
    total = prior.phi_weight * (phi - prior.phi) ** 2 + prior.theta_weight * (theta - prior.theta) ** 2
    for i in range(3):
        for j in range(3):
            away = (parameters[i] - prior.vertex[i]) * (parameters[j] - prior.vertex[j])
            total += prior.vertex_weight[i, j] * away
    work = np.empty((2, 5))
    for k in range(n):
        vertex = vertex_of[k]
        distance = parameters[GLOBAL + vertex] if vertex >= 0 else 0.0
        x, y, z = parameters[0] + distance * ux, parameters[1] + distance * uy, parameters[2] + distance * uz
        fill_constraint(tracks[rows[k]], matrices[rows[k]], field, x, y, z, work, buffers.constraints[k])
        buffers.chi2[k] = chi_squared(buffers.constraints[k], 0.0, 0.0, 0.0)
        total += buffers.chi2[k]
        place = vertex if vertex >= 0 else last
        add_normal(buffers.constraints[k], 1.0, buffers.normal[place], buffers.right[place])
    return total


@compiled
def _solve(m, prior, parameters, buffers):
    """Computes the Gauss-Newton step at the last call of `_evaluate`; returns the decrease of χ² that it promises."""
    phi, theta = parameters[3], parameters[4]
    u = np.empty((3, 3))  # rows: the direction, its derivatives by phi and theta
    sine, cosine = math.sin(theta), math.cos(theta)
    u[0, 0], u[0, 1], u[0, 2] = sine * math.cos(phi), sine * math.sin(phi), cosine
    u[1, 0], u[1, 1], u[1, 2] = -u[0, 1], u[0, 0], 0.0
    u[2, 0], u[2, 1], u[2, 2] = cosine * math.cos(phi), cosine * math.sin(phi), -sine
    shared, right = buffers.shared, buffers.shared_right
    last = len(buffers.normal) - 1
    for i in range(GLOBAL):
        right[i] = 0.0
        for j in range(GLOBAL):
            shared[i, j] = 0.0
    for i in range(3):
        right[i] = buffers.right[last, i]
        for j in range(3):
            shared[i, j] = prior.vertex_weight[i, j] + buffers.normal[last, i, j]
            right[i] -= prior.vertex_weight[i, j] * (parameters[j] - prior.vertex[j])
    shared[3, 3], shared[4, 4] = prior.phi_weight, prior.theta_weight
    right[3] = -prior.phi_weight * (phi - prior.phi)
    right[4] = -prior.theta_weight * (theta - prior.theta)
    moves = np.zeros((GLOBAL, 3))  # ∂x/∂(shared parameters)
    for i in range(3):
        moves[i, i] = 1.0
    product = np.empty(3)
    for vertex in range(m):
        distance = parameters[GLOBAL + vertex]
        normal, push = buffers.normal[vertex], buffers.right[vertex]
        for i in range(3):
            moves[3, i], moves[4, i] = distance * u[1, i], distance * u[2, i]
        weight, along = LOOSE, 0.0
        for i in range(3):
            product[i] = normal[i, 0] * u[0, 0] + normal[i, 1] * u[0, 1] + normal[i, 2] * u[0, 2]
            weight += u[0, i] * product[i]
            along += u[0, i] * push[i]
        buffers.distance_weight[vertex], buffers.distance_right[vertex] = weight, along
        for a in range(GLOBAL):
            buffers.coupling[vertex, a] = (
                moves[a, 0] * product[0] + moves[a, 1] * product[1] + moves[a, 2] * product[2]
            ) / weight
        for a in range(GLOBAL):
            right[a] += moves[a, 0] * push[0] + moves[a, 1] * push[1] + moves[a, 2] * push[2]
            right[a] -= buffers.coupling[vertex, a] * along
            for b in range(GLOBAL):
                element = 0.0
                for i in range(3):
                    for j in range(3):
                        element += moves[a, i] * normal[i, j] * moves[b, j]
                shared[a, b] += element - buffers.coupling[vertex, a] * weight * buffers.coupling[vertex, b]
    _invert_shared(shared, buffers.covariance)
    step, gain = buffers.step, 0.0
    for a in range(GLOBAL):
        step[a] = 0.0
        for b in range(GLOBAL):
            step[a] += buffers.covariance[a, b] * right[b]
        gain += step[a] * right[a]
    for vertex in range(m):
        weight, along = buffers.distance_weight[vertex], buffers.distance_right[vertex]
        step[GLOBAL + vertex] = along / weight
        for a in range(GLOBAL):
            step[GLOBAL + vertex] -= buffers.coupling[vertex, a] * step[a]
        gain += along * along / weight
    return gain


@compiled
def _invert_shared(matrix, inverse):
    """Writes the inverse of a positive definite matrix (5, 5), computed from its Cholesky factor."""
    lower, upper = np.zeros((GLOBAL, GLOBAL)), np.zeros((GLOBAL, GLOBAL))  # L, and L⁻¹
    for i in range(GLOBAL):
        for j in range(i + 1):
            remaining = matrix[i, j]
            for k in range(j):
                remaining -= lower[i, k] * lower[j, k]
            lower[i, j] = math.sqrt(max(remaining, 1e-30)) if i == j else remaining / lower[j, j]
    for j in range(GLOBAL):
        upper[j, j] = 1 / lower[j, j]
        for i in range(j + 1, GLOBAL):
            remaining = 0.0
            for k in range(j, i):
                remaining -= lower[i, k] * upper[k, j]
            upper[i, j] = remaining / lower[i, i]
    for i in range(GLOBAL):
        for j in range(GLOBAL):
            inverse[i, j] = 0.0
            for k in range(max(i, j), GLOBAL):
                inverse[i, j] += upper[k, i] * upper[k, j]
