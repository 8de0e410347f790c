"""Jet samples as those of Guest et al. (2016), from real collisions and from jets made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from bevatron.config.loading.kinds import SOURCES
from bevatron.config.sections.dataset import SplitFractions
from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.jets.published_options import PrimaryVertexCuts, PublishedTracking, TrackCuts
from bevatron.prepare.jets.published_reconstruction import associate_tracks, reconstruct_published_jets
from bevatron.prepare.recipes.jets import JetSamples
from bevatron.prepare.tracking.detector import Tracks
from bevatron.raw.split import rows_by_split
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PythiaJets
from bevatron.store.shards.check import check_samples

LIGHT, CHARM, BEAUTY = 0, 1, 2
PROCESSES = {"beauty": 0, "charm": 1, "light": 2}
GROUPS = {"jet": 2, "experts": 16, "leading": 3, "tracks": 21, "vertices": 7}
SETTINGS = ["ParticleDecays:limitTau0 = on", "ParticleDecays:tau0Max = 10.0"]


@pytest.fixture(scope="module")
def raw():
    options = PythiaJets.Options(kind="jets", events=350, calorimeter=True, pt_hat_min=22.0, settings=SETTINGS)
    return PythiaJets().simulate(options, 0, ShardSeed.of("7", 0))[0]


def prepared(raw, seed=1, training=None, **options):
    options = {"resampling": None, "require_tracks": False} | options
    training = np.ones(len(raw), bool) if training is None else training
    return JetSamples().prepare(JetSamples.Options(kind="jets", **options), raw, seed, training)


@pytest.fixture(scope="module")
def samples(raw):
    return prepared(raw)


@pytest.fixture(scope="module")
def found(raw):
    return reconstruct_published_jets(raw, PublishedTracking(), PrimaryVertexCuts(), TrackCuts(), AdaptiveCuts(), 1)


def features(samples, group):
    entry = samples.inputs[group]
    return dict(zip(entry.features, entry.column.values.T.astype(np.float64), strict=True))


def test_groups_names_units_and_definitions(samples, tmp_path):
    assert {name: len(group.features) for name, group in samples.inputs.items()} == GROUPS
    for group in samples.inputs.values():
        assert group.column.values.dtype == np.float32
        assert len(set(group.features)) == len(group.units) == len(group.definitions)
        assert min(map(len, group.definitions)) > 3
    check_samples(samples, tmp_path)
    assert "No pile-up" in samples.attributes["approximations"]


def test_displacement_orders_the_flavours(samples):
    experts, leading = features(samples, "experts"), features(samples, "leading")
    label = samples.targets["flavour"]
    for values in (
        leading["track_1_d0_significance"],
        experts["track_2_d0_significance"],
        experts["n_tracks_over_d0_threshold"],
        experts["n_secondary_vertices"],
        experts["vertex_mass"],
    ):
        light, charm, beauty = (values[label == flavour].mean() for flavour in (LIGHT, CHARM, BEAUTY))
        assert light < charm < beauty
    probable = [experts["jet_prob"][(label == k) & (experts["jet_prob"] >= 0)] for k in (LIGHT, CHARM, BEAUTY)]
    light, charm, beauty = (values.mean() for values in probable)
    assert beauty < min(light, charm) / 2


def test_tracks_are_near_the_jet_and_pass_the_cuts(found, raw):
    tracks = found.tracks
    _, eta, phi, _ = raw.inputs["jet"].column.values.astype(np.float64).T
    turn = np.angle(np.exp(1j * (tracks.parameters[:, 2] - phi[tracks.jet])))
    assert np.hypot(tracks.eta - eta[tracks.jet], turn).max() <= 0.4
    d0, listed = np.abs(tracks.parameters[:, 0]), found.is_primary | found.is_secondary
    assert (listed == ((tracks.pt >= 0.5) & (d0 <= 8.0))).all()
    assert (found.is_expert == ((tracks.pt >= 1.0) & (d0 <= 2.0))).all()
    assert not (found.is_primary & found.is_secondary).any()
    assert (found.primary_weight[found.is_primary] > 0.9).all()
    assert (found.vertices.vertex[~found.is_secondary] < 0).all()


def test_primary_tracks_are_those_of_the_collision(found):
    listed = found.is_primary | found.is_secondary
    prompt = found.tracks.prompt[listed]
    assert found.is_primary[listed][prompt].mean() > 0.75  # χ² < 4.6 of two degrees of freedom has 90 %
    assert found.is_primary[listed][~prompt].mean() < 0.5


def test_a_track_near_two_jets_is_one_of_both():
    parameters = np.array([[0.0, 0.0, 0.1, np.pi / 2, 0.5], [0.0, 0.0, 3.1, np.pi / 2, 0.5]])
    tracks = Tracks(np.full(2, -1), np.array([0, 1]), parameters, np.zeros((2, 5, 5)), np.ones(2, bool))
    event, eta = np.array([0, 0, 1, 1]), np.array([0.2, -0.2, 0.0, 0.5])
    rows, jet = associate_tracks(tracks, event, eta, np.array([0.0, 0.0, -3.1, -3.1]), 0.4)
    assert rows.tolist() == [0, 0, 1]
    assert jet.tolist() == [0, 1, 2]


def test_most_jets_of_a_process_have_its_flavour(raw, samples):
    label, process = samples.targets["flavour"], raw.targets["process"]
    for name, flavour in (("beauty", BEAUTY), ("charm", CHARM), ("light", LIGHT)):
        assert 0.75 < np.mean(label[process == PROCESSES[name]] == flavour) < 0.99


def test_tracks_are_ordered_and_vertices_aligned_with_them(samples):
    tracks, values = samples.inputs["tracks"].column, features(samples, "tracks")
    vertices, of_vertex = samples.inputs["vertices"].column, features(samples, "vertices")
    np.testing.assert_array_equal(tracks.offsets, vertices.offsets)
    assert tracks.lengths.max() <= 15
    size = np.abs(values["d0"] / np.sqrt(values["cov_d0_d0"]))
    jet = np.repeat(np.arange(len(samples)), tracks.lengths)
    assert (np.diff(size)[np.diff(jet) == 0] <= 1e-4).all()
    assert (np.hypot(values["phi"], values["theta"]) < 0.6).all()  # both from the jet's axis
    assert np.abs(values["theta"]).max() <= 0.4
    primary = of_vertex["vertex_displacement"] == 0
    assert (values["vertex_weight"][primary] > 0.9).all()
    assert values["vertex_weight"].max() < 1 / (1 + np.exp(-4.5)) + 1e-6  # the published largest weight, 0.98901
    # a cut of one standard deviation
    assert values["vertex_weight"][~primary].max() < 1 / (1 + np.exp(-0.5)) + 1e-2
    for name in ("vertex_delta_eta", "vertex_delta_phi", "vertex_displacement_significance"):
        assert (of_vertex[name][primary] == 0).all()
    assert of_vertex["vertex_mass"].min() > 0.1395  # one pion's
    assert of_vertex["vertex_n_tracks"].min() >= 1


def test_a_primary_pseudo_vertex_is_the_sum_of_the_primary_tracks(found, raw, samples):
    """By a plain loop, for jets whose list is not cut."""
    of_vertex, tracks = features(samples, "vertices"), found.tracks
    offsets = samples.inputs["vertices"].column.offsets
    checked = 0
    for jet in range(len(raw)):
        rows = np.flatnonzero(found.is_primary & (tracks.jet == jet))
        listed = range(offsets[jet], offsets[jet + 1])
        mine = [k for k in listed if of_vertex["vertex_displacement"][k] == 0]
        if not len(rows) or len(listed) == 15:
            continue
        total = np.zeros(4)
        for row in rows:
            _, _, phi, theta, q_over_p = tracks.parameters[row]
            p = 1 / abs(q_over_p)
            direction = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
            total += [*(p * direction), np.sqrt(p**2 + 0.13957**2)]
        near = (tracks.jet == jet) & (np.abs(tracks.parameters[:, 0]) <= 8.0)
        energy = np.sqrt(1 / tracks.parameters[near, 4] ** 2 + 0.13957**2).sum()
        mass = np.sqrt(max(total[3] ** 2 - (total[:3] ** 2).sum(), 0.0))
        assert len(mine) == len(rows)
        for k in mine:
            assert of_vertex["vertex_n_tracks"][k] == len(rows)
            assert of_vertex["vertex_mass"][k] == pytest.approx(mass, abs=1e-3)
            assert of_vertex["vertex_energy_fraction"][k] == pytest.approx(total[3] / energy, rel=1e-4)
        checked += 1
    assert checked > 100


def test_the_covariance_given_is_positive_definite(samples):
    values = features(samples, "tracks")
    names = ("d0", "z0", "phi", "theta", "q_over_p")
    matrices = np.empty((len(values["d0"]), 5, 5))
    for i, first in enumerate(names):
        for j, second in enumerate(names[i:], i):
            matrices[:, i, j] = matrices[:, j, i] = values[f"cov_{first}_{second}"]
    sigma = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    assert np.linalg.eigvalsh(matrices / (sigma[:, :, None] * sigma[:, None, :])).min() > 0


def test_missing_values_are_minus_one(samples):
    experts, number = features(samples, "experts"), features(samples, "leading")["n_tracks"]
    without = experts["n_secondary_vertices"] == -1
    assert 0.3 < without.mean() < 0.9
    for name in ("vertex_significance", "n_secondary_vertex_tracks", "delta_r_vertex", "vertex_mass"):
        np.testing.assert_array_equal(experts[name] == -1, without)
    np.testing.assert_array_equal(experts["vertex_energy_fraction"] == -1, without)
    assert (experts["track_2_d0_significance"] == -1).sum() < (experts["track_3_d0_significance"] == -1).sum()
    assert (number[experts["jet_width_eta"] == -1] < 15).all()


def test_jets_without_tracks_are_left_out(raw, samples):
    some = prepared(raw, require_tracks=True)
    empty = samples.inputs["tracks"].column.lengths == 0
    assert 0 < empty.sum() < 0.15 * len(raw)
    np.testing.assert_array_equal(some.id, samples.id[~empty])


def test_kinematics_are_those_of_the_raw_jets(raw, samples):
    jets = features(raw, "jet")
    for name in ("pt", "eta"):
        np.testing.assert_array_equal(features(samples, "jet")[name], jets[name])
        np.testing.assert_array_equal(features(samples, "experts")[f"jet_{name}"], jets[name])


def test_features_can_be_rebuilt_with_other_options_from_the_same_raw_jets(raw, samples):
    poorer = prepared(raw, tracking={"resolution_scale": 5.0}, tracks={"pt_min": 2.0}, max_tracks=3, parton_delta_r=0.2)
    assert poorer.inputs["tracks"].column.lengths.max() == 3
    values = features(poorer, "tracks")
    assert 1 / np.abs(values["q_over_p"]).max() > 1.9  # GeV: p >= pt
    assert np.mean(poorer.targets["flavour"] == LIGHT) > np.mean(samples.targets["flavour"] == LIGHT)
    beauty = samples.targets["flavour"] == BEAUTY
    lead = [features(s, "leading")["track_1_d0_significance"][beauty] for s in (poorer, samples)]
    assert lead[0].mean() < lead[1].mean()


def test_without_resampling_all_jets_are_prepared_as_before(raw):
    """What `bevatron apply` scores: the jets of the dataset with the same features, and those that were removed."""
    options = JetSamples.Options(kind="jets", resampling={})
    training = np.arange(len(raw)) % 3 > 0
    fewer = JetSamples().prepare(options, raw, 1, training)
    every = JetSamples().prepare(JetSamples.without_resampling(options), raw, 1, training)
    assert len(fewer) < len(every) == len(raw)
    rows = np.searchsorted(every.id, fewer.id)
    np.testing.assert_array_equal(every.id[rows], fewer.id)
    for name, group in every.take(rows).inputs.items():
        np.testing.assert_array_equal(group.column.values, fewer.inputs[name].column.values)


def test_resampling_keeps_as_many_of_each_flavour(raw, samples):
    fewer = prepared(raw, resampling={}, require_tracks=True)
    counts = np.bincount(fewer.targets["flavour"])
    assert counts[0] == counts[1] == counts[2] > 80
    assert (fewer.inputs["tracks"].column.lengths > 0).all()
    rows = np.searchsorted(raw.id, fewer.id)
    assert (np.diff(rows) > 0).all()
    for name, group in fewer.inputs.items():
        np.testing.assert_array_equal(group.column.values, samples.inputs[name].column.take(rows).values)


def test_shards_of_one_flavour_each_are_resampled_by_what_all_of_them_hold(raw, samples):
    options = JetSamples.Options(
        kind="jets", require_tracks=False, resampling={"pt_borders": [40.0], "eta_borders": [1.0]}
    )
    label = samples.targets["flavour"]
    shards = [raw.take(np.flatnonzero(label == flavour)) for flavour in (LIGHT, CHARM, BEAUTY)]
    recipe, learned = JetSamples(), [np.ones(len(shard), bool) for shard in shards]
    totals = {}
    for shard, training in zip(shards, learned, strict=True):
        counted = recipe.count(options, shard, 1, training, len(shards))
        totals = {name: values + totals.get(name, 0) for name, values in counted.items()}
    whole = recipe.count(options, raw, 1, np.ones(len(raw), bool), 1)
    np.testing.assert_array_equal(totals["cells"], whole["cells"])
    kept = [recipe.prepare(options, s, 1, t, totals) for s, t in zip(shards, learned, strict=True)]
    expected = totals["cells"].reshape(-1, 3).min(axis=1).sum()
    assert expected > 50
    for flavour, some in enumerate(kept):
        assert set(some.targets["flavour"]) == {flavour}
        assert abs(len(some) - expected) < 5 * np.sqrt(expected)
    assert len(recipe.prepare(options, shards[0], 1, learned[0])) == 0  # alone it lacks the other flavours


def test_only_files_of_others_need_sums_over_all_shards():
    options, files = JetSamples.Options(kind="jets"), SOURCES["hepmc"].Options(kind="hepmc", files=["a.hepmc3"])
    assert not JetSamples.needs_totals(options, PythiaJets.Options(kind="jets", events=1))
    assert JetSamples.needs_totals(options, files)
    assert not JetSamples.needs_totals(JetSamples.without_resampling(options), files)


def held_out(raw):
    training = np.zeros(len(raw), bool)
    training[rows_by_split(raw, SplitFractions())["train"]] = True
    return training


def reversed_tracks(raw, jets):
    """Each constituent of `jets` (n,) bool with the opposite momentum along the beam: other tracks, as many."""
    group = raw.inputs["constituents"]
    values = group.column.values.copy()
    values[jets[np.repeat(np.arange(len(raw)), group.column.lengths)], 2] *= -1
    return replace(
        raw, inputs=raw.inputs | {"constituents": replace(group, column=replace(group.column, values=values))}
    )


def test_what_is_learned_from_does_not_depend_on_the_jets_that_are_not(raw):
    """The tracks of all jets of the other events change; which jets are kept to learn from does not."""
    training = held_out(raw)
    options = {"training": training, "resampling": {}}
    before, after = (prepared(r, **options) for r in (raw, reversed_tracks(raw, ~training)))
    learned = [samples.id[training[np.searchsorted(raw.id, samples.id)]] for samples in (before, after)]
    np.testing.assert_array_equal(*learned)
    counts = np.bincount(before.targets["flavour"][np.isin(before.id, learned[0])])
    assert counts[0] == counts[1] == counts[2] > 50


def test_noise_follows_from_the_seed(raw):
    first, again, other = (prepared(raw, seed, resampling={}) for seed in (1, 1, 2))
    for name in ("experts", "tracks", "vertices"):
        values = [s.inputs[name].column.values.tobytes() for s in (first, again, other)]
        assert values[0] == values[1] != values[2]


def test_chunks_do_not_cut_events(raw, monkeypatch):
    monkeypatch.setattr("bevatron.prepare.jets.published_reconstruction.CHUNK", 100)
    options = (PublishedTracking(), PrimaryVertexCuts(), TrackCuts(), AdaptiveCuts(), 1)
    cut = reconstruct_published_jets(raw, *options)
    assert (np.diff(cut.tracks.jet) >= 0).all()
    assert cut.tracks.jet.max() < len(raw)
    event = raw.targets["event"]
    np.testing.assert_array_equal(np.unique(event, return_inverse=True)[1][cut.tracks.jet], cut.tracks.event)
    with_vertex = cut.vertices.vertex >= 0
    np.testing.assert_array_equal(cut.vertices.jet[cut.vertices.vertex[with_vertex]], cut.tracks.jet[with_vertex])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_jets(raw, n, tmp_path):
    samples = prepared(raw.take(np.arange(n)))
    assert len(samples) == n
    check_samples(samples, tmp_path)


def test_jets_of_neutral_particles_alone(raw, tmp_path):
    inputs = dict(raw.inputs)
    for name in ("constituent_ids", "spectator_ids"):
        column = inputs[name].column
        neutral = np.stack([np.full(len(column.values), 22), np.zeros(len(column.values), int)], axis=1)
        inputs[name] = replace(inputs[name], column=replace(column, values=neutral.astype(column.values.dtype)))
    samples = prepared(replace(raw, inputs=inputs))
    check_samples(samples, tmp_path)
    assert (samples.inputs["tracks"].column.lengths == 0).all()
    experts = features(samples, "experts")
    assert (experts["jet_prob"] == -1).all()
    assert (experts["n_tracks_over_d0_threshold"] == 0).all()
    assert len(prepared(replace(raw, inputs=inputs), require_tracks=True)) == 0
