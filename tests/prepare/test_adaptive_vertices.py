"""The list of adaptive vertices and the single one: separation, bookkeeping of shared tracks, invariances."""

from dataclasses import fields, replace

import numpy as np
import pytest

from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.adaptive_fit import Annealing, fit_adaptive
from bevatron.prepare.vertexing.adaptive_vertices import fit_single_adaptive, reconstruct_adaptive
from bevatron.prepare.vertexing.linearisation_point import find_start
from bevatron.prepare.vertexing.secondary_vertices import NONE

FIELD, PION = 2.0, 0.13957
BOTH = pytest.mark.parametrize("function", [reconstruct_adaptive, fit_single_adaptive])
COVARIANCE = np.diag([1e-4, 1e-3, 1e-7, 1e-7, 1e-6])
TO_LAST = AdaptiveCuts(shared_tracks=False)
WIDE = AdaptiveCuts(primary_cut=4.0, secondary_cut=4.0, shared_tracks=False)


def find(tracks, jets, function=reconstruct_adaptive, cuts=None, selected=None, primary=None, primary_covariance=None):
    selected = np.ones(len(tracks), bool) if selected is None else selected
    primary = np.zeros((jets, 3)) if primary is None else primary
    return function(tracks, selected, jets, primary, primary_covariance, FIELD, cuts or TO_LAST)


def tracks_of(parameters, jet=None, covariance=COVARIANCE):
    parameters = np.asarray(parameters, float).reshape(-1, 5)
    n = len(parameters)
    jet = np.zeros(n, int) if jet is None else np.asarray(jet)
    return Tracks(jet, jet, parameters, np.repeat(covariance[None], n, axis=0), np.ones(n, bool))


def two_decays(toy, jets, distance, seed):
    """Four tracks from a point at about 4 mm and four from one that is `distance` mm farther along the axis."""
    near, point, axis = toy.decays(jets, 4, 3.0, seed)
    far, _, _ = toy.decays(jets, 4, 3.0, seed + 1)
    turn = np.random.default_rng(seed).normal(0, 0.2, (jets * 4, 3))
    momentum = np.linalg.norm(far.momentum, axis=1, keepdims=True) * (axis[far.jet] + turn)
    place = (point + distance * axis)[far.jet]
    both = toy.particles(
        np.concatenate([near.jet, far.jet]),
        np.concatenate([near.momentum, momentum]),
        np.concatenate([near.vertex, place]),
        np.concatenate([near.charge, far.charge]),
    )
    inside = (np.hypot(*(point + distance * axis)[:, :2].T) < 25)[both.jet]
    order = np.argsort(both.jet, kind="stable")
    source = np.repeat([0, 1], jets * 4)[order]
    tracks = toy.seen(both.take(order[inside[order]]), np.zeros((jets, 3)), seed + 2)
    return tracks, source[inside[order]]


@pytest.fixture(scope="module")
def mixed(toy):
    """600 jets of two decays 2 mm apart, and the list of their vertices."""
    tracks, source = two_decays(toy, 600, 2.0, 1)
    return tracks, source, find(tracks, 600)


def test_vertices_many_sigma_apart_are_separated(toy):
    """Distance in σ: between the vertices that are fitted to each decay's tracks alone."""
    tracks, source = two_decays(toy, 500, 8.0, 20)
    found = find(tracks, 500, cuts=WIDE)
    near, far = (find(tracks, 500, fit_single_adaptive, AdaptiveCuts(single_cut=100.0), source == k) for k in (0, 1))
    np.testing.assert_array_equal(near.jet, far.jet)
    step = far.position - near.position
    covariance = near.covariance + far.covariance
    sigma = np.sqrt(np.einsum("ni,nij,nj->n", step, np.linalg.inv(covariance), step))
    assert (sigma > 40).sum() > 150
    apart, whole = [], []
    for jet in near.jet[sigma > 40]:
        counts = [np.bincount(found.vertex[(tracks.jet == jet) & (source == k)] + 1) for k in (0, 1)]
        vertices = [count.argmax() for count in counts]
        apart.append(vertices[0] != vertices[1] and min(vertices) > 0)
        whole.append(min(count.max() for count in counts) >= 3)
    assert np.mean(apart) > 0.93
    assert np.mean(whole) > 0.8  # a track along the axis goes through both


