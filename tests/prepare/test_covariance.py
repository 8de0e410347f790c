"""The detector's covariance: the published table, and a matrix that can be one everywhere."""

import numpy as np
import pytest

from bevatron.prepare.tracking.barrel import correlations, fit_covariance
from bevatron.prepare.tracking.covariance import covariance, smear

# JINST 3 (2008) S08003, table of track-parameter resolutions: a and b of a (1 ⊕ b / pt), by |eta| bin centre, in the
# table's own units: TeV⁻¹, μrad, 10⁻³, μm, μm; b in GeV
TABLE = {
    0.375: {
        "q/pt": (0.34, 44.0),
        "phi": (70.0, 39.0),
        "cot theta": (0.7, 5.0),
        "d0": (10.0, 14.0),
        "z0 sin theta": (91.0, 2.3),
    },
    1.625: {
        "q/pt": (0.41, 80.0),
        "phi": (92.0, 49.0),
        "cot theta": (1.2, 10.0),
        "d0": (12.0, 20.0),
        "z0 sin theta": (71.0, 3.7),
    },
}


def track(pt, eta, charge=1.0):
    theta = 2 * np.arctan(np.exp(-np.asarray(eta, float)))
    pt = np.broadcast_to(np.asarray(pt, float), theta.shape)
    return np.stack([0 * theta, 0 * theta, 0 * theta, theta, charge * np.sin(theta) / pt], axis=-1)


def table_units(parameters):
    """(d0, z0 sin θ, phi, cot θ, q/pt) of a track (5,), in the table's units, for derivatives by differences."""
    d0, z0, phi, theta, q_over_p = parameters
    pt = q_over_p / np.sin(theta)
    return np.array([1e3 * d0, 1e3 * z0, 1e6 * phi, 1e3 / np.tan(theta), 1e3 * pt])


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("pt", [1.0, 5.0, 50.0, 1e5])
@pytest.mark.parametrize("eta", sorted(TABLE))
def test_published_resolutions(eta, pt, side):
    at = track(pt, side * eta)
    steps = 1e-6 * np.eye(5) * np.maximum(np.abs(at), 1e-3)
    jacobian = np.stack([(table_units(at + s) - table_units(at - s)) / (2 * s.sum()) for s in steps], axis=1)
    sigma = np.sqrt(np.diag(jacobian @ covariance(at[None])[0] @ jacobian.T))
    sigma[1] *= np.sin(at[3])
    for found, name in zip(sigma, ("d0", "z0 sin theta", "phi", "cot theta", "q/pt"), strict=True):
        a, b = TABLE[eta][name]
        assert found == pytest.approx(a * np.sqrt(1 + (b / pt) ** 2), rel=1e-5), name


def test_positive_definite_over_the_whole_phase_space():
    pt, eta, charge = (
        grid.ravel() for grid in np.meshgrid(np.geomspace(0.3, 3e3, 60), np.linspace(-3, 3, 61), [-1, 1])
    )
    matrices = covariance(track(pt, eta, charge))
    np.testing.assert_array_equal(matrices, matrices.transpose(0, 2, 1))
    sigma = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    assert np.linalg.eigvalsh(matrices / (sigma[:, :, None] * sigma[:, None, :])).min() > 1e-3


def test_the_assumed_barrel_would_measure_about_what_is_published():
    """Hits and material of bevatron.prepare.tracking.barrel alone, no number of the table in them."""
    for pt in (1e6, 1.0):
        found = np.sqrt(np.diag(fit_covariance(pt))) * [1e3, 1e3, 1e6, 1e3, 1e3]
        names = ("d0", "z0 sin theta", "phi", "cot theta", "q/pt")
        expected = [TABLE[0.375][n][0] * np.hypot(1, TABLE[0.375][n][1] / pt) for n in names]
        np.testing.assert_allclose(found / expected, 1.0, atol=0.35)


def test_a_track_is_best_known_where_it_is_first_measured():
    """So its d0 and its direction are anti-correlated: a wrong angle swings it about the innermost layers."""
    for matrix in correlations():
        assert matrix[0, 2] < -0.7
        assert matrix[1, 3] < -0.7
    for pt in (1.0, 1e5):
        d0_phi = fit_covariance(pt)[np.ix_([0, 2], [0, 2])]
        radius = np.linspace(0, 300, 301)
        error = d0_phi[0, 0] + 2 * radius * d0_phi[0, 1] + radius**2 * d0_phi[1, 1]
        assert 30 < radius[error.argmin()] < 250


def test_smearing_has_the_covariance_it_is_given():
    n = 200_000
    at = np.repeat(track(3.0, [0.9]), n, axis=0)
    matrices = covariance(at, scale=2.0)
    moved = smear(at, matrices, np.random.default_rng(1).standard_normal((n, 5)))
    sigma = np.sqrt(np.diag(matrices[0]))
    found = np.cov(((moved - at) / sigma).T)
    np.testing.assert_allclose(found, matrices[0] / np.outer(sigma, sigma), atol=5 / np.sqrt(n))
    np.testing.assert_allclose(matrices, 4 * covariance(at), rtol=1e-12)


def test_no_track_is_stiffer_than_the_beam():
    at = track([6e3, 6e3], [0.0, 0.0])
    noise = np.zeros((2, 5))
    noise[:, 4] = [-(6e3**-1) / 0.34e-3, 0.0]
    moved = smear(at, covariance(at), noise)
    assert np.abs(moved[:, 4]).min() >= 1 / 7000
