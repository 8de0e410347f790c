"""The Python API for notebooks, against what the stages themselves read and write."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import bevatron
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.store.shards.shard import read_shard

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project(flavours, tmp_path_factory):
    """A project's folder with the study of three flavours, two of its models trained and evaluated."""
    from bevatron.evaluate.stage import evaluate_model
    from bevatron.train.stage import train_model

    folder = tmp_path_factory.mktemp("project")
    payload = flavours.study.model_dump(mode="json", exclude_defaults=True)
    (folder / "config" / "studies").mkdir(parents=True)
    (folder / "config" / "studies" / "flavours.yaml").write_text(yaml.safe_dump(payload))
    (folder / "config" / "config.yaml").write_text("studies: [flavours]\nscale: demo\n")
    results = folder / "results" / "flavours"
    shutil.copytree(flavours.manifest.parent, results / "dataset")
    workflow = Workflow(studies=["flavours"], accelerator="cpu", runs_dir=str(folder / "runs"))
    manifest = results / "dataset" / "manifest.json"
    for model in ("net", "lstm"):
        runs = results / "models" / model / "runs.json"
        train_model(flavours.study, workflow, model, manifest, None, runs.parent)
        evaluate_model(flavours.study, workflow, model, manifest, runs, results / "evaluation" / model)
    return folder


@pytest.fixture(autouse=True)
def in_project(project, monkeypatch):
    monkeypatch.chdir(project / "results")


def shard_of(project, split):
    return read_shard(project / "results" / "flavours" / "dataset" / f"{split}-0000.h5")


