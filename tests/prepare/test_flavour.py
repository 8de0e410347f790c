"""A jet's flavour is that of the heaviest hadron really in it."""

import numpy as np
import pytest

from bevatron.prepare.jets.flavour import BEAUTY, CHARM, LIGHT, assign_flavour
from bevatron.store.shards.columns import Ragged


def label(*hadrons, delta_r=0.3, pt_min=5.0):
    """Flavour of a jet along eta = 0, phi = π, with hadrons (pt, Δeta, Δphi, quark)."""
    pt, eta, phi, quark = np.array(hadrons, np.float64).reshape(-1, 4).T
    phi = phi + np.pi
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
    cut = np.array([0, len(pt)])
    quarks = Ragged(np.stack([quark, quark], axis=1).astype(np.int32), cut)
    return assign_flavour(np.zeros(1), np.full(1, np.pi), Ragged(momenta, cut), quarks, delta_r, pt_min).item()


@pytest.mark.parametrize(
    ("hadrons", "expected"),
    [
        ([], LIGHT),
        ([(20, 0.1, 0.1, 4)], CHARM),
        ([(20, 0.1, 0.1, 5)], BEAUTY),
        ([(20, 0.1, 0.1, 5), (15, 0.1, 0.1, 4)], BEAUTY),
        ([(15, 0.1, -0.1, 4), (20, 0.1, -0.1, 5)], BEAUTY),
        ([(4.9, 0.0, 0.0, 5)], LIGHT),
        ([(4.9, 0.0, 0.0, 5), (6, 0.0, 0.0, 4)], CHARM),
        ([(20, 0.29, 0.0, 5)], BEAUTY),
        ([(20, 0.25, 0.25, 5)], LIGHT),
    ],
)
def test_label(hadrons, expected):
    assert label(*hadrons) == expected


def test_radius_and_threshold_are_options():
    assert label((4, 0.35, 0.0, 5), delta_r=0.4, pt_min=3.0) == BEAUTY


def test_each_jet_gets_its_own_label():
    momenta = np.array([[20.0, 0, 0], [0, 20.0, 0]])
    hadrons = Ragged(momenta, np.array([0, 1, 1, 2]))
    quarks = Ragged(np.array([[511, 5], [411, 4]], np.int32), np.array([0, 1, 1, 2]))
    found = assign_flavour(np.zeros(3), np.array([0, 0, np.pi / 2]), hadrons, quarks, 0.3, 5.0)
    assert found.tolist() == [BEAUTY, LIGHT, CHARM]