def test_two_near_vertices_are_one(toy):
    tracks, _ = two_decays(toy, 500, 0.0, 30)
    found = find(tracks, 500, cuts=WIDE)
    jets = len(np.unique(tracks.jet))
    assert np.mean(np.bincount(found.jet, minlength=500)[np.unique(tracks.jet)] == 1) > 0.97
    assert np.mean(found.n_tracks == 8) > 0.95
    assert len(found) < 1.03 * jets


def test_the_published_cut_splits_one_decay(toy):
    """At 1 σ most tracks of a good vertex fall below one half: several vertices, some of one track."""
    made, _, _ = toy.decays(500, 5, 4.0, 40)
    tracks = toy.seen(made, np.zeros((500, 3)), 41)
    published, wide = find(tracks, 500), find(tracks, 500, cuts=WIDE)
    assert len(published) > 1.4 * len(wide)
    assert (published.n_tracks == 1).sum() > 20
    assert published.n_tracks.min() == 1
    assert published.mass[published.n_tracks == 1] == pytest.approx(PION, abs=1e-6)


def authors_vertices(tracks, jet, cuts):
    """Vertices of one jet as sets, by what RAVE and the authors do: (position, {track: weight}) of each."""
    annealing = Annealing(**cuts.model_dump(include=set(Annealing._fields)))
    remaining, made = list(np.flatnonzero(tracks.jet == jet)), []
    while len(remaining) > 1:
        n = len(remaining)
        position, covariance, weight = np.empty(3), np.empty((3, 3)), np.empty(n)
        buffers = (np.empty((n, 10)), np.empty((2, 5)))
        rows = np.array(remaining)
        find_start(tracks.parameters, rows, n, FIELD, position)
        cut = (cuts.secondary_cut if made else cuts.primary_cut) ** 2
        fit_adaptive(
            tracks.parameters, tracks.covariance, FIELD, rows, n, cut, annealing, position, covariance, weight, *buffers
        )
        made.append((position, {k: w for k, w in zip(remaining, weight, strict=True) if w > 1e-8}))
        rest = [k for k in remaining if made[-1][1].get(k, 0.0) <= 0.5]
        if len(rest) == len(remaining):
            rest = [k for k in remaining if made[-1][1].get(k, 0.0) <= 0.1]
            if len(rest) == len(remaining):
                break
        remaining = rest
    kept = [(p, weights) for p, weights in made if sum(w > 1e-3 for w in weights.values()) > 1]
    used, result = set(), []
    for position, weights in reversed(kept):
        result.append((position, {k: w for k, w in weights.items() if k not in used}))
        used |= set(weights)
    return result[::-1]


def test_shared_tracks_count_in_each_vertex_they_are_part_of(mixed):
    """As in the published data set: the first vertex has all tracks that weigh something in it."""
    tracks, _, to_last = mixed
    shared = find(tracks, 600, cuts=AdaptiveCuts())
    np.testing.assert_array_equal(shared.position, to_last.position)
    np.testing.assert_array_equal(shared.vertex, to_last.vertex)
    assert (shared.n_tracks >= to_last.n_tracks).all()
    assert (shared.momentum[:, 3] >= to_last.momentum[:, 3] - 1e-9).all()
    energy = np.bincount(tracks.jet, np.hypot(1 / tracks.parameters[:, 4], PION), minlength=600)
    summed = np.bincount(shared.jet, shared.momentum[:, 3], minlength=600)
    assert (summed > 1.01 * energy).mean() > 0.2
    last = np.append(np.diff(shared.jet) > 0, True)  # of each jet
    np.testing.assert_array_equal(shared.n_tracks[last], to_last.n_tracks[last])
    np.testing.assert_allclose(shared.momentum[last], to_last.momentum[last])


def test_shared_tracks_are_left_to_the_last_vertex(mixed):
    tracks, _, found = mixed
    row = 0
    for jet in range(600):
        for position, weights in authors_vertices(tracks, jet, AdaptiveCuts()):
            assert found.jet[row] == jet
            np.testing.assert_array_equal(np.flatnonzero(found.vertex == row), sorted(weights))
            np.testing.assert_allclose(found.weight[sorted(weights)], [weights[k] for k in sorted(weights)])
            np.testing.assert_allclose(found.position[row], position, rtol=1e-9, atol=1e-9)
            row += 1
    assert row == len(found)
    assert np.bincount(found.jet).max() > 2


