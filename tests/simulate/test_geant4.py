"""The source `geant4` without Geant4's data: what goes in, what is made of arrays, what is missing."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.argon.tracking.event import GUN, Box, Primaries
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.geant4 import Geant4, build_deposits, convert_primaries, geometry

BOX = Box((0.0, -100.0, 0.0), (250.0, 100.0, 500.0))
PRIMARIES = Primaries(
    event=np.array([0, 0, 1]),
    pdg=np.array([11, 2212, 22], np.int32),
    origin=np.full(3, GUN, np.int32),
    position=np.array([[125.0, 0, 250], [10, 20, 30], [125, 0, 250]]),
    time=np.array([0.0, 5.0, 7.0]),
    momentum=np.array([[0, 0, 500.0], [0, 300, 400], [100, 0, 0]]),
)


def options():
    box = {"low": BOX.low, "high": BOX.high}
    return Geant4.Options.model_validate(
        {"kind": "geant4", "events": 3, "box": box, "gun": {"particles": ["electron"]}}
    )


def test_primaries_become_particles_around_the_middle():
    form = [("pid", "i4"), ("energy", "f8"), ("position", "f8", 3), ("direction", "f8", 3)]
    particles = convert_primaries(PRIMARIES, BOX, SimpleNamespace(particles=lambda n: np.zeros(n, form)))
    assert particles["pid"].tolist() == [11, 2212, 22]
    np.testing.assert_allclose(particles["energy"], [499.49, np.hypot(938.272, 500) - 938.272, 100], atol=0.01)
    np.testing.assert_allclose(particles["position"][:2], [[0, 0, 0], [-115, 20, -220]])
    np.testing.assert_allclose(particles["direction"][1], [0, 0.6, 0.8])
    assert geometry(BOX) == {"Argon": {"box": [250, 200, 500], "material": "G4_lAr", "role": "record_deposits"}}


def test_sampled_deposits_become_segments_by_event():
    form = [("event", "u8"), ("tid", "i4"), ("pid", "i4"), ("value", "f8")]
    line = np.zeros(2, [*form, ("start", "f8", 3), ("end", "f8", 3)])
    line["event"], line["tid"], line["pid"], line["value"] = [2, 0], [4, 1], [11, 11], [3.0, 2.0]
    line["end"][:, 2] = 1.0
    point = np.zeros(1, [*form, ("position", "f8", 3)])
    point["event"], point["tid"], point["pid"], point["value"] = 1, 2, 2112, 0.5
    tracks = np.array([(2, 4, 1), (0, 1, 0), (1, 2, 1)], [("event", "u8"), ("tid", "i4"), ("parent", "i4")])
    found = build_deposits(SimpleNamespace(line=line, point=point), tracks, PRIMARIES, 2, BOX)
    assert found.offsets.tolist() == [0, 2, 3]
    np.testing.assert_allclose(found.segments[0], [125, 0, 250, 125, 0, 251, 1, 2.0, 0])
    np.testing.assert_allclose(found.segments[2, 6:], [1, 3.0, 7.0])
    assert found.ids.tolist() == [[11, 1, -1, 0, 0], [2112, 1_000_002, 1_000_001, 1, 0], [11, 4, 1, 0, 0]]
    np.testing.assert_allclose(found.budget[:, 0], found.budget[:, 1:].sum(1))
    np.testing.assert_allclose(found.budget[:, 1], [2.5, 3.0])


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "calzone", None)
    with pytest.raises(UserError, match="calzone is not installed") as caught:
        Geant4().simulate(options(), 0, ShardSeed.of("1", 0))
    assert "bevatron[geant4]" in str(caught.value)


def test_missing_data_are_one_line():
    pytest.importorskip("calzone", reason="needs the extra geant4")
    with pytest.raises(UserError, match="lacks Geant4's data") as caught:
        Geant4().simulate(options(), 0, ShardSeed.of("1", 0))
    assert "python -m calzone download" in str(caught.value)
    assert "\n" not in str(caught.value)
