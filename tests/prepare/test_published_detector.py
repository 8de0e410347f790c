"""The published tracker, against the numbers of its card and its code."""

import numpy as np
import pytest

from bevatron.prepare.jets.published_options import PublishedTracking
from bevatron.prepare.tracking.charged_species import ChargedSpecies
from bevatron.prepare.tracking.published_detector import (
    measure_published,
    published_covariance,
    published_efficiency,
    resolution_table,
)

PION, ELECTRON, MUON = 211, 11, 13


@pytest.mark.parametrize(
    ("pt", "eta", "species", "expected"),
    [
        (0.1, 0.0, PION, 0.0),
        (0.5, 0.0, PION, 0.70),
        (1.0, -1.5, PION, 0.70),
        (1.01, 1.5, PION, 0.95),
        (0.5, 1.6, PION, 0.60),
        (50.0, -2.5, PION, 0.85),
        (50.0, 2.51, PION, 0.0),
        (0.7, 0.3, ELECTRON, 0.73),
        (7.0, 0.3, ELECTRON, 0.95),
        (101.0, 0.3, ELECTRON, 0.99),
        (0.7, 2.3, ELECTRON, 0.50),
        (7.0, 2.3, ELECTRON, 0.83),
        (101.0, 2.3, ELECTRON, 0.90),
        (0.7, 0.3, MUON, 0.75),
        (7.0, 0.3, MUON, 0.99),
        (0.7, 2.3, MUON, 0.70),
        (7.0, 2.3, MUON, 0.98),
    ],
)
def test_efficiencies_are_those_of_the_card(pt, eta, species, expected):
    assert published_efficiency(np.array([pt]), np.array([eta]), np.array([species]))[0] == expected


def test_soft_tracks_have_twice_the_errors_of_the_first_bin_whatever_their_pt():
    """do_low_pt_hack: D C D with 2 for d0 and z0."""
    options = PublishedTracking()
    eta = np.full(4, 1.2)
    soft, softer, first, edge = published_covariance(np.array([9.9, 0.6, 10.1, 10.0]), eta, options)
    np.testing.assert_array_equal(soft, softer)
    np.testing.assert_array_equal(soft, edge)  # a bin begins above its edge
    factors = np.array([2.0, 2.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(soft, first * np.outer(factors, factors))


def test_the_errors_are_those_of_bins():
    options = PublishedTracking()
    pt = np.array([11.0, 19.0, 21.0, 21.0])
    found = published_covariance(pt, np.array([0.1, -0.39, 0.1, 0.41]), options)
    np.testing.assert_array_equal(found[0], found[1])
    assert (np.diagonal(found[2])[[0, 4]] < np.diagonal(found[1])[[0, 4]]).all()
    assert not np.array_equal(found[2], found[3])


def test_resolutions_are_near_the_published_files():
    """Of its tracks (A. Stein's notebooks) the largest variances: 0.0025 mm² of d0, 0.22 mm² of z0, 2.4e-7 of phi; and
    the mean ones of the first tracks, of which nearly all are softer than 10 GeV: 0.00118 mm², 0.057 mm², 1.2e-7.
    """
    soft = np.diagonal(resolution_table()[0], axis1=1, axis2=2)
    assert soft[:, 0].max() == pytest.approx(0.00246, rel=0.35)
    assert soft[:, 1].max() == pytest.approx(0.222, rel=0.45)
    assert soft[:, 2].max() == pytest.approx(2.4e-7, rel=0.4)
    inside = np.array([0.4, 0.4, 0.25, 0.45, 0.2, 0.3, 0.25, 0.25])  # widths of the bins in |eta| up to 2.5
    mean = np.average(soft, axis=0, weights=inside)
    np.testing.assert_allclose(mean[[0, 1, 2]], [0.00118, 0.057, 1.2e-7], rtol=0.35)  # harder tracks pull them down


def test_all_matrices_are_positive_definite_and_symmetric():
    table = resolution_table().reshape(-1, 5, 5)
    sigma = np.sqrt(np.diagonal(table, axis1=1, axis2=2))
    np.testing.assert_allclose(table, np.swapaxes(table, 1, 2))
    assert np.linalg.eigvalsh(table / (sigma[:, :, None] * sigma[:, None, :])).min() > 1e-6


def particles(n, pt=5.0, eta=0.2, vertex=(0.0, 0.0, 0.0), species=PION):
    momentum = np.tile([pt, 0.0, pt * np.sinh(eta)], (n, 1))
    return ChargedSpecies(np.arange(n), momentum, np.tile(vertex, (n, 1)), np.ones(n), np.full(n, species))


def random(seed=3):
    return np.random.default_rng(seed)


def test_tracks_are_found_and_smeared_as_the_bin_says():
    n = 40_000
    tracks = measure_published(particles(n), PublishedTracking(), random())
    assert len(tracks) / n == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / n))
    given = tracks.covariance[0]
    assert (tracks.covariance == given).all()
    moved = tracks.parameters - [0.0, 0.0, 0.0, 2 * np.arctan(np.exp(-0.2)), 1 / (5 * np.cosh(0.2))]
    scale = np.sqrt(np.diagonal(given))
    np.testing.assert_allclose(
        np.cov(moved.T) / np.outer(scale, scale), given / np.outer(scale, scale), atol=5 / np.sqrt(len(tracks))
    )
    assert np.abs(moved.mean(axis=0) / scale).max() < 5 / np.sqrt(len(tracks))


def test_the_tracker_sees_decays_inside_its_cylinder():
    inside = measure_published(particles(100, vertex=(1100.0, 0.0, 0.0)), PublishedTracking(), random())
    outside = measure_published(particles(100, vertex=(1200.0, 0.0, 0.0)), PublishedTracking(), random())
    far = measure_published(particles(100, vertex=(0.0, 0.0, 3600.0)), PublishedTracking(), random())
    assert len(inside) > 80
    assert len(outside) == len(far) == 0
    assert not inside.prompt.any()


def test_z0_is_delphes_one():
    """A straight track at 45 degrees from a vertex 3 mm away, of which the perigee is 1 mm from the beam."""
    momentum, vertex = np.array([[1e4, 0.0, 1e4]]), np.array([[np.sqrt(8.0), 1.0, 7.0]])
    hard = ChargedSpecies(np.zeros(1, int), momentum, vertex, np.ones(1), np.array([MUON]))
    many = hard.take(np.zeros(200, int))
    tracks = measure_published(many, PublishedTracking(resolution_scale=1e-3), random())
    assert np.abs(tracks.parameters[:, 0]).mean() == pytest.approx(1.0, abs=1e-3)
    assert tracks.parameters[:, 1].mean() == pytest.approx(7.0 + 1.0 - 3.0, abs=1e-2)  # a perigee has 7 - sqrt(8)


def test_prompt_tracks_have_their_perigees_z0():
    tracks = measure_published(particles(100), PublishedTracking(resolution_scale=1e-6), random())
    np.testing.assert_allclose(tracks.parameters[:, 1], 0.0, atol=1e-5)


def test_nothing_to_measure():
    tracks = measure_published(particles(0), PublishedTracking(), random())
    assert len(tracks) == 0
    assert tracks.parameters.shape == (0, 5)