@BOTH
def test_what_a_vertex_holds(mixed, function):
    """Numbers and sums of tracks, the flight and its significance, by their definitions."""
    tracks, _, _ = mixed
    random = np.random.default_rng(3)
    primary = random.normal(0, 0.1, (600, 3))
    spread = np.repeat(np.diag([1e-4, 2e-4, 5e-3])[None], 600, axis=0)
    found = find(tracks, 600, function, primary=primary)
    assert len(found) > 500
    known = find(tracks, 600, function, primary=primary, primary_covariance=spread)
    for row in range(0, len(found), 7):
        members = tracks.take(np.flatnonzero(found.vertex == row))
        assert found.n_tracks[row] == len(members)
        assert set(members.jet) <= {found.jet[row]}
        momentum = np.stack(
            [np.cos(members.parameters[:, 2]), np.sin(members.parameters[:, 2]), np.sinh(members.eta)], axis=1
        )
        momentum *= members.pt[:, None]
        energy = np.sqrt((momentum**2).sum(axis=1) + PION**2)
        np.testing.assert_allclose(found.momentum[row], [*momentum.sum(axis=0), energy.sum()])
        flight = found.position[row] - primary[found.jet[row]]
        np.testing.assert_allclose(found.flight[row], flight)
        along = flight / np.linalg.norm(flight)
        for result, extra in ((found, 0.0), (known, spread[0])):
            variance = along @ (result.covariance[row] + extra) @ along
            assert result.significance[row] == pytest.approx(np.linalg.norm(flight) / np.sqrt(variance))
    assert (known.significance < found.significance).all()
    belongs = found.vertex != NONE
    assert (found.weight[~belongs] == 0).all()
    assert (found.weight[belongs] > (1e-8 if function is reconstruct_adaptive else 0.5)).all()


def test_the_single_vertex_is_one_of_each_jet(mixed):
    tracks, _, _ = mixed
    found = find(tracks, 600, fit_single_adaptive)
    assert (np.diff(found.jet) > 0).all()
    assert len(found) > 0.95 * len(np.unique(tracks.jet))


def columns_of(found):
    return {field.name: getattr(found, field.name) for field in fields(found)}


@BOTH
def test_jets_do_not_know_of_each_other(mixed, function):
    """Bit for bit: all at once or each alone, and whatever tracks that are not selected are between."""
    tracks, _, _ = mixed
    whole = find(tracks, 600, function)
    for low, high in ((0, 1), (100, 250)):
        part = tracks.take(np.flatnonzero((tracks.jet >= low) & (tracks.jet < high)))
        alone = find(replace(part, jet=part.jet - low), high - low, function)
        rows = np.flatnonzero((whole.jet >= low) & (whole.jet < high))
        np.testing.assert_array_equal(alone.position, whole.position[rows])
        np.testing.assert_array_equal(alone.covariance, whole.covariance[rows])
        np.testing.assert_array_equal(alone.significance, whole.significance[rows])
        inside = whole.vertex[(tracks.jet >= low) & (tracks.jet < high)]
        np.testing.assert_array_equal(alone.vertex, np.where(inside == NONE, NONE, inside - rows.min()))
    double = np.sort(np.tile(np.arange(len(tracks)), 2))
    selected = np.tile([True, False], len(tracks))
    among_others = find(tracks.take(double), 600, function, selected=selected)
    np.testing.assert_array_equal(among_others.position, whole.position)
    np.testing.assert_array_equal(among_others.vertex[::2], whole.vertex)
    assert (among_others.vertex[1::2] == NONE).all()


