"""Which constituents become tracks, and in what order."""

import numpy as np

from bevatron.prepare.tracks import FEATURES, Selection, charged, measured, most_displaced, selected
from bevatron.store.columns import Ragged

SIGNIFICANCE = FEATURES.index("d0_significance")


def constituents(rows):
    """Rows of (pt, eta, charge in thirds, x) in one jet."""
    pt, eta, thirds, x = np.array(rows, np.float64).T
    values = np.stack([pt, pt * 0, pt * np.sinh(eta), pt * np.cosh(eta), x, x * 0, x * 0], axis=1)
    cut = np.array([0, len(rows)])
    return Ragged(values.astype(np.float32), cut), Ragged(np.stack([pt, thirds], axis=1).astype(np.int32), cut)


def test_only_charged_hard_central_and_early_particles_leave_tracks():
    seen = [(5, 0, 3, 0), (5, 2.4, -3, 29)]
    unseen = [(5, 0, 0, 0), (0.9, 0, 3, 0), (5, 2.6, 3, 0), (5, 0, 3, 31)]
    found = selected(charged(*constituents(seen + unseen)), Selection(1.0, 2.5, 30.0))
    np.testing.assert_allclose(found.pt, [5, 5])
    assert found.charge.tolist() == [1.0, -1.0]
    np.testing.assert_allclose(found.vertex[:, 0], [0, 29])


def test_the_most_displaced_tracks_come_first_and_the_others_are_dropped():
    random = np.random.default_rng(3)
    lengths = [0, 30, 4, 0, 15, 16]
    jet = np.repeat(np.arange(6), lengths)
    features = random.normal(size=(len(jet), len(FEATURES)))
    found = most_displaced(features, jet, 6, 15)
    assert found.lengths.tolist() == [0, 15, 4, 0, 15, 15]
    for number in range(6):
        size = np.abs(found.values[found.offsets[number] : found.offsets[number + 1], SIGNIFICANCE])
        expected = np.sort(np.abs(features[jet == number, SIGNIFICANCE]))[::-1][:15]
        np.testing.assert_allclose(size, expected, rtol=1e-6)


def test_jets_without_any_track_are_empty_lists():
    found = most_displaced(np.zeros((0, len(FEATURES))), np.zeros(0, int), 3, 15)
    assert found.offsets.tolist() == [0, 0, 0, 0]
    assert found.offsets.dtype == np.int64


def test_angles_are_taken_across_the_seam_of_phi():
    raw, ids = constituents([(5, 0.3, 3, 0)])  # flies along phi = 0
    jet = np.array([[50.0], [0.1], [2 * np.pi - 0.2]])
    found = dict(zip(FEATURES, measured(charged(raw, ids), *jet, 2.0, 1.0, np.random.default_rng(1))[0], strict=True))
    assert np.isclose(found["delta_phi"], 0.2)
    assert np.isclose(found["delta_eta"], 0.2)
    assert np.isclose(found["delta_r"], np.hypot(0.2, 0.2))
    assert np.isclose(found["pt_fraction"], 0.1)
