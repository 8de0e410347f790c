"""The source `lartpc`: events of each mode, balance, energies, and its mistakes in a line each."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.study import Study
from bevatron.simulate.argon.tracking.event import COSMIC, GUN, NEUTRINO, PRIMARY_FEATURES, Deposits, Primaries
from bevatron.simulate.argon.tracking.events import EventStart, build_event_samples
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.lartpc import LiquidArgon
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.shard import read_shard

FIVE = ["electron", "photon", "muon", "pion_minus", "proton"]
BOX = {"low": [0, -100, 0], "high": [250, 100, 300]}


def options(**more):
    return LiquidArgon.Options.model_validate({"kind": "lartpc", "events": 20, "box": BOX, **more})


def shard(number=0, seed=7, **more):
    return LiquidArgon().simulate(options(**more), number, ShardSeed.of(str(seed), number))[0]


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
    samples = shard(neutrinos={"fraction": 0.5}, cosmics={"window": [0, 4e5]})
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


def test_a_gun_may_have_company_from_the_sky():
    samples = shard(gun={"particles": FIVE, "per_event": [2, 3]}, cosmics={"window": [-1e5, 1e5]}, events=8)
    ids, values = column(samples, "primary_ids"), column(samples, "primaries")
    origins = np.split(ids.values[:, 1], ids.offsets[1:-1])
    assert {int((o == GUN).sum()) for o in origins} == {2, 3}
    sky = ids.values[:, 1] == COSMIC
    assert sky.any()
    time = values.values[:, PRIMARY_FEATURES.index("t")]
    assert (time[~sky] == 0).all()
    assert (np.abs(time[sky]) <= 1e5).all()
    segments, numbers = column(samples, "segments"), column(samples, "segment_ids")
    for k in range(len(samples)):
        inside = slice(segments.offsets[k], segments.offsets[k + 1])
        born = time[ids.offsets[k] + numbers.values[inside, 3]]
        assert (segments.values[inside, 8] >= born - 0.01).all()  # nothing before its primary


def test_conversion_is_that_of_the_first_photon():
    """Of a first that does not convert it is -1, also where a second one does."""
    code = np.array([13, 22, 22, 22, 22], np.int32)
    event, zeros = np.array([0, 1, 1, 2, 2]), np.zeros((5, 3))
    primaries = Primaries(event, code, np.zeros(5, np.int32), zeros, np.zeros(5), zeros + 1.0)
    deposits = Deposits(
        np.zeros((0, 9), np.float32),
        np.zeros((0, 5), np.int32),
        np.zeros(4, np.int64),
        np.zeros((3, 6)),
        np.array([np.nan, 12.0, 3.0, np.nan, 5.0], np.float32),
    )
    started = EventStart(primaries, np.zeros(3, np.int64), np.zeros(3, np.int64), np.zeros((3, 3), np.float32))
    samples = build_event_samples(started, deposits, 7)
    assert column(samples, "conversion").values[:, 0].tolist() == [-1, 12, -1]
    assert samples.id.tolist() == [7, 8, 9]


def test_batches_follow_on_from_one_another(monkeypatch):
    """Of straight lines in the place of the transport: classes, numbers and lists run on over the batches' ends."""

    def lines(primaries, n_events, box, cuts, seed, first_event):
        start, n = primaries.position, len(primaries.event)
        direction = primaries.momentum / np.linalg.norm(primaries.momentum, axis=1, keepdims=True)
        rest = np.stack([np.full(n, 10.0), np.full(n, 21.0), primaries.time], 1)
        values = np.concatenate([start, start + 10 * direction, rest], 1)
        ids = np.stack([primaries.pdg, np.zeros(n), np.full(n, -1), np.zeros(n), np.zeros(n)], 1)
        offsets = np.searchsorted(primaries.event, np.arange(n_events + 1))
        unconverted = np.full(n, np.nan, np.float32)
        return Deposits(values.astype(np.float32), ids.astype(np.int32), offsets, np.zeros((n_events, 6)), unconverted)

    monkeypatch.setattr("bevatron.simulate.argon.tracking.transport.transport", lines)
    monkeypatch.setattr("bevatron.simulate.sources.lartpc.BATCH", 7)
    samples = shard(3, gun={"particles": FIVE}, events=23)
    assert samples.targets["particle"].tolist() == [k % 5 for k in range(23)]
    assert samples.id.tolist() == [(3 << 40) + k for k in range(23)]
    primaries, segments = column(samples, "primaries"), column(samples, "segments")
    assert primaries.offsets.tolist() == segments.offsets.tolist() == list(range(24))
    np.testing.assert_array_equal(segments.values[:, :3], primaries.values[:, :3])
    assert len(np.unique(primaries.values[:, 0])) == 23  # no batch repeats another


