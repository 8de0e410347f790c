"""The source `lartpc`: events of each mode, balance, energies, and its mistakes in a line each."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.simulate.argon.event import COSMIC, GUN, NEUTRINO, PRIMARY_FEATURES
from bevatron.simulate.sources.lartpc import LiquidArgon

FIVE = ["electron", "photon", "muon", "pion_minus", "proton"]
BOX = {"low": [0, -100, 0], "high": [250, 100, 300]}


def options(**more):
    return LiquidArgon.Options.model_validate({"kind": "lartpc", "events": 20, "box": BOX, **more})


def shard(number=0, seed=7, **more):
    return LiquidArgon().simulate(options(**more), number, seed)[0]


def column(samples, name):
    return samples.inputs[name].column


def test_a_gun_shoots_each_particle_as_often():
    samples = shard(gun={"particles": FIVE, "kinetic_energy": [200, 400], "margin": 50})
    assert np.bincount(samples.targets["particle"]).tolist() == [4] * 5
    codes = column(samples, "primary_ids").values
    assert codes[:5, 0].tolist() == [11, 22, 13, -211, 2212]
    assert (codes[:, 1] == GUN).all()
    primaries = column(samples, "primaries").values
    kinetic = primaries[:, PRIMARY_FEATURES.index("kinetic_energy")]
    assert ((kinetic >= 199.9) & (kinetic <= 400.1)).all()
    start = primaries[:, :3]
    assert (start >= np.array(BOX["low"]) + 50).all()
    assert (start <= np.array(BOX["high"]) - 50).all()
    np.testing.assert_array_equal(samples.targets["vertex"], start)
    assert (samples.targets["neutrino"] == 0).all()


def test_energy_is_accounted_for_event_by_event():
    samples = shard(gun={"particles": FIVE})
    brought, *rest = column(samples, "budget").values.T
    np.testing.assert_allclose(sum(rest), brought, rtol=1e-9, atol=1e-6)
    segments = column(samples, "segments")
    deposited = [
        segments.values[a:b, 7].sum() for a, b in zip(segments.offsets[:-1], segments.offsets[1:], strict=True)
    ]
    np.testing.assert_allclose(deposited, rest[0], rtol=1e-4)
    low, high = np.array(BOX["low"]), np.array(BOX["high"])
    for ends in (segments.values[:, :3], segments.values[:, 3:6]):
        assert (ends >= low - 1e-3).all()
        assert (ends <= high + 1e-3).all()


def test_only_photons_convert():
    samples = shard(gun={"particles": FIVE})
    conversion = column(samples, "conversion").values[:, 0]
    photons = samples.targets["particle"] == 1
    assert (conversion[~photons] == -1).all()
    assert (conversion[photons] > 0).mean() > 0.5


def test_neutrinos_among_cosmic_muons():
    samples = shard(neutrinos={"share": 0.5}, cosmics={"window": [0, 4e5]})
    has = samples.targets["neutrino"].astype(bool)
    assert 2 < has.sum() < 18
    ids = column(samples, "primary_ids")
    for k, neutrino in enumerate(has):
        origins = ids.values[ids.offsets[k] : ids.offsets[k + 1], 1]
        assert (NEUTRINO in origins) == neutrino
        assert set(origins) <= {NEUTRINO, COSMIC}
        assert (np.diff(origins) >= 0).all()  # cosmic muons last
    assert (samples.targets["vertex"][~has] == 0).all()


def test_a_shard_follows_from_its_seed_alone():
    settings = {"gun": {"particles": FIVE, "per_event": [1, 3]}, "cosmics": {"window": [0, 1e5]}}
    first, again, other = shard(**settings), shard(**settings), shard(1, seed=8, **settings)
    for name, group in first.inputs.items():
        np.testing.assert_array_equal(group.column.values, again.inputs[name].column.values)
    assert len(column(first, "segments").values) != len(column(other, "segments").values)
    assert not set(first.id) & set(other.id)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gun": {"particles": ["kaon"]}}, "'electron', 'positron', 'photon'"),
        ({"gun": {"particles": FIVE, "kinetic_energy": [100, 50_000]}}, "within 0.1 to 10000 MeV"),
        ({"gun": {"particles": FIVE, "kinetic_energy": [500, 100]}}, "within 0.1 to 10000 MeV"),
        ({"gun": {"particles": FIVE}, "box": {"low": [0, 0, 0], "high": [10, 0, 10]}}, "y must rise from low to high"),
        ({"gun": {"particles": FIVE, "margin": 120}}, "120 cm from every wall leave nothing of a box of 200 cm"),
        ({"gun": {"particles": FIVE}, "neutrinos": {}}, "exactly one of 'gun' and 'neutrinos'"),
        ({"neutrinos": {"share": 0.5}}, "some events are empty; give 'cosmics' as well"),
        ({"gun": {"particles": ["muon", "muon"]}}, "one stands twice"),
        ({"gun": {"particles": FIVE, "axis": [0, 0, 0]}}, "axis: must have a length"),
        ({"gun": {"particles": FIVE, "per_event": [3, 2]}}, "per_event: must rise within 1 to 100"),
    ],
)
def test_mistakes_are_named(settings, said):
    with pytest.raises(ValidationError) as caught:
        options(**settings)
    assert said in str(caught.value)
