"""Expert and vertex variables, worked out by hand for two jets."""

import numpy as np
import pytest

from bevatron.prepare.jets import experts, vertex_features
from bevatron.prepare.jets.track_features import SignedTracks
from bevatron.prepare.vertexing.secondary_vertices import NONE, SecondaryVertices

ETA, PHI = np.array([0.0, 1.0, -1.0]), np.array([0.0, 3.1, 0.5])
ENERGY = np.array([100.0, 50.0, 0.0])
D0 = np.array([5.0, -3.0, 2.0, 1.0, 0.5])  # significances; jet 0 has four tracks, jet 1 one, jet 2 none
Z0 = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
JET = np.array([0, 0, 0, 0, 1])


@pytest.fixture
def tracks():
    parameters = np.stack([D0 * 0.05, Z0 * 0.2, *np.zeros((3, 5))], axis=1)
    return SignedTracks(parameters, np.repeat(np.diag([0.05**2, 0.2**2, 1, 1, 1])[None], 5, axis=0))


@pytest.fixture
def vertices():
    """Two in jet 0: 3 mm along its axis, and 4 mm at phi = 0.1; masses 1.2 and 2.0."""
    flight = np.array([[3.0, 0.0, 0.0], [4 * np.cos(0.1), 4 * np.sin(0.1), 0.0]])
    momentum = np.array([[0.0, 0.0, 3.5, np.hypot(3.5, 1.2)], [1.5, 0.0, 0.0, 2.5]])
    plain = np.zeros(2)
    return SecondaryVertices(
        jet=np.array([0, 0]),
        position=flight,
        covariance=np.zeros((2, 3, 3)),
        chi2=plain,
        ndf=plain,
        momentum=momentum,
        flight=flight,
        significance=np.array([6.0, 20.0]),
        n_tracks=np.array([2, 3]),
        vertex=np.array([0, NONE, 0, 1, NONE]),
        weight=np.array([0.9, 0, 0.8, 0.7, 0]),
    )


def test_experts(tracks, vertices):
    order, first = np.arange(5), np.array([0, 4, 5, 5])
    widths = (np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.3, 0.4]))
    probability, pt = np.array([0.01, 0.6, 1.0]), np.array([30.0, 40.0, 50.0])
    table = experts.expert_features((pt, ETA, PHI), widths, probability, tracks, JET, order, first, vertices, ENERGY)
    assert table.shape == (3, 16)
    found = dict(zip((f.name for f in experts.FEATURES), table.T, strict=True))
    sigma = np.array([3 / 6.0, 4 / 20.0])
    combined = (3 / sigma[0] ** 2 + 4 / sigma[1] ** 2) / np.sqrt((1 / sigma**2).sum())
    expected = {
        "jet_pt": pt,
        "jet_eta": ETA,
        "track_2_d0_significance": [-3, 0, 0],
        "track_3_d0_significance": [2, 0, 0],
        "track_2_z0_significance": [0.2, 0, 0],
        "track_3_z0_significance": [0.3, 0, 0],
        "n_tracks_over_d0_threshold": [2, 0, 0],
        "jet_prob": probability,
        "jet_width_eta": widths[0],
        "jet_width_phi": widths[1],
        "vertex_significance": [combined, 0, 0],
        "n_secondary_vertices": [2, 0, 0],
        "n_secondary_vertex_tracks": [5, 0, 0],
        "delta_r_vertex": [(2 * 0.0 + 3 * 0.1) / 5, 0, 0],
        "vertex_mass": [3.2, 0, 0],
        "vertex_energy_fraction": [(3.7 + 2.5) / 100, 0, 0],
    }
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-9, err_msg=name)
    leading = experts.leading_features(tracks, order, first)
    np.testing.assert_allclose(leading, [[5, 0.1, 4], [0.5, 0.5, 1], [0, 0, 0]])


def test_vertices_stand_beside_their_tracks(vertices):
    table = vertex_features.vertex_features(vertices, ETA, PHI, ENERGY)
    columns = dict(zip((f.name for f in vertex_features.FEATURES), table.T, strict=True))
    assert len(columns) == 7
    expected = {
        "vertex_mass": [1.2, 2.0],
        "vertex_displacement": [3.0, 4.0],
        "vertex_delta_eta": [0.0, 0.0],
        "vertex_delta_phi": [0.0, 0.1],
        "vertex_displacement_significance": [6.0, 20.0],
        "vertex_n_tracks": [2, 3],
        "vertex_energy_fraction": [0.037, 0.025],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(columns[name], values, atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(
        vertex_features.spread_to_tracks(table, vertices), [table[0], 0 * table[0], table[0], table[1], 0 * table[0]]
    )