@pytest.mark.parametrize(
    "mode",
    [
        {"gun": {"particles": FIVE}},
        {"neutrinos": {"fraction": 0.5}, "cosmics": {"window": [0, 1e5]}},
        {"neutrinos": {"fraction": 0.0}, "cosmics": {"window": [0, 1e3], "scale": 0.1}},  # empty events
    ],
)
def test_a_shard_is_written_and_read_again(tmp_path, mode):
    section = Simulation.model_validate({"source": {"kind": "lartpc", "events": 3, "box": BOX, **mode}, "shards": 2})
    study = Study.model_construct(name="argon", simulation=section)
    for folder in ("a", "b"):
        simulate_shard(study, 1, tmp_path / folder / "shard-0001.h5")
    first, second = ((tmp_path / folder / "shard-0001.h5").read_bytes() for folder in ("a", "b"))
    assert first == second
    samples = read_shard(tmp_path / "a" / "shard-0001.h5")
    assert set(samples.inputs) == {"segments", "segment_ids", "budget", "primaries", "primary_ids", "conversion"}
    assert set(samples.targets) == {"particle", "neutrino", "vertex"}
    assert samples.attributes["box"] == {axis: [float(x) for x in corner] for axis, corner in BOX.items()}
    assert samples.attributes["particles"] == mode.get("gun", {}).get("particles", [])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"gun": {"particles": FIVE, "axis": [np.inf, 0, 0]}}, "finite number"),
        ({"gun": {"particles": FIVE, "kinetic_energy": [np.nan, 100]}}, "finite number"),
        ({"gun": {"particles": FIVE}, "box": {"low": [0, 0, 0], "high": [np.inf, 9, 9]}}, "finite number"),
        ({"gun": {"particles": FIVE}, "cosmics": {"window": [0, np.inf]}}, "finite number"),
        ({"gun": {"particles": FIVE}, "cosmics": {"scale": 1e6}}, "muons an event, of this box, window and scale"),
        ({}, "exactly one of 'gun' and 'neutrinos', found neither"),
        ({"gun": {"particles": ["kaon"]}}, "'electron', 'positron', 'photon'"),
        ({"gun": {"particles": FIVE, "kinetic_energy": [100, 50_000]}}, "within 0.1 to 10000 MeV"),
        ({"gun": {"particles": FIVE, "kinetic_energy": [500, 100]}}, "within 0.1 to 10000 MeV"),
        ({"gun": {"particles": FIVE}, "box": {"low": [0, 0, 0], "high": [10, 0, 10]}}, "y must rise from low to high"),
        ({"gun": {"particles": FIVE, "margin": 120}}, "120 cm from every wall leave nothing of a box of 200 cm"),
        ({"gun": {"particles": FIVE}, "neutrinos": {}}, "exactly one of 'gun' and 'neutrinos'"),
        ({"neutrinos": {"fraction": 0.5}}, "some events are empty; give 'cosmics' as well"),
        ({"gun": {"particles": ["muon", "muon"]}}, "one stands twice"),
        ({"gun": {"particles": FIVE, "axis": [0, 0, 0]}}, "axis: must have a length"),
        ({"gun": {"particles": FIVE, "per_event": [3, 2]}}, "per_event: must rise within 1 to 100"),
    ],
)
def test_mistakes_are_named(settings, said):
    with pytest.raises(ValidationError) as caught:
        options(**settings)
    assert said in str(caught.value)
