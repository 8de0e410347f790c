"""The published data set in our own groups."""

import numpy as np
import pytest

from bevatron.prepare.recipes.jet_flavour import JetFlavour
from bevatron.simulate.external.jet_flavour_lines import PublishedJet
from bevatron.simulate.sources.jet_flavour_jsonl import JetFlavourLines


def track(d0, variance, mass):
    covariance = np.zeros(15)
    covariance[0] = variance
    return [d0, 0.0, 0.0, 1.0, 0.1, *covariance, 0.5, mass, 1.0, 0.0, 0.0, 5.0, 2.0, 0.3]


@pytest.fixture
def samples():
    tracks = [track(0.1, 0.01, 1.0), track(-0.3, 0.01, 2.0), track(0.2, 0.0001, np.nan)]  # |d0| / σ: 1, 3, 20
    jets = [PublishedJet(30.0, 0.5, 5, list(range(14)), tracks), PublishedJet(40.0, 1.5, 4, [0.0] * 14, []),
            PublishedJet(50.0, -1.5, 0, [0.0] * 14, [track(0.0, 0.0, 1.0), track(1e-3, 0.0, 3.0)])]  # fmt: skip
    raw, _ = JetFlavourLines.samples(jets, 0, 0.0)
    return JetFlavour().prepare(JetFlavour.Options(kind="jet_flavour", max_tracks=2), raw, 0, np.ones(len(raw), bool))


def test_tracks_fall_in_significance_and_vertices_stay_beside_them(samples):
    tracks, vertices = samples.inputs["tracks"].column, samples.inputs["vertices"].column
    assert tracks.offsets.tolist() == vertices.offsets.tolist() == [0, 2, 2, 4]
    np.testing.assert_allclose(tracks.values[:, 0], [0.2, -0.3, 1e-3, 0.0], rtol=1e-6)
    assert vertices.values[:, 0].tolist() == [0.0, 2.0, 3.0, 1.0]  # a track without a vertex has zeros
    assert vertices.values[0].tolist() == [0.0] * 7


def test_groups_have_the_features_of_our_own_jets(samples):
    assert samples.inputs["jet"].features == ("pt", "eta")
    assert samples.inputs["experts"].features[:3] == ("jet_pt", "jet_eta", "track_2_d0_significance")
    np.testing.assert_allclose(samples.inputs["experts"].column.values[0], [30.0, 0.5, *range(14)])
    assert len(samples.inputs["tracks"].features) == 21
    assert samples.inputs["tracks"].features[-1] == "vertex_weight"
    assert samples.inputs["vertices"].features == (
        "vertex_mass", "vertex_displacement", "vertex_delta_eta", "vertex_delta_phi",
        "vertex_displacement_significance", "vertex_n_tracks", "vertex_energy_fraction",
    )  # fmt: skip
    assert samples.targets["flavour"].tolist() == [2, 1, 0]
