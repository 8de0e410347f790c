"""The covariance of a track's five parameters, and tracks smeared by it."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.barrel import correlations
from bevatron.prepare.tracking.resolution_table import ETA, resolution_terms

LARGEST_MOMENTUM = 7_000.0  # GeV; a track cannot be stiffer than the beam


def covariance(parameters: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Covariance (n, 5, 5) of (d0, z0, phi, theta, q/p) in mm, rad and 1/GeV, for tracks (n, 5) of these.

    In (d0, z0, phi, cot θ, q/pt) it is C(pt, eta) = C_hits(eta) + C_scattering(eta) / pt², each a correlation
    matrix (bevatron.prepare.tracking.barrel, fits in the barrel, used at all eta) between published standard deviations
    (bevatron.prepare.tracking.resolution_table, linear in |eta| between the two bins and constant beyond; σ(z0) is that
    of z0 sin θ divided by sin θ). Both are positive definite, and so is their sum. The Jacobian of (θ, q/p) takes it to
    the final parameters. `scale` multiplies all standard deviations: above 1 for a poorer detector.
    """
    matrices = np.empty((len(parameters), 5, 5))
    _fill(np.ascontiguousarray(parameters), scale, np.array(ETA), *resolution_terms(), *correlations(), matrices)
    return matrices


def smear(parameters: np.ndarray, matrices: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Parameters (n, 5) + L · normal (n, 5), L Lᵀ = matrices (n, 5, 5): noise with that covariance."""
    moved = np.array(parameters, np.float64)
    _smear(moved, np.ascontiguousarray(matrices), np.ascontiguousarray(normal))
    minimum = 1.0 / LARGEST_MOMENTUM
    stiff = np.abs(moved[:, 4]) < minimum
    moved[stiff, 4] = np.where(moved[stiff, 4] < 0.0, -minimum, minimum)
    return moved


@compiled
def _fill(parameters, scale, etas, hits, scattering, hit_correlation, scattering_correlation, matrices):
    sigma = np.empty((2, 5))
    for track in range(len(parameters)):
        sine, cosine = math.sin(parameters[track, 3]), math.cos(parameters[track, 3])
        q_over_pt = parameters[track, 4] / sine
        eta = abs(math.asinh(cosine / sine))
        fraction = min(max((eta - etas[0]) / (etas[1] - etas[0]), 0.0), 1.0)
        for k in range(5):
            sigma[0, k] = scale * (hits[0, k] + fraction * (hits[1, k] - hits[0, k]))
            sigma[1, k] = scale * (scattering[0, k] + fraction * (scattering[1, k] - scattering[0, k])) * abs(q_over_pt)
        sigma[0, 1] /= sine
        sigma[1, 1] /= sine
        for i in range(5):
            for j in range(5):
                matrices[track, i, j] = (
                    sigma[0, i] * sigma[0, j] * hit_correlation[i, j]
                    + sigma[1, i] * sigma[1, j] * scattering_correlation[i, j]
                )
        # (cot θ, q/pt) → (θ, q/p): ∂θ/∂cot θ = -sin²θ, ∂(q/p)/∂(q/pt) = sin θ, ∂(q/p)/∂cot θ = -(q/pt) cos θ sin²θ
        mixed = -q_over_pt * cosine * sine * sine
        for i in range(5):
            matrices[track, i, 4] = sine * matrices[track, i, 4] + mixed * matrices[track, i, 3]
            matrices[track, i, 3] *= -sine * sine
        for j in range(5):
            matrices[track, 4, j] = sine * matrices[track, 4, j] + mixed * matrices[track, 3, j]
            matrices[track, 3, j] *= -sine * sine
        for i in range(5):
            for j in range(i):
                matrices[track, i, j] = matrices[track, j, i]  # rounding apart, it is so already


@compiled
def _smear(moved, matrices, normal):
    lower = np.zeros((5, 5))
    for track in range(len(moved)):
        for i in range(5):
            for j in range(i + 1):
                remaining = matrices[track, i, j]
                for k in range(j):
                    remaining -= lower[i, k] * lower[j, k]
                lower[i, j] = math.sqrt(remaining) if i == j else remaining / lower[j, j]
            for j in range(i + 1):
                moved[track, i] += lower[i, j] * normal[track, j]
