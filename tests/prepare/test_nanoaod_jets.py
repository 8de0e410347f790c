"""Jets of NanoAOD files: vertices by distance, units, flavours."""

import numpy as np
import pytest

from bevatron.prepare.recipes.nanoaod_jets import NanoAODJets
from bevatron.simulate.sources.nanoaod import VERTEX
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples


def vertex(**features):
    return [{"pt": 10.0, "eta": 0.0, "phi": 0.0, "mass": 2.0, **features}.get(name, 1.0) for name in VERTEX]


@pytest.fixture
def samples():
    jet = Dense(np.float32([[50, 0.0, 3.1, 10, 7], [60, 1.0, 0.0, 5, 8]]))
    near_the_seam = vertex(phi=-3.1, eta=0.1, dlen=0.5, dlenSig=4.0, ntracks=3)
    lists = Ragged(np.float32([near_the_seam, vertex(phi=3.0, dlenSig=9.0), vertex(phi=2.0), vertex(eta=1.5)]),
                   np.array([0, 3, 4]))  # fmt: skip
    units = ("GeV", "", "rad", "GeV", "")
    raw = Samples(
        {"jet": Group(jet, ("pt", "eta", "phi", "mass", "nConstituents"), units),
         "vertices": Group(lists, tuple(VERTEX), tuple(VERTEX.values()))},
        {"flavour": np.array([5, 4]), "event": np.arange(2, dtype=np.uint64)},
        np.arange(2, dtype=np.uint64),
    )  # fmt: skip
    return NanoAODJets().prepare(
        NanoAODJets.Options(kind="nanoaod_jets", max_vertices=2), raw, 0, np.ones(len(raw), bool)
    )


def test_a_jet_has_the_vertices_around_it_the_most_significant_first(samples):
    vertices = samples.inputs["vertices"]
    assert vertices.column.lengths.tolist() == [2, 0]
    features = dict(zip(vertices.features, vertices.column.values[1], strict=True))
    assert vertices.column.values[:, 4].tolist() == [9.0, 4.0]
    assert features["vertex_displacement"] == pytest.approx(5.0)  # mm, where NanoAOD has 0.5 cm
    assert features["vertex_delta_eta"] == pytest.approx(0.1)
    assert features["vertex_delta_phi"] == pytest.approx(2 * np.pi - 6.2, abs=1e-6)
    jet_energy, own = np.hypot(50, 10), np.hypot(10 * np.cosh(0.1), 2)
    assert features["vertex_energy_fraction"] == pytest.approx(own / jet_energy, rel=1e-6)


def test_jets_have_energy_number_of_vertices_and_the_source_s_features(samples):
    jet = samples.inputs["jet"]
    assert jet.features == ("pt", "eta", "mass", "energy", "n_vertices", "nConstituents")
    expected = [[50, 0, 10, np.hypot(50, 10), 2, 7], [60, 1, 5, np.hypot(60 * np.cosh(1), 5), 0, 8]]
    np.testing.assert_allclose(jet.column.values, expected, rtol=1e-6)
    assert samples.targets["flavour"].tolist() == [2, 1]


def test_files_without_vertices_or_their_tracks_have_fewer_features(samples):
    jet = Group(Dense(np.float32([[50, 0.0, 3.1, 10]])), ("pt", "eta", "phi", "mass"), ("GeV", "", "rad", "GeV"))
    targets = {"flavour": np.array([5]), "event": np.arange(1, dtype=np.uint64)}
    names = [name for name in VERTEX if name != "ntracks"]
    lists = Group(Ragged(np.ones((1, len(names)), np.float32), np.array([0, 1])), tuple(names), ("",) * len(names))
    for groups, features, vertices in (
        ({"jet": jet}, ("pt", "eta", "mass", "energy"), None),
        ({"jet": jet, "vertices": lists}, ("pt", "eta", "mass", "energy", "n_vertices"), 6),
    ):
        raw = Samples(groups, targets, np.arange(1, dtype=np.uint64))
        made = NanoAODJets().prepare(NanoAODJets.Options(kind="nanoaod_jets"), raw, 0, np.ones(1, bool))
        assert made.inputs["jet"].features == features
        assert (len(made.inputs["vertices"].features) if vertices else None) == vertices
