"""The stage as a whole: predictions that can be worked out by hand, and everything that must be refused."""

import json
from dataclasses import replace

import h5py
import hdf5plugin  # noqa: F401  (the filter of predictions.h5)
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.stage import evaluate_model
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import read_shard, write_shard


def _evaluate(study, workflow, dataset, runs, folder):
    evaluate_model(study, workflow, "linear", dataset[0], runs, folder)
    return json.loads((folder / "metrics.json").read_text())


def test_predictions_are_those_of_the_networks_in_the_order_of_the_shards(study, workflow, dataset, trained, tmp_path):
    tree = _evaluate(study, workflow, dataset, trained, tmp_path / "out")
    test = dataset[2]
    pt = np.concatenate([s.inputs["jet"].column.values[:, 0] for s in test])
    flavour = np.concatenate([s.targets["flavour"] for s in test])
    with h5py.File(tmp_path / "out" / "predictions.h5") as file:
        outputs = file["outputs"][()]
        assert (file["id"][()] == np.concatenate([s.id for s in test])).all()
        assert (file["targets/flavour"][()] == flavour).all()
        assert file.attrs["seeds"].tolist() == [0, 1]
    assert outputs.shape == (2, 300, 2)
    assert np.allclose(outputs[0, :, 1], 0.1 * (pt - 35), atol=1e-5)
    assert np.allclose(outputs[1, :, 1], 0.2 * (pt - 36), atol=1e-5)
    accuracy = [np.mean((pt > middle) == flavour) for middle in (35, 36)]
    assert np.allclose(tree["metrics"]["accuracy"]["per_seed"], accuracy)
    first, second = tree["metrics"]["auc.beauty_vs_light"]["per_seed"]
    assert first == second  # both rank by pt
    assert tree["metrics"]["auc.beauty_vs_light"]["seed_std"] == 0.0


