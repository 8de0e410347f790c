"""Jet samples from real collisions: what a physicist would check before believing them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bevatron.config.loading.kinds import SOURCES
from bevatron.config.sections.dataset import SplitFractions
from bevatron.prepare.jets.jet_options import BeamSpot, Tracking, VertexCuts
from bevatron.prepare.jets.jet_probability import calibrate_by_totals, calibrate_resolution, count_sizes
from bevatron.prepare.jets.reconstruction import reconstruct_jets
from bevatron.prepare.recipes.jets import JetSamples
from bevatron.raw.split import rows_by_split
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PythiaJets
from bevatron.store.shards.check import check_samples

LIGHT, CHARM, BEAUTY = 0, 1, 2
PROCESSES = {"beauty": 0, "charm": 1, "light": 2}
GROUPS = {"jet": 2, "experts": 16, "leading": 3, "tracks": 21, "vertices": 7}


@pytest.fixture(scope="module")
def raw():
    return PythiaJets().simulate(PythiaJets.Options(kind="jets", events=300), 0, ShardSeed.of("7", 0))[0]


def prepared(raw, seed=1, training=None, **options):
    options = {"resampling": None} | options
    training = np.ones(len(raw), bool) if training is None else training
    return JetSamples().prepare(JetSamples.Options(kind="jets", **options), raw, seed, training)


@pytest.fixture(scope="module")
def samples(raw):
    return prepared(raw)


def features(samples, group):
    entry = samples.inputs[group]
    return dict(zip(entry.features, entry.column.values.T.astype(np.float64), strict=True))


def mean_by_flavour(samples, values):
    return [values[samples.targets["flavour"] == flavour].mean() for flavour in (LIGHT, CHARM, BEAUTY)]


def test_groups_names_units_and_definitions(samples, tmp_path):
    assert {name: len(group.features) for name, group in samples.inputs.items()} == GROUPS
    for group in samples.inputs.values():
        assert group.column.values.dtype == np.float32
        assert len(set(group.features)) == len(group.units) == len(group.definitions)
        assert min(map(len, group.definitions)) > 3
    check_samples(samples, tmp_path)
    assert "no pile-up" in samples.attributes["approximations"]


def test_displacement_orders_the_flavours(samples):
    experts, leading = features(samples, "experts"), features(samples, "leading")
    for values in (
        leading["track_1_d0_significance"],
        experts["track_2_d0_significance"],
        experts["n_tracks_over_d0_threshold"],
        -experts["jet_prob"],
        experts["n_secondary_vertices"],
        experts["vertex_mass"],
    ):
        light, charm, beauty = mean_by_flavour(samples, values)
        assert light < charm < beauty


def test_secondary_vertices_as_often_as_in_experiments(samples):
    """About 60-75 % of beauty jets have one at these pt, 20-35 % of charm and 2-5 % of light jets."""
    light, charm, beauty = mean_by_flavour(samples, features(samples, "experts")["n_secondary_vertices"] > 0)
    assert 0.5 < beauty < 0.75
    assert 0.12 < charm < 0.35
    assert 0.01 < light < 0.08


def test_vertices_are_lighter_than_what_decays(samples):
    mass = features(samples, "experts")["vertex_mass"]
    beauty = mass[(samples.targets["flavour"] == BEAUTY) & (mass > 0)]
    charm = mass[(samples.targets["flavour"] == CHARM) & (mass > 0)]
    assert np.mean(beauty < 5.3) > 0.95
    assert np.mean(charm < 2.0) > 0.8
    assert beauty.mean() > charm.mean() + 0.3


def test_light_jets_are_as_probable_as_they_should_be(raw, samples):
    """Of jets with tracks from the collision alone, were it not for a few decays of strange particles and fakes."""
    found = features(samples, "experts")["jet_prob"]
    light = found[(samples.targets["flavour"] == LIGHT) & (features(samples, "leading")["n_tracks"] > 0)]
    assert stats.kstest(light[light > 0.1], stats.uniform(0.1, 0.9).cdf).pvalue > 1e-4
    assert np.mean(light < 0.1) < 0.2


def test_prompt_tracks_have_unit_significances_to_the_fitted_vertex(raw):
    found = reconstruct_jets(raw, BeamSpot(), Tracking(fake_rate=0.0), VertexCuts(), 1)
    tracks, n = found.tracks, found.tracks.prompt.sum()
    for k in range(2):
        significance = (tracks.parameters[:, k] / np.sqrt(tracks.covariance[:, k, k]))[tracks.prompt]
        assert np.median(significance) == pytest.approx(0.0, abs=5 * 1.25 / np.sqrt(n))
        # the middle of it: decays pull the fitted vertex, now and then
        assert np.quantile(np.abs(significance), 0.683) == pytest.approx(1.0, abs=0.06)
    sigma = np.sqrt(np.diagonal(found.primary_covariance, axis1=1, axis2=2))
    pulls = (found.primary - found.collision) / sigma
    np.testing.assert_allclose(np.median(np.abs(pulls), axis=0) / 0.6745, 1.0, atol=0.2)


def test_spectators_sharpen_the_primary_vertex(raw):
    inputs = {name: group for name, group in raw.inputs.items() if not name.startswith("spectator")}
    alone = type(raw)(inputs, raw.targets, raw.id)
    options = (BeamSpot(), Tracking(), VertexCuts(), 1)
    few, many = (np.median(reconstruct_jets(r, *options).primary_covariance[:, 2, 2]) for r in (alone, raw))
    assert many < few / 2


def test_jets_of_an_event_share_their_vertex(raw):
    found = reconstruct_jets(raw, BeamSpot(), Tracking(), VertexCuts(), 1)
    event = raw.targets["event"]
    same = event[1:] == event[:-1]
    assert same.sum() > 20
    np.testing.assert_array_equal(np.diff(found.primary, axis=0)[same], 0.0)
    assert (np.diff(found.collision, axis=0)[~same] != 0).all()
    assert found.collision[:, 2].std() == pytest.approx(56.0, rel=0.2)


def test_most_but_not_all_jets_of_a_process_have_its_flavour(raw, samples):
    label, process = samples.targets["flavour"], raw.targets["process"]
    for name, flavour in (("beauty", BEAUTY), ("charm", CHARM), ("light", LIGHT)):
        fraction = np.mean(label[process == PROCESSES[name]] == flavour)
        assert 0.7 < fraction < 0.99


def test_a_label_matches_a_hadron_in_the_jet(raw, samples):
    label = samples.targets["flavour"]
    hadrons, ids = raw.inputs["hadrons"].column, raw.inputs["hadron_ids"].column
    jets = raw.inputs["jet"].column.values
    for jet in range(len(raw)):
        rows = slice(hadrons.offsets[jet], hadrons.offsets[jet + 1])
        inside = set()
        for (px, py, pz, *_), (_, quark) in zip(hadrons.values[rows], ids.values[rows], strict=True):
            turn = np.angle(np.exp(1j * (np.arctan2(py, px) - jets[jet, 2])))
            if np.hypot(px, py) > 5 and np.hypot(np.arcsinh(pz / np.hypot(px, py)) - jets[jet, 1], turn) < 0.3:
                inside.add(int(quark))
        assert label[jet] == (BEAUTY if 5 in inside else CHARM if 4 in inside else LIGHT)


def test_tracks_are_ordered_and_vertices_aligned_with_them(samples):
    tracks, values = samples.inputs["tracks"].column, features(samples, "tracks")
    vertices = samples.inputs["vertices"].column
    np.testing.assert_array_equal(tracks.offsets, vertices.offsets)
    assert tracks.lengths.max() <= 15
    size = np.abs(values["d0"] / np.sqrt(values["cov_d0_d0"]))
    jet = np.repeat(np.arange(len(samples)), tracks.lengths)
    assert (np.diff(size)[np.diff(jet) == 0] <= 1e-5).all()
    assert (np.sin(values["theta"]) / np.abs(values["q_over_p"])).min() > 0.9  # GeV, 1 before smearing
    np.testing.assert_array_equal(values["vertex_weight"] > 0.5, vertices.values[:, 0] > 0)
    assert ((vertices.values == 0).all(axis=1) == (values["vertex_weight"] == 0)).all()
    leading = features(samples, "leading")["track_1_d0_significance"][tracks.lengths > 0]
    np.testing.assert_allclose(np.abs(leading), size[tracks.offsets[:-1][tracks.lengths > 0]], rtol=1e-4)


def test_the_covariance_given_is_positive_definite(samples):
    values = features(samples, "tracks")
    names = ("d0", "z0", "phi", "theta", "q_over_p")
    matrices = np.empty((len(values["d0"]), 5, 5))
    for i, first in enumerate(names):
        for j, second in enumerate(names[i:], i):
            matrices[:, i, j] = matrices[:, j, i] = values[f"cov_{first}_{second}"]
    sigma = np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    assert np.linalg.eigvalsh(matrices / (sigma[:, :, None] * sigma[:, None, :])).min() > 0


def test_kinematics_are_those_of_the_raw_jets(raw, samples):
    jets = features(raw, "jet")
    for name in ("pt", "eta"):
        np.testing.assert_array_equal(features(samples, "jet")[name], jets[name])
        np.testing.assert_array_equal(features(samples, "experts")[f"jet_{name}"], jets[name])
    eta, phi = (np.median(features(samples, "experts")[f"jet_width_{name}"]) for name in ("eta", "phi"))
    assert 0 < eta < 0.4
    assert phi == pytest.approx(eta, rel=0.3)


def test_features_can_be_rebuilt_with_other_options_from_the_same_raw_jets(raw, samples):
    poorer = prepared(
        raw, tracking={"resolution_scale": 5.0, "pt_min": 2.0}, max_tracks=3, hadron_delta_r=0.4, hadron_pt_min=3.0
    )
    assert poorer.inputs["tracks"].column.lengths.max() == 3
    values = features(poorer, "tracks")
    assert np.quantile(np.sin(values["theta"]) / np.abs(values["q_over_p"]), 0.01) > 1.5  # GeV, 2 before smearing
    assert np.mean(poorer.targets["flavour"] == LIGHT) <= np.mean(samples.targets["flavour"] == LIGHT)
    lead = [
        features(s, "leading")["track_1_d0_significance"][s.targets["flavour"] == BEAUTY] for s in (poorer, samples)
    ]
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
    fewer = prepared(raw, resampling={})
    counts = np.bincount(fewer.targets["flavour"])
    assert counts[0] == counts[1] == counts[2] > 100
    rows = np.searchsorted(raw.id, fewer.id)
    assert (np.diff(rows) > 0).all()
    for name, group in fewer.inputs.items():
        np.testing.assert_array_equal(group.column.values, samples.inputs[name].column.take(rows).values)


def by_flavour(raw, samples):
    """Three shards, as of files of one flavour each."""
    return [raw.take(np.flatnonzero(samples.targets["flavour"] == flavour)) for flavour in (LIGHT, CHARM, BEAUTY)]


def test_shards_of_one_flavour_each_are_resampled_by_what_all_of_them_hold(raw, samples):
    options = JetSamples.Options(kind="jets", resampling={"pt_borders": [40.0], "eta_borders": [1.0]})
    recipe, shards = JetSamples(), by_flavour(raw, samples)
    learned = [np.ones(len(shard), bool) for shard in shards]
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
    alone = recipe.prepare(options, shards[0], 1, learned[0])
    assert len(alone) == 0  # a shard by itself lacks the other flavours


def test_only_files_of_others_need_sums_over_all_shards():
    options = JetSamples.Options(kind="jets")
    assert not JetSamples.needs_totals(options, PythiaJets.Options(kind="jets", events=1))
    assert JetSamples.needs_totals(options, SOURCES["hepmc"].Options(kind="hepmc", files=["a.hepmc3"]))


def test_the_resolution_of_sums_is_that_of_the_tracks():
    sizes = np.random.default_rng(1).normal(size=40_000) * 1.3
    direct = calibrate_resolution(sizes)
    parts = sum(count_sizes(part) for part in np.array_split(sizes, 7))
    summed = calibrate_by_totals(parts)
    at = np.linspace(0, 6, 50)
    np.testing.assert_allclose(summed.survival(at), direct.survival(at), rtol=0.01)


def held_out(raw):
    training = np.zeros(len(raw), bool)
    training[rows_by_split(raw, SplitFractions())["train"]] = True
    return training


def turned(raw, jets):
    """Each constituent of `jets` (n,) bool turned around the beam by chance: seen and prompt as before, but with other
    impact parameters."""
    group = raw.inputs["constituents"]
    values = group.column.values.copy()
    mine = jets[np.repeat(np.arange(len(raw)), group.column.lengths)]
    angle = np.random.default_rng(1).uniform(0.5, 2.0, mine.sum())
    px, py = values[mine, 0].copy(), values[mine, 1].copy()
    values[mine, 0], values[mine, 1] = px * np.cos(angle) - py * np.sin(angle), px * np.sin(angle) + py * np.cos(angle)
    column = replace(group.column, values=values)
    return replace(raw, inputs=raw.inputs | {"constituents": replace(group, column=column)})


def of_rows(samples, rows):
    return {name: column_of(group.column, rows) for name, group in samples.inputs.items()}


def column_of(column, rows):
    taken = column.take(rows)
    return taken.values.tobytes(), getattr(taken, "offsets", np.zeros(0)).tobytes()


def test_what_is_learned_from_does_not_depend_on_tracks_that_are_not(raw):
    """All jets of the other events change their tracks, and stay so many: no bit of a training sample changes."""
    training = held_out(raw)
    before, after = (prepared(r, training=training) for r in (raw, turned(raw, ~training)))
    inside, outside = np.flatnonzero(training), np.flatnonzero(~training)
    assert of_rows(before, inside) == of_rows(after, inside)
    assert of_rows(before, outside) != of_rows(after, outside)
    everyone = prepared(raw)  # the test means nothing where too few tracks leave the Gaussian in the resolution's place
    assert of_rows(before, inside) != of_rows(everyone, inside)


def test_what_is_kept_to_learn_from_does_not_depend_on_the_rest(raw):
    training = held_out(raw)
    before, after = (prepared(r, training=training, resampling={}) for r in (raw, turned(raw, ~training)))
    learned = [samples.id[training[np.searchsorted(raw.id, samples.id)]] for samples in (before, after)]
    np.testing.assert_array_equal(*learned)
    flavour = before.targets["flavour"][np.isin(before.id, learned[0])]
    counts = np.bincount(flavour)
    assert counts[0] == counts[1] == counts[2] > 50


@pytest.mark.parametrize("jets", [0, 1, 12])
def test_a_shard_with_few_jets_to_learn_from_has_the_gaussian_resolution(raw, jets, tmp_path):
    some = raw.take(np.arange(40))
    training = np.arange(40) < jets
    samples = prepared(some, training=training)
    check_samples(samples, tmp_path)
    none = prepared(some, training=np.zeros(40, bool))
    assert of_rows(samples, np.arange(40)) == of_rows(none, np.arange(40))
    assert 0 <= features(samples, "experts")["jet_prob"].min() < features(samples, "experts")["jet_prob"].max() <= 1


def test_noise_follows_from_the_seed(raw):
    first, again, other = (prepared(raw, seed, resampling={}) for seed in (1, 1, 2))
    for name in GROUPS:
        values = [s.inputs[name].column.values.tobytes() for s in (first, again, other)]
        assert values[0] == values[1] != values[2]


def test_chunks_do_not_cut_events(raw, monkeypatch):
    monkeypatch.setattr("bevatron.prepare.jets.reconstruction.CHUNK", 100)
    found = reconstruct_jets(raw, BeamSpot(), Tracking(), VertexCuts(), 1)
    event = raw.targets["event"]
    np.testing.assert_array_equal(np.diff(found.primary, axis=0)[event[1:] == event[:-1]], 0.0)
    assert (np.diff(found.tracks.jet) >= 0).all()
    assert found.tracks.jet.max() < len(raw)
    with_vertex = found.vertices.vertex >= 0
    np.testing.assert_array_equal(found.vertices.jet[found.vertices.vertex[with_vertex]], found.tracks.jet[with_vertex])