def test_importing_is_quick_and_leaves_torch_out():
    """Also with a dataset opened and read: PyTorch is for networks and batches."""
    program = (
        "import sys, bevatron\n"
        "assert not any(m.startswith(('numpy', 'pydantic', 'torch', 'pandas')) for m in sys.modules)\n"
        "dataset = bevatron.open_dataset('flavours'); dataset.to_numpy('test', limit=3)\n"
        "assert 'torch' not in sys.modules and 'ray' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_names_are_listed_and_unknown_ones_refused():
    assert {"load_study", "open_dataset", "load_model", "predictions", "metrics"} <= set(dir(bevatron))
    with pytest.raises(AttributeError, match="no attribute 'load_studies'"):
        bevatron.load_studies  # noqa: B018


def test_a_study_is_loaded_at_the_configured_scale():
    study = bevatron.load_study("flavours")
    assert study.name == "flavours"
    assert set(study.models) >= {"net", "lstm"}
    assert bevatron.load_study("function", project=ROOT).task.kind == "regression"


def test_columns_are_those_of_the_shards(project):
    dataset, shard = bevatron.open_dataset("flavours"), shard_of(project, "test")
    arrays = dataset.to_numpy("test")
    np.testing.assert_array_equal(arrays["jet"], shard.inputs["jet"].column.values)
    np.testing.assert_array_equal(arrays["tracks"][0], shard.inputs["tracks"].column.values)
    np.testing.assert_array_equal(arrays["flavour"], shard.targets["flavour"])
    few = dataset.to_numpy("test", groups=["tracks"], targets=[], limit=7)
    assert set(few) == {"tracks", "id"}
    assert len(few["id"]) == 7
    np.testing.assert_array_equal(few["tracks"][1], shard.inputs["tracks"].column.offsets[:8])


def test_several_shards_are_joined_in_their_order(project, flavours, tmp_path):
    """Lists too, whose offsets count on."""
    from bevatron.api.datasets import _join

    whole = shard_of(project, "train")
    parts = [whole.take(np.arange(a, b)) for a, b in ((0, 300), (300, 300), (300, 900))]
    joined = _join(parts)
    np.testing.assert_array_equal(joined.id, whole.id)
    np.testing.assert_array_equal(joined.inputs["tracks"].column.values, whole.inputs["tracks"].column.values)
    np.testing.assert_array_equal(joined.inputs["tracks"].column.offsets, whole.inputs["tracks"].column.offsets)


def test_tables_have_features_by_name(project):
    dataset, shard = bevatron.open_dataset(project / "results" / "flavours" / "dataset"), shard_of(project, "val")
    table = dataset.to_pandas("val")
    assert list(table.columns) == ["jet.pt", "jet.eta", "flavour"]
    np.testing.assert_array_equal(table["jet.eta"], shard.inputs["jet"].column.values[:, 1])
    tracks = dataset.to_pandas("val", group="tracks")
    counts = tracks.groupby(level="id", sort=False).size().reindex(shard.id, fill_value=0)
    np.testing.assert_array_equal(counts, shard.inputs["tracks"].column.lengths)
    assert tracks.loc[tracks.index[0][0]].index[0] == 0
    assert {"mean", "std"} <= set(dataset.statistics().columns)


def test_awkward_records(project):
    shard = shard_of(project, "test")
    events = bevatron.open_dataset("flavours").to_awkward("test")
    assert events.fields == ["jet", "tracks", "flavour", "id"]
    np.testing.assert_array_equal(ak.num(events.tracks), shard.inputs["tracks"].column.lengths)
    np.testing.assert_array_equal(ak.flatten(events.tracks.d0), shard.inputs["tracks"].column.values[:, 0])
    np.testing.assert_array_equal(events.jet.pt, shard.inputs["jet"].column.values[:, 0])


def test_batches_are_kept_by_the_caller(project):
    """The reader uses its memory again; what is delivered here does not change afterwards."""
    dataset, shard = bevatron.open_dataset("flavours"), shard_of(project, "test")
    batches = list(dataset.batches("test", batch_size=11))
    jets = torch.cat([batch["inputs"]["jet"] for batch in batches])
    np.testing.assert_array_equal(jets.numpy(), shard.inputs["jet"].column.values)
    valid = torch.cat([batch["inputs"]["tracks"].n_valid for batch in batches])
    np.testing.assert_array_equal(valid.numpy(), shard.inputs["tracks"].column.lengths)
    shuffled = [torch.cat([b["id"] for b in dataset.batches("test", 50, shuffle=True, seed=s)]) for s in (1, 1, 2)]
    assert torch.equal(shuffled[0], shuffled[1])
    assert not torch.equal(shuffled[0], shuffled[2])
    assert sorted(shuffled[2].tolist()) == sorted(shard.id.tolist())


@pytest.mark.parametrize("model", ["net", "lstm"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_model_predicts_what_the_evaluation_stage_wrote(model, seed):
    """Whatever form the lists have."""
    dataset, stored = bevatron.open_dataset("flavours"), bevatron.predictions("flavours", model)
    loaded = bevatron.load_model("flavours", model, seed=stored.seeds[seed])
    arrays = dataset.to_numpy("test")
    values, offsets = arrays["tracks"]
    expected = stored.probabilities()[seed]
    as_lists = [values[a:b] for a, b in pairwise(offsets)]
    events = dataset.to_awkward("test")
    for tracks in (arrays["tracks"], as_lists, events.tracks):
        found = loaded.predict({"jet": arrays["jet"], "tracks": tracks})
        np.testing.assert_allclose(found, expected, atol=1e-6)
    table = dataset.to_pandas("test", group="jet")[["eta", "pt"]]  # in another order
    for jet in (table, events.jet):
        np.testing.assert_allclose(loaded.predict({"jet": jet, "tracks": events.tracks}), expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"jet": np.zeros((3, 2))}, "has no group 'tracks'"),
        ({"jet": np.zeros((3, 3)), "tracks": [np.zeros((1, 2))] * 3}, r"group 'jet' has the shape \(3, 3\)"),
        ({"jet": np.zeros((3, 2)), "tracks": [np.zeros((1, 2))] * 4}, "different numbers of samples"),
        ({"jet": np.zeros((1, 2)), "tracks": [np.zeros((99, 2))]}, "a list of 99 elements; the network reads up to 5"),
        ({"jet": np.zeros((1, 2)), "tracks": (np.zeros((4, 2)), np.array([0, 9]))}, "do not cut its 4 elements"),
        (np.zeros((3, 2)), "expected arrays by group, found ndarray"),
        (
            {"jet": pd.DataFrame({"pt": [1.0]}), "tracks": [np.zeros((1, 2))]},
            "the table of group 'jet' has no column 'eta'",
        ),
        (
            {"jet": np.zeros((1, 2)), "tracks": ak.Array([[{"d0": 1.0}]])},
            "the records of group 'tracks' have no field 'z0'",
        ),
    ],
)
def test_wrong_inputs_are_refused_in_one_line(inputs, message):
    with pytest.raises(UserError, match=message):
        bevatron.load_model("flavours", "net").predict(inputs)


