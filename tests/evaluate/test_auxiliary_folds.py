"""Auxiliary tasks of a table's lists in a cross-validation: each track is predicted by networks that have not seen its
jet.
"""

import json

import awkward as ak
import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, mean_absolute_error

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.stage import evaluate_model
from bevatron.models.network import load_network
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import fold_manifest, raw_shard
from bevatron.store.readers.batch import RaggedBatch
from bevatron.store.shards.dataset import load_dataset
from bevatron.train.stage import train_model

N, FOLDS = 240, 3


def study_of(path) -> Study:
    return Study.model_validate(
        {
            "name": "lists",
            "title": "Lists",
            "summary": "Lists in Parquet.",
            "simulation": {
                "source": {
                    "kind": "table",
                    "files": [str(path)],
                    "id": ["event"],
                    "weight": "w",
                    "groups": {"tracks": {"layout": "list", "features": {"d0": "d0"}}},
                    "targets": {
                        "flavour": {"classes": {"light": "flavour == 0", "beauty": "flavour == 5"}},
                        "origin": {
                            "group": "tracks",
                            "element_classes": {"primary": "origin == 0", "from_b": "origin == 3"},
                            "others": "drop",
                        },
                        "vertex": {"group": "tracks", "element_index": "vertex"},
                        "decay": {"value": "decay", "optional": True},
                    },
                }
            },
            "dataset": {"recipe": {"kind": "table"}, "folds": FOLDS},
            "task": {
                "kind": "classification",
                "target": "flavour",
                "classes": ["light", "beauty"],
                "signal": "beauty",
            },
            "n_seeds": 2,
            "models": {
                "net": {
                    "title": "net",
                    "inputs": ["tracks"],
                    "architecture": {"kind": "deep_sets", "element_widths": [6], "widths": [4]},
                    "training": {"epochs": 1, "batch_size": 50},
                    "auxiliary": {
                        "origin": {"kind": "element_classification", "target": "origin", "widths": [4]},
                        "vertex": {"kind": "same_vertex", "target": "vertex", "widths": [4]},
                        "decay": {"kind": "regression", "target": "decay", "widths": [4]},
                    },
                }
            },
            "evaluation": {"bootstrap": 20, "vertices": {"primary": 0}},
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder, study and metrics.json of the model, trained on every fold."""
    folder, rng = tmp_path_factory.mktemp("lists"), np.random.default_rng(4)
    flavour, lengths = rng.choice([0, 5], N), rng.integers(0, 6, N)
    total = lengths.sum()
    vertex = rng.integers(-1, 3, total)
    jets = {
        "event": np.arange(N) + 500,
        "w": rng.uniform(0.5, 2.0, N).round(2),
        "flavour": flavour,
        "decay": np.where(flavour == 5, rng.normal(3, 1, N), np.nan),
        "d0": ak.unflatten((rng.normal(size=total) + vertex).astype(np.float32), lengths),
        "origin": ak.unflatten(np.where(vertex < 1, rng.choice([0, 1], total), 3).astype(np.int32), lengths),
        "vertex": ak.unflatten(vertex.astype(np.int32), lengths),
    }
    ak.to_parquet(ak.zip(jets, depth_limit=1), folder / "jets.parquet")
    study = study_of(folder / "jets.parquet")
    for number in range(study.simulation.shards):
        simulate_shard(study, number, folder / "raw" / raw_shard(number))
        prepare_shard(study, folder / "raw" / raw_shard(number), folder / "dataset", None)
    write_manifest(study, folder / "dataset")
    workflow = Workflow(studies=["lists"], accelerator="cpu", runs_dir=str(folder / "runs"))
    runs = [folder / f"fold-{fold}" / "runs.json" for fold in range(FOLDS)]
    for fold, path in enumerate(runs):
        train_model(study, workflow, "net", folder / "dataset" / fold_manifest(fold), None, path.parent)
    evaluate_model(study, workflow, "net", folder / "dataset" / "manifest.json", runs, folder / "evaluation")
    return folder, study, json.loads((folder / "evaluation" / "metrics.json").read_text())


def predicted(folder, fold, seed):
    """Labels, predictions and weights of the tracks of a fold's test jets, and those of its decay lengths."""
    network = load_network(folder / f"fold-{fold}" / f"seed-{seed}")
    parts, numbers = [], []
    for shard in load_dataset(folder / "dataset" / fold_manifest(fold)).open_shards("test"):
        lists, weight = shard.group("tracks").column, shard.read("weight")
        inputs = {"tracks": RaggedBatch(torch.from_numpy(lists.values), torch.from_numpy(lists.lengths))}
        with torch.inference_mode():
            heads = network.forward_with_auxiliary(inputs).auxiliary
        labels = shard.read("element_targets/origin")
        parts.append((labels, heads["origin"].numpy().argmax(1), np.repeat(weight, lists.lengths)))
        numbers.append((shard.read("targets/decay"), heads["decay"].numpy()[:, 0], weight))
    return ([np.concatenate(column) for column in zip(*p, strict=True)] for p in (parts, numbers))


def test_metrics_of_all_folds_are_those_of_all_tracks(made):
    folder, _, tree = made
    for seed in range(2):
        labels, classes, weights, target, number, own = (
            np.concatenate(column)
            for column in zip(*([*a, *b] for a, b in (predicted(folder, f, seed) for f in range(FOLDS))), strict=True)
        )
        known, there = labels >= 0, np.isfinite(target)
        assert 0 < known.sum() < len(known)
        accuracy = accuracy_score(labels[known], classes[known], sample_weight=weights[known])
        assert np.isclose(tree["metrics"]["origin.accuracy"]["per_seed"][seed], accuracy)
        error = mean_absolute_error(target[there], number[there], sample_weight=own[there])
        assert np.isclose(tree["metrics"]["decay.mae"]["per_seed"][seed], error)


def test_values_of_the_folds_by_themselves(made):
    folder, _, tree = made
    expected = []
    for fold in range(FOLDS):
        of_seeds = []
        for seed in range(2):
            (labels, classes, weights), _ = predicted(folder, fold, seed)
            known = labels >= 0
            of_seeds.append(accuracy_score(labels[known], classes[known], sample_weight=weights[known]))
        expected.append(np.mean(of_seeds))
    metric = tree["metrics"]["origin.accuracy"]
    assert np.allclose(metric["per_fold"], expected)
    assert np.isclose(metric["fold_std"], np.std(expected, ddof=1))


def test_the_primary_vertex_is_left_out(made):
    folder, _, tree = made
    n_true = 0
    for shard in load_dataset(folder / "dataset" / "manifest.json").open_shards("test"):
        offsets, vertex = shard.group("tracks").column.offsets, shard.read("element_targets/vertex")
        for a, b in zip(offsets[:-1], offsets[1:], strict=True):  # noqa: RUF007
            numbers, counts = np.unique(vertex[a:b], return_counts=True)
            n_true += ((counts > 1) & (numbers > 0)).sum()
    assert sum(tree["curves"]["auxiliary"]["vertex"]["by_size"]["vertices"]) == n_true > 0
