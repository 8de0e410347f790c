"""What the display of wire planes holds, against the dense image."""

import base64

import numpy as np
import pytest

from bevatron.report.explore import wire_display
from bevatron.report.explore.panels.wires import _within_budget
from bevatron.report.explore.wire_display import boxes_of, found_boxes, groups_shown, image_of, primaries_of
from bevatron.store.shards.columns import Dense, ElementTarget, Group, Ragged, Samples, SparseImages
from bevatron.store.shards.contract import GroupInfo
from bevatron.store.shards.shard import Shard, write_shard

SHAPE = (3, 8, 10)


def decode(encoded):
    return np.frombuffer(base64.b64decode(encoded["base64"]), encoded["dtype"]).reshape(encoded["shape"])


@pytest.fixture
def dense():
    rng = np.random.default_rng(3)
    images = rng.exponential(20, (2, *SHAPE)) * (rng.random((2, *SHAPE)) < 0.2)
    return images.astype(np.float32)


@pytest.fixture
def shard(tmp_path, dense):
    index = [np.flatnonzero(image) for image in dense]
    value = np.concatenate([image.ravel()[i] for image, i in zip(dense, index, strict=True)])
    offsets = np.cumsum([0, *map(len, index)])
    column = SparseImages(np.concatenate(index).astype(np.int32), value, offsets.astype(np.int64), SHAPE)
    labels = np.arange(len(value), dtype=np.int8) % 4 - 1
    boxes = np.full((2, 2, 5), -1.0, np.float32)
    boxes[1, 0] = [0.1, 0.2, 0.5, 0.6, 2]
    samples = Samples(
        {"planes": Group(column, ("u", "v", "y"), ("ke",) * 3)},
        {"boxes": boxes},
        np.array([4, 5], np.uint64),
        element_targets={"planes_class": ElementTarget("planes", labels, ("a", "b", "c"))},
    )
    write_shard(tmp_path / "a.h5", samples, {})
    with Shard(tmp_path / "a.h5") as opened:
        yield opened


@pytest.mark.parametrize("row", [0, 1])
def test_pixels_are_those_of_the_image_to_three_digits(shard, dense, row):
    image = image_of(shard, "planes", row)
    again = np.zeros(SHAPE)
    again.ravel()[decode(image["index"])] = decode(image["value"])
    np.testing.assert_allclose(again, dense[row], rtol=6e-3)
    assert image["stored"] == np.count_nonzero(dense[row])
    assert "kept" not in image
    before = np.count_nonzero(dense[:row])
    assert decode(image["true"]).tolist() == [(before + k) % 4 - 1 for k in range(image["stored"])]


def test_of_a_full_image_the_largest_pixels_are_kept_and_their_places_told(shard, dense, monkeypatch):
    monkeypatch.setattr(wire_display, "PIXELS", 5)
    image = image_of(shard, "planes", 0)
    value = dense[0].ravel()[np.flatnonzero(dense[0])]
    kept = sorted(np.argsort(-value)[:5].tolist())
    assert decode(image["kept"]).tolist() == kept
    np.testing.assert_allclose(decode(image["value"]), value[kept], rtol=6e-3)
    assert decode(image["index"]).tolist() == np.flatnonzero(dense[0])[kept].tolist()


def test_boxes_that_are_there_and_those_that_are_found(shard):
    assert boxes_of(shard, "boxes", 0) == []
    assert boxes_of(shard, "boxes", 1) == [[0.1, 0.2, 0.5, 0.6, 2.0]]
    detections = np.array([[0, 0, 1, 1, 0.2, 1], [0, 0, 0.5, 1, 0.9, 0], [0, 0, 1, 1, 0.01, 1], [0, 0, 0, 0, 0.9, -1]])
    assert [box[4:] for box in found_boxes(detections, 0.05)] == [[0.9, 0.0], [0.2, 1.0]]


def test_groups_with_shuffled_pixels_are_not_shown():
    def info(side, *planes):
        shape, units = (len(planes), side, side), ("ke",) * len(planes)
        return GroupInfo(layout="sparse", dtype="float32", shape=shape, features=planes, units=units)

    groups = {"low": info(36, "u", "v", "y"), "fine": info(72, "y"), "small": info(24, "y"), "mixed": info(96, "y")}
    assert groups_shown(groups, {"mixed"}, None) == ["low", "fine"]
    assert groups_shown(groups, {"mixed"}, "small") == ["small", "fine"]
    assert groups_shown({"mixed": groups["mixed"]}, {"mixed"}, None) == []


def test_events_that_do_not_fit_are_left_out_evenly():
    def event(label, size):
        return {"label": label, "images": {"a": {"index": {"base64": "x" * size}, "stored": 3}}}

    events = [event(label, 300_000) for label in (0, 1, 0, 1, 0, 1, 0, 1, 0)]
    assert [e["label"] for e in _within_budget(events)] == [0, 1, 0, 1, 0, 1]
    assert len(_within_budget([event(None, 9_000_000)] * 3)) == 1  # one at least
    assert _within_budget([]) == []


def test_primaries_are_named_by_falling_energy(tmp_path):
    energies, codes = [3.0, 200.4, 50.0, 9.0, 1.0], [22, 13, 2212, 999, 11]
    primaries = np.zeros((5, 2), np.float32)
    primaries[:, 1] = energies
    offsets = np.array([0, 5])
    inputs = {
        "primaries": Group(Ragged(primaries, offsets), ("x", "kinetic_energy"), ("cm", "MeV")),
        "primary_ids": Group(
            Ragged(np.column_stack([codes, [0] * 5]).astype(np.int32), offsets), ("pdg", "origin"), ("", "")
        ),
        "one": Group(Dense(np.zeros((1, 1), np.float32)), ("x",), ("",)),
    }
    write_shard(tmp_path / "raw.h5", Samples(inputs, {"particle": np.array([0])}, np.array([1], np.uint64)), {})
    with Shard(tmp_path / "raw.h5") as raw:
        assert primaries_of(raw, 0) == "muon 200 MeV, proton 50 MeV, PDG 999 9 MeV, photon 3 MeV and 1 more"
