"""Jet samples from real collisions: what a physicist would check before believing them."""

import numpy as np
import pytest

from bevatron.prepare.recipes.jets import JetSamples
from bevatron.simulate.sources.jets import Jets

LIGHT, CHARM, BEAUTY = 0, 1, 2
PROCESSES = {"beauty": 0, "charm": 1, "light": 2}


@pytest.fixture(scope="module")
def raw():
    return Jets().simulate(Jets.Options(kind="jets", events=150), 0, 7)[0]


def prepared(raw, seed=1, **options):
    return JetSamples().prepare(JetSamples.Options(kind="jets", **options), raw, seed)


def features(samples, group):
    entry = samples.inputs[group]
    return dict(zip(entry.features, entry.column.values.T, strict=True))


def leading_significance(samples):
    """Signed d0 significance of each jet's most displaced track, 0 without a track."""
    tracks = samples.inputs["tracks"].column
    has = tracks.lengths > 0
    lead = np.zeros(len(samples))
    lead[has] = features(samples, "tracks")["d0_significance"][tracks.offsets[:-1][has]]
    return lead


def test_impact_parameters_order_the_flavours(raw):
    samples = prepared(raw)
    lead, label = leading_significance(samples), samples.targets["flavour"]
    light, charm, beauty = (lead[label == flavour].mean() for flavour in (LIGHT, CHARM, BEAUTY))
    assert light < charm < beauty
    assert beauty > 2 * charm


def test_light_tracks_are_symmetric_about_zero(raw):
    """Apart from strange decays, the sign of a prompt track's d0 is noise."""
    samples = prepared(raw)
    jet = np.repeat(np.arange(len(samples)), samples.inputs["tracks"].column.lengths)
    significance = features(samples, "tracks")["d0_significance"][samples.targets["flavour"][jet] == LIGHT]
    core = significance[np.abs(significance) < 2]
    assert np.mean(core > 0) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(len(core)))


def test_most_but_not_all_jets_of_a_process_have_its_flavour(raw):
    label, process = prepared(raw).targets["flavour"], raw.targets["process"]
    for name, flavour in (("beauty", BEAUTY), ("charm", CHARM), ("light", LIGHT)):
        share = np.mean(label[process == PROCESSES[name]] == flavour)
        assert 0.7 < share < 0.99


def test_a_label_matches_a_hadron_in_the_jet(raw):
    label = prepared(raw).targets["flavour"]
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


def test_tracks_pass_the_cuts_and_are_ordered(raw):
    samples = prepared(raw)
    tracks, values = samples.inputs["tracks"].column, features(samples, "tracks")
    assert tracks.lengths.max() == 15
    assert values["pt"].min() > 1.0
    assert values["pt_fraction"].max() <= 1.0 + 1e-3
    assert values["delta_r"].max() < 0.8
    size = np.abs(values["d0_significance"])
    same_jet = np.diff(np.repeat(np.arange(len(samples)), tracks.lengths)) == 0
    assert (np.diff(size)[same_jet] <= 0).all()


def test_kinematics_are_those_of_the_raw_jets(raw):
    samples, jets = features(prepared(raw), "jet"), features(raw, "jet")
    for name in ("pt", "eta", "mass"):
        np.testing.assert_array_equal(samples[name], jets[name])
    members = raw.inputs["constituents"].column
    energy = np.add.reduceat(members.values[:, 3].astype(np.float64), members.offsets[:-1])
    np.testing.assert_allclose(samples["energy"], energy, rtol=1e-4)
    assert 0 < np.median(samples["width_eta"]) < 0.4
    assert np.median(samples["width_phi"]) == pytest.approx(np.median(samples["width_eta"]), rel=0.3)


def test_features_can_be_rebuilt_with_other_options_from_the_same_raw_jets(raw):
    usual = prepared(raw)
    poorer = prepared(raw, resolution_scale=5.0, max_tracks=3, track_pt_min=2.0, hadron_delta_r=0.4, hadron_pt_min=3.0)
    assert poorer.inputs["tracks"].column.lengths.max() == 3
    assert features(poorer, "tracks")["pt"].min() > 2.0
    assert np.mean(poorer.targets["flavour"] == LIGHT) <= np.mean(usual.targets["flavour"] == LIGHT)
    beauty = usual.targets["flavour"] == BEAUTY
    assert leading_significance(poorer)[beauty].mean() < leading_significance(usual)[beauty].mean()


def test_noise_follows_from_the_seed(raw):
    first, again, other = (prepared(raw, seed).inputs["tracks"].column.values for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_every_feature_is_finite(raw):
    for group in prepared(raw).inputs.values():
        assert np.isfinite(group.column.values).all()
        assert group.column.values.dtype == np.float32
