"""Reconstructed jets beside published numbers: tracks whose resolution is known, and vertices that were counted."""

import numpy as np
import pytest

from bevatron.prepare.jets.comparisons import compute_comparisons
from bevatron.prepare.jets.published import d0_resolution
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

TRACKS = ("d0", "theta", "q_over_p", "cov_d0_d0")


def jets(n=3_000, of_jet=5, seed=1, relative=False, error_scale=1.0):
    """Jets of the three flavours in turn at |eta| < 1, whose tracks scatter by exactly the published resolution, and of
    which all beauty jets, every second charm jet and no light jet have a vertex.
    """
    rng = np.random.default_rng(seed)
    eta, flavour = rng.uniform(-0.9, 0.9, n), np.arange(n) % 3
    theta_of_jet = np.repeat(2 * np.arctan(np.exp(-eta)), of_jet)
    theta = theta_of_jet + rng.uniform(-0.3, 0.3, n * of_jet)
    pt = np.exp(rng.uniform(np.log(0.6), np.log(18.0), n * of_jet))
    d0 = rng.standard_normal(n * of_jet) * d0_resolution(pt)
    values = np.column_stack(
        [
            d0,
            theta - theta_of_jet if relative else theta,
            rng.choice([-1.0, 1.0], n * of_jet) * np.sin(theta) / pt,
            (error_scale * d0_resolution(pt)) ** 2,
        ]
    ).astype(np.float32)
    vertices = np.where(flavour == 2, 2, np.where(flavour == 1, np.arange(n) // 3 % 2, 0))
    tracks = Ragged(values, np.arange(n + 1) * of_jet)
    dense = {
        "jet": (np.stack([np.full(n, 30.0), eta], 1), ("pt", "eta")),
        "experts": (vertices[:, None].astype(float), ("n_secondary_vertices",)),
    }
    inputs = {name: Group(Dense(v), features, ("",) * len(features)) for name, (v, features) in dense.items()}
    inputs["tracks"] = Group(tracks, TRACKS, ("",) * len(TRACKS))
    return Samples(inputs, {"flavour": flavour}, np.arange(n, dtype=np.uint64))


def panels(samples):
    return {panel.name: panel for panel in compute_comparisons(samples)}


@pytest.mark.parametrize("relative", [False, True])
def test_the_spread_of_tracks_is_the_resolution_with_which_they_were_made(relative):
    panel = panels(jets(relative=relative))["d0_resolution"]
    curve, spread, given = panel.curves
    assert curve.published
    expected = 1000 * d0_resolution(np.array(spread.x))
    pull = (np.array(spread.y) - expected) / spread.error
    assert len(pull) == 9
    assert np.abs(pull).max() < 4.5  # a bin's tracks are not all at its mean
    np.testing.assert_allclose(given.y, expected, rtol=0.05)


def test_the_errors_of_spreads_cover():
    """In many samples the spread differs from its mean by the error that it is given."""
    spreads = [panels(jets(900, seed=seed))["d0_resolution"].curves[1] for seed in range(60)]
    values = np.array([curve.y for curve in spreads])
    errors = np.array([curve.error for curve in spreads])
    assert np.mean(values.std(0) / errors.mean(0)) == pytest.approx(1.0, abs=0.12)


def test_significances_of_errors_of_the_right_size_are_a_unit_gaussian():
    curves = panels(jets())["d0_significance"].curves
    assert [curve.label for curve in curves] == ["unit Gaussian", "light", "charm", "beauty"]
    for curve in curves[1:]:
        x, y, error = np.array(curve.x), np.array(curve.y), np.array(curve.error)
        core = np.abs(x) < 2.5
        assert np.abs((y - np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)) / error)[core].max() < 4.5
    light = panels(jets(error_scale=0.5))["d0_significance"].curves[1]  # errors too small: wider than the Gaussian
    assert np.interp(3.25, light.x, light.y) > 0.04


def test_the_fractions_of_jets_with_vertices_are_those_counted():
    panel = panels(jets())["vertices"]
    assert panel.x_names == ["light", "charm", "beauty"]
    theirs = [curve for curve in panel.curves if curve.published]
    assert all("not confirmed" in curve.label for curve in theirs)
    assert all(curve.error == pytest.approx([0.08, 0.14, 0.10]) for curve in theirs)  # the two differ by that much
    (ours,) = (curve for curve in panel.curves if not curve.published)
    assert ours.label == "experts: n_secondary_vertices"
    assert ours.y == [0.0, 0.5, 1.0]


def test_each_finder_of_vertices_has_its_points():
    samples = jets(30)
    samples.inputs["sv1"] = Group(Dense(np.ones((30, 2))), ("mass", "n_inclusive_vertices"), ("", ""))
    labels = [curve.label for curve in panels(samples)["vertices"].curves if not curve.published]
    assert labels == ["experts: n_secondary_vertices", "sv1: n_inclusive_vertices"]


@pytest.mark.parametrize("n", [0, 1])
def test_no_jets_or_one_are_no_points_and_no_error(n):
    found = panels(jets(n))
    assert found["d0_resolution"].curves[1].y == []
    assert all(np.isfinite(curve.y).all() for panel in found.values() for curve in panel.curves)
