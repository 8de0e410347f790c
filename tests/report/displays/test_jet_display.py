"""The lines and points of a displayed jet against plain geometry: particles that fly straight from a known point."""

import numpy as np
import pytest

from bevatron.report.explore.jet_display import tracks_of, truth_of, vertices_of
from bevatron.report.explore.jet_frame import axis_offset
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.shard import Shard, write_shard

ETA, AXIS, N = 0.7, 2.1, 9


@pytest.fixture
def particles():
    """Points (n, 2) and directions (n,) of straight tracks across the beam; x is along the jet's axis."""
    rng = np.random.default_rng(4)
    return rng.uniform(-3, 9, (N, 2)), rng.uniform(-1.2, 1.2, N)


def closest_point(points, phi):
    """The point of each line that is nearest to the origin."""
    along = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    return points - (points * along).sum(1, keepdims=True) * along


def write(path, inputs, **more):
    columns = {
        name: Group(Ragged(values.astype(np.float32), np.array([0, 0, len(values)])), names, ("",) * len(names))
        if values.ndim == 2 and name != "jet"
        else Group(Dense(values.astype(np.float32)), names, ("",) * len(names))
        for name, (values, names) in inputs.items()
    }
    write_shard(path, Samples(columns, {"flavour": np.array([0, 1])}, np.array([5, 9], np.uint64), **more), {})
    return Shard(path)


JET = (np.array([[30.0, -1.0], [40.0, ETA]]), ("pt", "eta"))


def published(points, phi):
    """d0 of the sign of (x × p)_z at the perigee, and theta minus the jet's, as the recipe `jets` says."""
    at, pt = closest_point(points, phi), np.linspace(1, 9, N)
    d0 = at[:, 0] * np.sin(phi) - at[:, 1] * np.cos(phi)
    theta_jet = 2 * np.arctan(np.exp(-ETA))
    theta = np.linspace(0.5, 2.0, N)
    columns = np.column_stack([d0, phi, theta - theta_jet, np.sin(theta) / pt, np.full(N, 0.01**2)])
    return columns, ("d0", "phi", "theta", "q_over_p", "cov_d0_d0"), pt


def modern(points, phi):
    """d0 positive where the perigee is in front of the primary vertex, as the recipe `jets_modern` says."""
    at, pt = closest_point(points, phi), np.linspace(1, 9, N)
    d0 = np.hypot(*at.T) * np.where(at[:, 0] >= 0, 1, -1)
    columns = np.column_stack([d0, phi, 1 / pt, d0 / 0.01, pt])
    return columns, ("d0", "delta_phi", "q_over_p", "d0_significance", "pt"), pt


@pytest.mark.parametrize("recipe", [published, modern])
def test_displayed_tracks_pass_through_the_points_where_their_particles_are_made(tmp_path, particles, recipe):
    points, phi = particles
    values, names, pt = recipe(points, phi)
    with write(tmp_path / "a.h5", {"jet": JET, "tracks": (values, names)}) as shard:
        shown, none = tracks_of(shard, 1), tracks_of(shard, 0)
    found = np.column_stack([shown["x"], shown["y"]])
    np.testing.assert_allclose(found, closest_point(points, phi), atol=3e-4)
    np.testing.assert_allclose(shown["pt"], pt, rtol=1e-3)
    np.testing.assert_allclose(shown["significance"], np.hypot(*found.T) / 0.01, rtol=2e-3, atol=0.05)
    assert none["x"] == none["phi"] == []


def test_each_listed_vertex_is_shown_once_at_its_place_and_the_primary_vertex_is_not(tmp_path):
    length, eta, phi = 6.0, 0.9, -0.05
    vertex = [1.8, length, eta - ETA, phi, 9.0, 3.0, 0.4]
    primary = [0.5, 0.0, 0.0, 0.0, 0.0, 2.0, 0.2]
    names = (
        "mass",
        "displacement",
        "delta_eta",
        "delta_phi",
        "displacement_significance",
        "n_tracks",
        "energy_fraction",
    )
    values = np.array([vertex, primary, vertex, vertex])
    with write(tmp_path / "a.h5", {"jet": JET, "vertices": (values, tuple(f"vertex_{n}" for n in names))}) as shard:
        (found,) = vertices_of(shard, 1)
    across = length * np.sin(2 * np.arctan(np.exp(-eta)))  # of a flight of that pseudorapidity
    assert (found["x"], found["y"]) == pytest.approx((across * np.cos(phi), across * np.sin(phi)), rel=1e-3)
    assert (found["n_tracks"], found["mass"]) == (3, pytest.approx(1.8))


