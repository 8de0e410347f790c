"""Cosmic muons: rate, angles, momenta, and where they come in."""

import numpy as np
import pytest

from bevatron.simulate.argon.generators.cosmics import (
    Cosmics,
    generate_muons,
    rate,
    total_intensity,
    vertical_intensity,
)
from bevatron.simulate.argon.tracking.event import COSMIC, Box

BOX = Box((0, -116.5, 0), (256, 116.5, 1036.8))


def found(n=300, box=BOX, **options):
    return generate_muons(Cosmics(**options), box, n, np.random.Generator(np.random.Philox(5)))


def test_one_muon_a_minute_and_square_centimetre():
    """PDG 2022, sec. 30.3.1: 1 / (cm² min) through a horizontal area, and 70 / (m² s sr) vertically above 1 GeV."""
    thin = Box((0, -1e-4, 0), (100, 1e-4, 100))
    assert rate(thin) * 60 / 1e4 == pytest.approx(1.0, rel=0.25)
    assert rate(thin) == pytest.approx(np.pi / 2 * total_intensity() * 1e4, rel=1e-3)  # cos² θ
    zeta = np.geomspace(1, 1000, 2000)
    assert np.trapezoid(vertical_intensity(zeta), zeta) * 1e4 == pytest.approx(70, rel=0.2)


def test_number_in_a_readout_is_poisson():
    p = found(2_000, window=(0.0, 1.6e6))
    counts = np.bincount(p.event, minlength=2_000)
    expected = rate(BOX) * 1.6e-3
    assert counts.mean() == pytest.approx(expected, rel=0.05)
    assert counts.var() == pytest.approx(expected, rel=0.15)


def test_they_come_from_above_onto_the_walls():
    p = found()
    assert (p.origin == COSMIC).all()
    direction = p.momentum / np.linalg.norm(p.momentum, axis=1, keepdims=True)
    assert (direction[:, 1] < 0).all()
    low, high = np.array(BOX.low), np.array(BOX.high)
    on_low, on_high = np.isclose(p.position, low), np.isclose(p.position, high)
    assert (on_low | on_high).any(1).all()
    assert not on_low[:, 1].any()  # none from below
    inwards = np.where(on_low, direction > 0, True) & np.where(on_high, direction < 0, True)
    assert inwards.all()


def test_zenith_angles_through_a_horizontal_area():
    """cos²θ in the sky is cos³θ through a horizontal area: mean cosine 4/5."""
    p = found(2_000, Box((0, -1e-3, 0), (300, 1e-3, 300)), window=(0.0, 4e7))
    cosine = -p.momentum[:, 1] / np.linalg.norm(p.momentum, axis=1)
    assert cosine.mean() == pytest.approx(0.8, abs=0.01)
    assert np.histogram(cosine, [0, 0.5, 1])[0][0] / len(cosine) == pytest.approx(0.5**4, rel=0.2)


def test_charges_times_and_scale():
    p = found(1_000, window=(-1e6, 2e6), scale=2.0)
    positive = (p.pdg == -13).mean()
    assert positive / (1 - positive) == pytest.approx(1.27, rel=0.05)
    assert p.time.min() >= -1e6
    assert p.time.max() <= 2e6
    assert np.bincount(p.event).mean() == pytest.approx(2 * rate(BOX) * 3e-3, rel=0.05)
    assert len(found(scale=0.0).event) == 0


def test_a_window_that_falls_is_refused():
    with pytest.raises(ValueError, match="window: must rise"):
        Cosmics(window=(5.0, 1.0))
