"""Flavours of one spectrum: equal numbers, equal shapes, nothing else changed."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bevatron.prepare.jets.jet_options import Resampling
from bevatron.prepare.jets.resampling import select_resampled


def everyone(pt):
    return np.ones(len(pt), bool)


def spectra(seed=1, n=60_000):
    """Three flavours of different slope in pt and width in eta."""
    random = np.random.default_rng(seed)
    flavour = random.integers(0, 3, n)
    pt = 20 + random.exponential(np.array([10.0, 16.0, 22.0])[flavour])
    eta = np.clip(random.normal(0, np.array([1.4, 1.1, 1.0])[flavour]), -2.5, 2.5)
    return pt, eta, flavour


def test_spectra_become_equal():
    pt, eta, flavour = spectra()
    rows = select_resampled(pt, eta, flavour, everyone(pt), Resampling(), np.random.default_rng(2))
    counts = np.bincount(flavour[rows])
    assert counts[0] == counts[1] == counts[2] > 5_000
    for values in (pt, np.abs(eta)):
        before, after = ([stats.ks_2samp(values[r][flavour[r] == a], values[r][flavour[r] == b]).pvalue
                          for a, b in ((0, 1), (1, 2), (0, 2))] for r in (np.arange(len(pt)), rows))  # fmt: skip
        assert max(before) < 1e-6
        assert min(after) > 1e-3


def test_each_bin_keeps_as_many_as_its_rarest_flavour():
    options = Resampling(pt_borders=[30.0], eta_borders=[1.0])
    pt, eta, flavour = spectra(n=2_000)
    rows = select_resampled(pt, eta, flavour, everyone(pt), options, np.random.default_rng(3))
    assert (np.diff(rows) > 0).all()
    for hard in (True, False):
        for central in (True, False):
            here = ((pt > 30) == hard) & ((np.abs(eta) < 1) == central)
            counts = np.bincount(flavour[here], minlength=3)
            np.testing.assert_array_equal(np.bincount(flavour[rows][here[rows]], minlength=3), counts.min())


def test_what_is_learned_from_does_not_depend_on_the_labels_of_the_rest():
    """Held-out jets change flavour, pt and eta: of the others the same are kept."""
    pt, eta, flavour = spectra(n=6_000)
    training = np.random.default_rng(7).random(len(pt)) < 0.8
    rows = select_resampled(pt, eta, flavour, training, Resampling(), np.random.default_rng(8))
    other = (np.where(training, a, b) for a, b in zip((pt, eta, flavour), spectra(seed=9, n=6_000), strict=True))
    again = select_resampled(*other, training, Resampling(), np.random.default_rng(8))
    np.testing.assert_array_equal(rows[training[rows]], again[training[again]])
    assert not np.array_equal(rows, again)


def test_held_out_jets_get_the_training_s_shares_even_where_they_are_few():
    pt, eta, flavour = spectra(n=60_000)
    training = np.random.default_rng(7).random(len(pt)) < 0.9
    rows = select_resampled(pt, eta, flavour, training, Resampling(), np.random.default_rng(8))
    learned, rest = rows[training[rows]], rows[~training[rows]]
    counts = np.bincount(flavour[learned])
    assert counts[0] == counts[1] == counts[2]
    expected = counts[0] * (~training).sum() / training.sum()
    np.testing.assert_allclose(np.bincount(flavour[rest]), expected, atol=5 * np.sqrt(expected))
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert stats.ks_2samp(pt[rest][flavour[rest] == a], pt[rest][flavour[rest] == b]).pvalue > 1e-3


def test_the_seed_decides():
    pt, eta, flavour = spectra(n=3_000)
    a, b, c = (
        select_resampled(pt, eta, flavour, everyone(pt), Resampling(), np.random.default_rng(s)) for s in (4, 4, 5)
    )
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_missing_flavour_leaves_nothing():
    pt, eta, flavour = spectra(n=300)
    assert (
        len(select_resampled(pt, eta, np.minimum(flavour, 1), everyone(pt), Resampling(), np.random.default_rng(6)))
        == 0
    )
    assert (
        len(select_resampled(pt[:0], eta[:0], flavour[:0], everyone(pt[:0]), Resampling(), np.random.default_rng(6)))
        == 0
    )


def test_borders_must_rise():
    with pytest.raises(ValidationError, match="pt_borders must rise"):
        Resampling(pt_borders=[30.0, 20.0])