def test_no_samples_give_no_predictions():
    loaded = bevatron.load_model("flavours", "net")
    assert loaded.predict({"jet": np.zeros((0, 2)), "tracks": []}).shape == (0, 3)


def test_predictions_and_metrics_agree(project):
    stored = bevatron.predictions("flavours", "net")
    table = stored.to_pandas()
    accuracy = (table[list(stored.classes)].to_numpy().argmax(axis=1) == table["flavour"]).mean()
    metrics = bevatron.metrics("flavours")
    payload = json.loads((project / "results/flavours/evaluation/net/metrics.json").read_text())
    assert metrics.loc[("net", "accuracy"), "value"] == payload["metrics"]["accuracy"]["value"]
    assert payload["metrics"]["accuracy"]["per_seed"][0] == pytest.approx(accuracy)
    assert set(metrics.index.get_level_values("model")) == {"net", "lstm"}
    assert list(bevatron.metrics("flavours", "lstm").index.get_level_values("model").unique()) == ["lstm"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bevatron.load_study("jest"), "there is no study 'jest'"),
        (lambda: bevatron.open_dataset("jest"), "no such file"),
        (lambda: bevatron.open_dataset("../../etc"), "no such file"),
        (lambda: bevatron.open_dataset(".."), "cannot be the name of a file"),
        (lambda: bevatron.open_dataset("flavours").to_numpy("tset"), "has no split 'tset'"),
        (lambda: bevatron.open_dataset("flavours").to_numpy("test", groups=["jets"]), "has no input group 'jets'"),
        (lambda: bevatron.open_dataset("flavours").to_numpy("test", targets=["x"]), "has no target 'x'"),
        (lambda: next(bevatron.open_dataset("flavours").batches("test", 0)), "expected at least 1, found 0"),
        (lambda: bevatron.load_model("flavours", "nett"), "has no model 'nett'"),
        (lambda: bevatron.load_model("flavours", "net", seed=7), "has no run of seed 7"),
        (lambda: bevatron.load_model("flavours", "fisher"), "is missing"),
        (lambda: bevatron.predictions("flavours", "fisher"), "no such file"),
        (lambda: bevatron.predictions("flavours", "../net"), "cannot be the name of a file"),
        (lambda: bevatron.metrics("flavours", "../net"), "cannot be the name of a file"),
        (lambda: bevatron.find_nothing, "no attribute"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises((UserError, AttributeError), match=message):
        call()


def test_outside_of_a_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"neither it nor a folder above it has a config/config\.yaml"):
        bevatron.load_study("flavours")


def test_damaged_files_are_refused(project, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    monkeypatch.chdir(copy)
    results = copy / "results" / "flavours"
    with h5py.File(results / "evaluation" / "net" / "predictions.h5", "r+") as file:
        del file["id"]
        file["id"] = np.arange(5, dtype=np.uint64)
    with pytest.raises(UserError, match="300 entries for 5 samples"):
        bevatron.predictions("flavours", "net")
    path = results / "dataset" / "test-0000.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="test-0000"):
        bevatron.open_dataset("flavours").to_numpy("test")
    weights = next((results / "models" / "net").glob("*/weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(UserError, match="does not match its SHA-256"):
        bevatron.load_model("flavours", "net")
