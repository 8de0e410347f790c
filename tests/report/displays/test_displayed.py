"""Which samples are displayed and what networks predict for them, against a plain search."""

from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.report.explore.displayed import (
    class_probabilities,
    first_of_each_class,
    first_samples,
    most_accurate,
    predicted_outputs,
    raw_shard,
    rounded,
)
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.columns import Dense, Group, Samples
from bevatron.store.shards.shard import write_shard

LABELS = [np.array(labels) for labels in ([0, 0, 2, 0, 2, 2], [2, 0, 1], [1, 1, 0])]
IDS = [np.arange(6, dtype=np.uint64) * 3 + 100, np.array([7, 2**63, 9], np.uint64), np.array([1, 2, 3], np.uint64)]


@pytest.fixture
def results(tmp_path):
    """A study's results with a test split of three shards, of classes 0, 1, 2."""
    entries = []
    for k, (labels, ids) in enumerate(zip(LABELS, IDS, strict=True)):
        path = tmp_path / "dataset" / f"test-{k:04d}.h5"
        path.parent.mkdir(exist_ok=True)
        x = Group(Dense(np.zeros((len(ids), 1), np.float32)), ("x",), ("",))
        write_shard(path, Samples({"x": x}, {"label": labels}, ids), {"digest": "d", "shard": k, "raw_digest": "r"})
        size = path.stat().st_size
        entries.append(SimpleNamespace(file=path.name, bytes=size, sha256=sha256_of(path), samples=len(ids)))
    manifest = SimpleNamespace(splits={"test": entries}, dataset_digest="d", sha256="m")
    model = SimpleNamespace(name="network", label="The network")
    return SimpleNamespace(folder=tmp_path, manifest=manifest, models={"network": model})


def write_predictions(results, outputs, ids, manifest="m"):
    path = results.folder / "evaluation" / "network" / "predictions.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["outputs"], file["id"], file.attrs["manifest_sha256"] = outputs, ids, manifest


def flat(shown):
    return [int(i) for entry in shown for i in entry.ids]


@pytest.mark.parametrize("per_class", [1, 2, 3, 50])
def test_the_first_samples_of_each_class_are_chosen_in_the_order_of_the_split(results, per_class):
    labels, ids = np.concatenate(LABELS), np.concatenate(IDS)
    expected = sorted(row for k in range(3) for row in [r for r in range(len(labels)) if labels[r] == k][:per_class])
    assert flat(first_of_each_class(results, "label", 3, per_class)) == [int(i) for i in ids[expected]]


def test_no_more_shards_are_read_than_needed(results):
    (results.folder / "dataset" / "test-0002.h5").unlink()
    assert len(flat(first_of_each_class(results, "label", 3, 1))) == 3
    with pytest.raises(UserError, match="missing"):
        first_of_each_class(results, "label", 3, 2)


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (7, 7), (100, 12)])
def test_the_first_samples(results, n, expected):
    assert flat(first_samples(results, n)) == [int(i) for i in np.concatenate(IDS)[:expected]]


def test_predictions_are_found_by_id_whatever_the_order_of_the_file(results):
    rng = np.random.default_rng(1)
    ids = rng.permutation(np.concatenate(IDS))
    outputs = rng.normal(size=(2, len(ids), 3)).astype(np.float32)
    write_predictions(results, outputs, ids)
    asked = np.concatenate(IDS)[[7, 0, 3, 7]]
    found = predicted_outputs(results, results.models["network"], asked)
    expected = np.stack([[outputs[s, list(ids).index(i)] for i in asked] for s in range(2)])
    np.testing.assert_array_equal(found, expected)
    (model,) = class_probabilities(results, asked)
    probabilities = np.exp(expected.astype(float)) / np.exp(expected.astype(float)).sum(-1, keepdims=True)
    np.testing.assert_allclose(model["probabilities"], probabilities.mean(0), atol=6e-5)


def test_predictions_that_are_missing_of_other_samples_or_of_another_dataset(results):
    model, ids = results.models["network"], np.concatenate(IDS)
    assert predicted_outputs(results, model, ids) is None
    assert class_probabilities(results, ids) == []
    write_predictions(results, np.zeros((1, 3, 3)), ids[:3])
    with pytest.raises(ValueError, match="lacks samples"):
        predicted_outputs(results, model, ids)
    write_predictions(results, np.zeros((1, len(ids), 3)), ids, "another")
    with pytest.raises(ValueError, match="another dataset"):
        predicted_outputs(results, model, ids)


def test_a_raw_shard_is_used_if_it_is_there_and_of_the_same_settings(results):
    path = results.folder / "dataset" / "test-0001.h5"
    with raw_shard(results, path) as raw:
        assert raw is None
    x = Group(Dense(np.zeros((3, 1), np.float32)), ("x",), ("",))
    for digest, usable in (("r", True), ("other", False)):
        target = results.folder / "raw" / "shard-0001.h5"
        target.parent.mkdir(exist_ok=True)
        write_shard(target, Samples({"x": x}, {"label": LABELS[1]}, IDS[1]), {"digest": digest})
        with raw_shard(results, path) as raw:
            assert (raw is not None) == usable


def test_numbers_that_are_none_become_null():
    assert rounded(np.array([[1.23456, np.nan], [-0.00001, np.inf]])) == [[1.235, None], [0.0, None]]


def test_the_most_accurate_model_comes_first():
    measured = {"a": 0.3, "b": np.nan, "c": 0.8}
    results = SimpleNamespace(metric=lambda m, _: SimpleNamespace(value=measured[m]) if m in measured else None)
    assert most_accurate(results, [{"name": name} for name in ("a", "b", "unknown", "c")]) == 3
    assert most_accurate(results, [{"name": "b"}]) == most_accurate(results, []) == 0