@BOTH
def test_the_order_of_tracks_does_not_matter(mixed, function):
    tracks, _, _ = mixed
    whole = find(tracks, 600, function)
    random = np.random.default_rng(4)
    order = np.lexsort((random.random(len(tracks)), tracks.jet))
    shuffled = find(tracks.take(order), 600, function)
    np.testing.assert_array_equal(shuffled.jet, whole.jet)
    np.testing.assert_array_equal(shuffled.n_tracks, whole.n_tracks)
    np.testing.assert_array_equal(shuffled.vertex, whole.vertex[order])
    np.testing.assert_allclose(shuffled.position, whole.position, atol=1e-5)
    np.testing.assert_allclose(shuffled.weight, whole.weight[order], atol=1e-5)


TRACK = np.array([0.1, 0.0, 0.3, 1.2, 0.1])
ODD = {
    "none": (np.zeros((0, 5)), COVARIANCE),
    "one": (TRACK, COVARIANCE),
    "identical": ([TRACK] * 5, COVARIANCE),
    "parallel": (TRACK + np.outer([0, 1, 3], [0.01, 0, 0, 0, 0]), COVARIANCE),
    "nearly parallel": (TRACK + np.outer([0, 1, 3], [0, 0, 1e-6, 0, 0]), COVARIANCE),
    "back to back": ([TRACK, [-0.1, 0.0, 0.3 - np.pi, np.pi - 1.2, 0.1]], COVARIANCE),
    "along the beam": ([[0.1, 0, 0.3, 1e-3, 1e-3], [0.1, 0, 0.4, 2e-3, 1e-3]], COVARIANCE),
    "curling": (TRACK + np.outer([0, 1, 3, 4], [0.1, 1, 0.5, 0.1, 20]), COVARIANCE),
    "far": (TRACK + np.outer([0, 1, 3, 4], [1e4, 1e4, 0.5, 0.1, 0]), COVARIANCE),
    "huge errors": (TRACK + np.outer([0, 1, 3, 4], [0.1, 1, 0.5, 0.1, 0]), COVARIANCE * 1e12),
    "tiny errors": (TRACK + np.outer([0, 1, 3, 4], [0.1, 1, 0.5, 0.1, 0]), COVARIANCE * 1e-12),
    "many": (TRACK + np.random.default_rng(5).normal(0, 1, (80, 5)) * [1, 1, 0.5, 0.1, 0], COVARIANCE),
}


@BOTH
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("cut", [1e-3, 1.0, 1e3])
def test_odd_tracks_give_finite_numbers(name, function, cut):
    parameters, covariance = ODD[name]
    tracks = tracks_of(parameters, covariance=covariance)
    cuts = AdaptiveCuts(primary_cut=cut, secondary_cut=cut, single_cut=cut)
    found = find(replace(tracks, jet=tracks.jet + 1), 3, function, cuts)
    for values in (*columns_of(found).values(), found.mass, found.length):
        assert np.isfinite(values).all()
    assert set(found.jet) <= {1}
    assert len(tracks) > 1 or len(found) == 0
    if name == "identical":
        assert found.n_tracks.sum() == 5


@BOTH
def test_random_nonsense_gives_finite_numbers(function):
    """Scales over many orders of magnitude, correlated errors, up to 50 tracks in five jets."""
    for seed in range(100):
        random = np.random.default_rng(seed)
        n = int(random.integers(0, 50))
        parameters = random.normal(0, 1, (n, 5)) * 10.0 ** random.uniform(-4, 2, 5) * [1, 1, 1, 0, 0]
        parameters[:, 3] = random.uniform(1e-3, np.pi - 1e-3, n)
        parameters[:, 4] = random.choice([-1, 1], n) / 10.0 ** random.uniform(-1, 3, n)
        roots = random.normal(size=(n, 5, 5)) * (10.0 ** random.uniform(-6, 0, 5))[:, None]
        tracks = tracks_of(parameters, np.sort(random.integers(0, 5, n)))
        tracks = replace(tracks, covariance=roots @ roots.transpose(0, 2, 1) + np.diag([1e-12] * 5))
        found = find(tracks, 5, function)
        for values in (*columns_of(found).values(), found.mass, found.length):
            assert np.isfinite(values).all()


@BOTH
def test_a_jet_whose_tracks_are_not_selected_has_none(mixed, function):
    tracks, _, _ = mixed
    found = find(tracks, 600, function, selected=tracks.jet != 7)
    assert 7 not in found.jet
    assert len(find(tracks, 600, function, selected=np.zeros(len(tracks), bool))) == 0