def test_same_inputs_same_bytes(study, workflow, dataset, trained, tmp_path):
    for folder in ("one", "two"):
        _evaluate(study, workflow, dataset, trained, tmp_path / folder)
    for file in ("metrics.json", "predictions.h5"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_metrics_file_is_complete(study, workflow, dataset, trained, tmp_path):
    tree = _evaluate(study, workflow, dataset, trained, tmp_path / "out")
    assert tree["manifest_sha256"] == dataset[1].sha256
    assert tree["parameters"] == 6
    assert tree["n_test"] == 300
    assert [run["seed"] for run in tree["runs"]] == [0, 1]
    for name, metric in tree["metrics"].items():
        assert {"value", "error", "low", "high", "seed_std", "per_seed"} <= set(metric), name
        assert len(tree["bootstrap"][name]) == study.evaluation.bootstrap


def test_jets_of_one_event_are_drawn_together(study, workflow, dataset, trained, tmp_path):
    """Each test jet three times, as one event: nothing more is known than from each once."""
    once = _evaluate(study, workflow, dataset, trained, tmp_path / "once")
    folder = dataset[0].parent
    for path in folder.glob("*.h5"):
        samples = read_shard(path)
        copies = 3 if path.name.startswith("test") else 1
        made = samples.take(np.repeat(np.arange(len(samples)), copies))
        ids = made.id * np.uint64(4) + np.tile(np.arange(copies, dtype=np.uint64), len(samples))
        write_shard(path, replace(made, id=ids, event=made.id), {})
    manifest = build_manifest(folder, study)
    write_manifest(dataset[0], manifest)
    publish_json(trained, json.loads(trained.read_text()) | {"manifest_sha256": manifest.sha256})
    tree = _evaluate(study, workflow, dataset, trained, tmp_path / "thrice")
    assert (tree["n_test"], tree["n_test_events"]) == (900, 300)
    assert (once["n_test"], once["n_test_events"]) == (300, 300)
    for name in ("accuracy", "class_accuracy.beauty", "auc.beauty_vs_light", "log_loss"):
        single, triple = (t["metrics"][name] for t in (once, tree))
        assert np.isclose(single["value"], triple["value"], rtol=1e-6), name
        exact = "accuracy" in name  # the others from 30 replicas, drawn again
        assert np.isclose(single["error"], triple["error"], rtol=0.02 if exact else 0.6), name
    for name in ("low", "high"):
        assert np.allclose(once["curves"]["confusion"][name], tree["curves"]["confusion"][name], rtol=0.02)
    with h5py.File(tmp_path / "thrice" / "predictions.h5") as file:
        assert (file["event"][()] == np.repeat(np.concatenate([s.id for s in dataset[2]]), 3)).all()
    measure_observables(study, dataset[0], tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_text())["n_test_events"] == 300


def _refused(match, study, workflow, dataset, trained, tmp_path):
    with pytest.raises(UserError, match=match) as caught:
        evaluate_model(study, workflow, "linear", dataset[0], trained, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_changed_weights_are_refused(study, workflow, dataset, trained, tmp_path):
    file = trained.parent / "seed-1" / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    _refused("seed-1/weights.safetensors.*SHA-256", study, workflow, dataset, trained, tmp_path)


def test_missing_weights_are_refused(study, workflow, dataset, trained, tmp_path):
    (trained.parent / "seed-0" / "weights.safetensors").unlink()
    _refused("seed-0/weights.safetensors: is missing", study, workflow, dataset, trained, tmp_path)


def test_runs_of_another_dataset_are_refused(study, workflow, dataset, trained, tmp_path):
    publish_json(trained, json.loads(trained.read_text()) | {"manifest_sha256": "f" * 64})
    _refused("another|dataset .manifest.*bevatron train", study, workflow, dataset, trained, tmp_path)


def test_runs_of_another_model_are_refused(study, workflow, dataset, trained, tmp_path):
    publish_json(trained, json.loads(trained.read_text()) | {"model": "deep"})
    _refused("model 'deep', expected 'linear'", study, workflow, dataset, trained, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read: it is no JSON"),
        ("[]", "is no list of runs: it holds no mapping"),
        ('{"schema_version": 1}', "is no list of runs: study: Field required"),
        ('{"schema_version": 1, "runs": [{}]}', "is no list of runs: study: Field required"),
    ],
)
def test_damaged_runs_are_refused(text, message, study, workflow, dataset, trained, tmp_path):
    trained.write_text(text)
    _refused(f"runs.json: {message}", study, workflow, dataset, trained, tmp_path)


def test_a_number_changed_in_the_runs_is_noticed(study, workflow, dataset, trained, tmp_path):
    publish_json(trained, with_checksum(json.loads(trained.read_text())))
    evaluate_model(study, workflow, "linear", dataset[0], trained, tmp_path / "whole")
    trained.write_text(trained.read_text().replace('"seed": 1', '"seed": 3'))
    _refused(
        "runs.json: .*changed or damaged; run `bevatron train toy linear`", study, workflow, dataset, trained, tmp_path
    )


def test_missing_runs_are_refused(study, workflow, dataset, trained, tmp_path):
    trained.unlink()
    _refused("is missing; run `bevatron train toy linear`", study, workflow, dataset, trained, tmp_path)


def test_dataset_of_another_configuration_is_refused(study, workflow, dataset, trained, tmp_path):
    simulation = study.simulation.model_copy(update={"seed": 2})
    other = study.model_copy(update={"simulation": simulation})
    _refused("manifest.json", other, workflow, dataset, trained, tmp_path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"training": {"epochs": 3}}, "other settings: training.epochs was 3, and is"),
        ({"training": {"epochs": 3, "checkpoint_seconds": 1.0}}, "other settings: training.epochs was 3, and is"),
        ({"architecture": {"widths": [7]}}, r"other settings: architecture.widths was \[7\], and is"),
        ({"training": {"epochs": "many"}}, "settings that this version does not know"),
        ({"training": {"checkpoint_seconds": 1.0}, "title": "Another"}, None),
    ],
)
def test_networks_of_other_settings_are_refused(study, workflow, dataset, trained, tmp_path, changes, match):
    """Snakemake trains again when the settings change between two of its calls, but not when they do during one."""
    tree = json.loads(trained.read_text())
    for key, value in changes.items():
        tree["settings"][key] = {**tree["settings"][key], **value} if isinstance(value, dict) else value
    publish_json(trained, tree)
    if match is None:
        evaluate_model(study, workflow, "linear", dataset[0], trained, tmp_path / "out")
    else:
        _refused(match, study, workflow, dataset, trained, tmp_path)


def test_flipped_bit_in_a_test_shard_is_refused(study, workflow, dataset, trained, tmp_path):
    shard = dataset[0].parent / "test-0001.h5"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 4
    shard.write_bytes(content)
    _refused("test-0001.h5", study, workflow, dataset, trained, tmp_path)


def test_network_that_predicts_nan_is_refused(study, workflow, dataset, trained, tmp_path):
    from safetensors.torch import load, save

    from bevatron.store.files.publish import sha256_of

    file = trained.parent / "seed-0" / "weights.safetensors"
    tensors = {k: v * float("nan") for k, v in load(file.read_bytes()).items()}
    file.write_bytes(save(tensors))
    tree = json.loads(trained.read_text())
    tree["runs"][0]["files"]["weights.safetensors"] = sha256_of(file)
    publish_json(trained, tree)
    _refused("NaN or infinite numbers for 300 of 300", study, workflow, dataset, trained, tmp_path)


def test_evaluation_leaves_lightning_alone():
    """Importing Lightning costs seconds that an evaluation does not need."""
    import subprocess
    import sys

    code = "import sys, bevatron.evaluate.predictions.inference; assert 'pytorch_lightning' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
