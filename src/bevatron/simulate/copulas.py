"""Distributions of several features that differ in nothing but how the features depend on each other.

A copula is the joint distribution of features whose own distributions are fixed (A. Sklar, Publ. Inst. Statist. Univ.
Paris 8 (1959) 229). Here every feature is standard normal in each of these distributions:

    linear:  x_j = √ρ z_0 + √(1 - ρ) z_j          the normal distribution in which every two features have correlation ρ
    crossed: x_j = s_j (√ρ z_0 + √(1 - ρ) z_j)    the same with independent random signs s_j

with standard normal z. In `crossed` two features are close to y = x or to y = -x, equally often: their correlation is
zero, and that of their squares is ρ².
"""

from itertools import product

import numpy as np


def draw_linear(random: np.random.Generator, points: int, features: int, rho: float) -> np.ndarray:
    """Points (points, features) of a normal distribution, each two features with the correlation `rho`."""
    z = random.standard_normal((points, features + 1))
    return np.sqrt(rho) * z[:, :1] + np.sqrt(1.0 - rho) * z[:, 1:]


def draw_crossed(random: np.random.Generator, points: int, features: int, rho: float) -> np.ndarray:
    """Points (points, features) that depend on each other without being correlated."""
    x = draw_linear(random, points, features, rho)
    return x * random.choice((-1.0, 1.0), x.shape)


def log_ratio_linear(x: np.ndarray, rho: float) -> np.ndarray:
    """Logarithm of the density of `draw_linear` over that of independent features; x (points, features) to (points,).

    The covariance is (1 - ρ) 1 + ρ J, of determinant (1 - ρ)ᶠ⁻¹ (1 + (f - 1) ρ), and its inverse is
    (1 - κ J) / (1 - ρ) with κ = ρ / (1 + (f - 1) ρ), where J is the matrix of ones.
    """
    return _constant(x.shape[1], rho) + _exponent(x, np.ones(x.shape[1]), rho)


def log_ratio_crossed(x: np.ndarray, rho: float) -> np.ndarray:
    """Logarithm of the density of `draw_crossed` over that of independent features: the mean over all signs."""
    features = x.shape[1]
    total = np.full(len(x), -np.inf)
    for signs in product((-1.0, 1.0), repeat=features - 1):  # x and -x are equally probable: the first sign is free
        total = np.logaddexp(total, _exponent(x, np.array((1.0, *signs)), rho))
    return _constant(features, rho) + total - (features - 1) * np.log(2.0)


def _constant(features: int, rho: float) -> float:
    return -0.5 * ((features - 1) * np.log1p(-rho) + np.log1p((features - 1) * rho))


def _exponent(x: np.ndarray, signs: np.ndarray, rho: float) -> np.ndarray:
    kappa = rho / (1.0 + (x.shape[1] - 1) * rho)
    squares = (x**2).sum(axis=1)
    return 0.5 * squares - 0.5 * (squares - kappa * (x @ signs) ** 2) / (1.0 - rho)
