"""Jet widths in closed form."""

import numpy as np

from bevatron.prepare.jets.shape import jet_width
from bevatron.store.shards.columns import Ragged


def test_width_is_the_pt_weighted_root_mean_square():
    cut = np.array([0, 2, 3, 6])
    away = np.array([0.1, -0.1, 0.3, 0.0, 0.0, 0.4])
    pt = np.array([5.0, 20.0, 7.0, 1.0, 2.0, 1.0])
    found = jet_width(away, pt, Ragged(away[:, None], cut))
    np.testing.assert_allclose(found, [0.1, 0.3, np.sqrt(0.16 / 4)])
