"""The parametrised detector: the published numbers, and noise of that width."""

import numpy as np
import pytest

from bevatron.prepare.resolution import resolution
from bevatron.prepare.tracks import FEATURES, Constituents, measured


@pytest.mark.parametrize(
    ("eta", "d0", "z0_sine"),
    [(0.375, (10, 14.0), (91, 2.3)), (1.625, (12, 20.0), (71, 3.7)), (-2.4, (12, 20.0), (71, 3.7))],
)
@pytest.mark.parametrize("pt", [1.0, 5.0, 1e6])
def test_published_resolutions_in_micrometres(eta, d0, z0_sine, pt):
    """JINST 3 (2008) S08003: a (1 ⊕ b / pt)."""
    found = resolution(np.array([pt]), np.array([eta]))
    sine = np.sin(2 * np.arctan(np.exp(-eta)))
    assert found.d0[0] * 1e3 == pytest.approx(d0[0] * np.sqrt(1 + (d0[1] / pt) ** 2))
    assert found.z0[0] * sine * 1e3 == pytest.approx(z0_sine[0] * np.sqrt(1 + (z0_sine[1] / pt) ** 2))


def test_harder_tracks_are_measured_better():
    pt = np.geomspace(1, 500, 50)
    for eta in (0.0, 1.0, 2.5):
        assert (np.diff(resolution(pt, np.full(50, eta)).d0) < 0).all()


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_prompt_tracks_have_unit_pulls(scale):
    random, n = np.random.default_rng(5), 40_000
    phi, eta, pt = random.uniform(-3, 3, n), random.uniform(-2.5, 2.5, n), random.uniform(1, 50, n)
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
    tracks = Constituents(np.zeros(n, int), momentum, np.zeros((n, 3)), random.choice([-1.0, 1.0], n))
    found = measured(tracks, *np.array([[50.0], [0.0], [0.0]]), 2.0, scale, np.random.default_rng(6))
    columns = dict(zip(FEATURES, found.T, strict=True))
    for pull in (columns["d0_significance"], columns["z0_significance"]):
        assert pull.mean() == pytest.approx(0.0, abs=5 / np.sqrt(n))
        assert pull.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * n))
    expected = resolution(pt, eta, scale).d0
    np.testing.assert_allclose(columns["d0"], columns["d0_significance"] * expected)