def test_an_inclusive_vertex_is_shown_by_its_distance_and_none_where_it_is_missing(tmp_path):
    names = tuple(f"sv1_{n}" for n in ("mass", "length_across", "significance", "n_tracks"))
    values = np.array([[-1.0] * 4, [1.2, 3.5, 8.0, 2.0]])
    columns = {"inclusive_vertex": Group(Dense(values.astype(np.float32)), names, ("",) * 4)}
    write_shard(tmp_path / "a.h5", Samples(columns, {"flavour": np.array([0, 1])}, np.array([5, 9], np.uint64)), {})
    with Shard(tmp_path / "a.h5") as shard:
        assert vertices_of(shard, 0) == []
        assert vertices_of(shard, 1) == [{"radius": 3.5, "mass": 1.2, "significance": 8.0, "n_tracks": 2}]


def test_the_truth_is_turned_into_the_frame_of_the_jet_and_neutral_and_soft_particles_are_left_out(tmp_path, particles):
    points, phi = particles
    turn = np.exp(1j * AXIS)
    at, pt = (points[:, 0] + 1j * points[:, 1]) * turn, np.linspace(0.6, 5, N)
    pt[0] = 0.3  # too soft
    momentum = pt * np.exp(1j * phi) * turn
    names = ("px", "py", "pz", "energy", "x", "y", "z")
    nothing = np.zeros(N)
    rows = np.column_stack([momentum.real, momentum.imag, nothing, pt, at.real, at.imag, nothing])
    ids = np.column_stack([np.full(N, 211), np.where(np.arange(N) == 1, 0, 3)])  # the second is neutral
    decay = 4.0 * turn * np.exp(0.1j)
    hadron = np.array([[0, 0, 0, 9, decay.real, decay.imag, 1.0], [0, 0, 0, 9, 1e9, 0, 0]])
    inputs = {
        "jet": (np.array([[30.0, 0.0], [30.0, AXIS]]), ("pt", "phi")),
        "constituents": (rows, names),
        "constituent_ids": (ids, ("pdg_id", "charge_thirds")),
        "hadrons": (hadron, names),
        "hadron_ids": (np.array([[511, 5], [411, 4]]), ("pdg_id", "quark")),
    }
    with write(tmp_path / "a.h5", inputs) as raw:
        truth = truth_of(raw, 1)
    assert truth["decays"] == [
        {"x": pytest.approx(4 * np.cos(0.1), abs=1e-3), "y": pytest.approx(0.3993, abs=1e-3), "quark": 5}
    ]
    found = truth["particles"]
    np.testing.assert_allclose(np.column_stack([found["x"], found["y"]]), points[2:], atol=1e-3)
    np.testing.assert_allclose(found["phi"], phi[2:], atol=1e-3)


def test_the_measured_axis_is_found_by_tracks_that_match_particles_and_not_by_others(tmp_path):
    rng = np.random.default_rng(9)
    n, generated, measured = 8, 3.1, -3.1 + 0.03  # the azimuth jumps between them
    pt, eta, phi = rng.uniform(1, 9, n), rng.uniform(-0.3, 0.3, n) + ETA, generated + rng.uniform(-0.3, 0.3, n)
    charge = rng.choice([-3, 3], n)
    momenta = np.column_stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
    names = ("delta_phi", "delta_eta", "q_over_p", "pt")
    turned = np.remainder(phi - measured + np.pi, 2 * np.pi) - np.pi + rng.normal(0, 1e-4, n)
    tracks = np.column_stack([turned, eta - ETA, charge / 3 / (pt * np.cosh(eta)), pt * (1 + rng.normal(0, 0.005, n))])
    others = np.column_stack(
        [rng.uniform(-0.3, 0.3, (4, 2)), np.ones(4), rng.uniform(20, 30, 4)]
    )  # of other collisions
    raw_inputs = {
        "jet": (np.array([[30.0, 0.0], [30.0, generated]]), ("pt", "phi")),
        "constituents": (momenta, ("px", "py", "pz")),
        "constituent_ids": (np.column_stack([np.full(n, 211), charge]), ("pdg_id", "charge_thirds")),
    }
    with write(tmp_path / "raw.h5", raw_inputs) as raw:
        for number, (rows, expected) in enumerate(((tracks, 2 * np.pi - 6.2 + 0.03), (others, 0.0))):
            values = np.concatenate([others, rows])
            with write(tmp_path / f"{number}.h5", {"jet": JET, "tracks": (values, names)}) as shard:
                assert axis_offset(shard, 1, raw, 1) == pytest.approx(expected, abs=2e-4)
                assert axis_offset(shard, 0, raw, 0) == 0.0  # no tracks, no particles
