"""Cross-validation as a whole: each event predicted once, by networks that have not seen it, and measured together."""

import json
import shutil
from dataclasses import replace

import h5py
import hdf5plugin  # noqa: F401  (the filter of predictions.h5)
import numpy as np
import pytest
import torch
from folded_datasets import FOLDED, Folded, make_folded
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.stage import evaluate_model
from bevatron.export.stage import export_model
from bevatron.models.network import load_network
from bevatron.store.records.metrics import read_metrics
from bevatron.store.records.runs import read_runs, write_runs
from bevatron.store.shards.dataset import load_dataset
from bevatron.store.shards.folds import fold_of
from bevatron.train.stage import train_model

WORKFLOW = Workflow(studies=["folded"], accelerator="cpu")


def evaluated(made: Folded, model: str, folder, runs=None):
    """The predictions by column, and the metrics."""
    manifest = made.dataset / "manifest.json"
    evaluate_model(made.study, WORKFLOW, model, manifest, made.runs(model) if runs is None else runs, folder)
    with h5py.File(folder / "predictions.h5") as file:
        columns = {name: file[name][()] for name in ("outputs", "id", "event", "fold", "weight", "targets/label")}
    return columns, read_metrics(folder / "metrics.json", "folded", model)


@pytest.fixture(scope="session")
def net(folded, tmp_path_factory):
    return evaluated(folded, "net", tmp_path_factory.mktemp("net"))


def test_each_sample_is_predicted_once_by_networks_that_have_not_seen_its_event(folded, net):
    columns, _ = net
    assert sorted(columns["event"].tolist()) == sorted(folded.rows["event"].tolist())
    assert len(np.unique(columns["id"])) == 600
    assert (columns["fold"] == fold_of(columns["event"], 3)).all()
    for fold, path in enumerate(folded.runs("net")):
        rows = np.flatnonzero(columns["fold"] == fold)
        dataset = load_dataset(folded.dataset / f"manifest-fold-{fold}.json")
        seen = [shard.read("event") for split in ("train", "val") for shard in dataset.open_shards(split)]
        assert not set(columns["event"][rows].tolist()) & set(np.concatenate(seen).tolist())
        record = read_runs(path, "folded", "net")
        assert (record.folds.k, record.folds.left_out, record.folds.by) == (3, fold, "event")
        assert record.manifest_sha256 == dataset.manifest.sha256
        entry = {int(number): i for i, number in enumerate(columns["id"] & np.uint64(2**40 - 1))}
        place = np.argsort([entry[i] for i in range(600)])  # of each prediction in the table
        inputs = np.stack([folded.rows[name] for name in ("pt", "mass")], axis=1).astype(np.float32)[place][rows]
        for seed, run in enumerate(record.runs):
            assert (run.fold, run.seed) == (fold, seed)
            with torch.inference_mode():
                expected = load_network(path.parent / run.folder)({"jet": torch.from_numpy(inputs)}).numpy()
            assert np.allclose(columns["outputs"][seed, rows], expected, atol=1e-5)


def test_metrics_are_those_of_scikit_learn_on_the_joined_predictions(net):
    columns, record = net
    labels, w = columns["targets/label"], columns["weight"]
    assert (record.n_test, record.n_test_events) == (600, 300)
    for seed, logits in enumerate(columns["outputs"].astype(np.float64)):
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected = {
            "accuracy": accuracy_score(labels, logits.argmax(axis=1), sample_weight=w),
            "log_loss": log_loss(labels, probabilities, sample_weight=w),
            "auc.signal_vs_rest": roc_auc_score(labels, logits[:, 1] - logits[:, 0], sample_weight=w),
        }
        for name, value in expected.items():
            assert record.metrics[name].per_seed[seed] == pytest.approx(value, rel=1e-5), name


def test_the_spread_over_folds_is_that_of_each_fold_by_itself(net):
    columns, record = net
    values = []
    for fold in range(3):
        rows = columns["fold"] == fold
        labels, w = columns["targets/label"][rows], columns["weight"][rows]
        scores = [accuracy_score(labels, x[rows].argmax(axis=1), sample_weight=w) for x in columns["outputs"]]
        values.append(np.mean(scores))
    found = record.metrics["accuracy"]
    assert found.per_fold == pytest.approx(values, rel=1e-6)
    assert found.fold_std == pytest.approx(np.std(values, ddof=1), rel=1e-6)
    n = np.bincount(columns["fold"], weights=columns["weight"])
    assert found.value == pytest.approx((n * values).sum() / n.sum(), rel=1e-6)  # no other than all together
    assert record.metrics["overtraining"].fold_std is not None


def test_a_committee_of_each_fold_has_the_members_of_the_fold(folded, tmp_path):
    columns, record = evaluated(folded, "committee", tmp_path)
    assert np.isfinite(columns["outputs"]).all()
    assert [(run.fold, run.seed) for run in record.runs] == [(f, s) for f in range(3) for s in range(2)]
    members = {name: folded.runs(name)[0] for name in ("net", "fisher")}
    manifest = folded.dataset / "manifest-fold-1.json"
    with pytest.raises(UserError, match="was made for the dataset"):  # those of fold 0
        train_model(folded.study, WORKFLOW, "committee", manifest, None, tmp_path / "out", members=members)


def test_one_fold_can_be_evaluated_by_itself(folded, net, tmp_path):
    manifest, runs = folded.dataset / "manifest-fold-1.json", folded.runs("net")[1]
    evaluate_model(folded.study, WORKFLOW, "net", manifest, runs, tmp_path)
    alone = read_metrics(tmp_path / "metrics.json", "folded", "net")
    for name, metric in net[1].metrics.items():
        if metric.per_fold:
            assert alone.metrics[name].value == pytest.approx(metric.per_fold[1]), name


def test_the_observables_are_those_of_all_samples(folded, tmp_path):
    measure_observables(folded.study, folded.dataset / "manifest.json", tmp_path / "data.json")
    assert json.loads((tmp_path / "data.json").read_text())["n_test"] == 600


def refused(match: str, folded: Folded, folder, runs=None, model: str = "net", manifest: str = "manifest.json") -> None:
    paths = folded.runs(model) if runs is None else runs
    with pytest.raises(UserError, match=match) as caught:
        evaluate_model(folded.study, WORKFLOW, model, folded.dataset / manifest, paths, folder / "out")
    assert "\n" not in str(caught.value)
    assert not (folder / "out").exists()


def test_missing_repeated_and_foreign_runs_are_refused(folded, tmp_path):
    first, second, third = folded.runs("net")
    refused("no runs of fold-2 are given", folded, tmp_path, [first, second])
    refused("leaves out fold 0, as .* does", folded, tmp_path, [first, second, third, first])
    refused("was made for the dataset", folded, tmp_path, first, manifest="manifest-fold-1.json")
    refused("2 are given", folded, tmp_path, [first, second], manifest="manifest-fold-0.json")
    record = read_runs(third, "folded", "net")
    shutil.copytree(third.parent, tmp_path / "third")
    write_runs(tmp_path / "third" / "runs.json", record.model_copy(update={"runs": record.runs[:1]}))
    refused("has the seeds 0, and fold 0 has 0, 1", folded, tmp_path, [first, second, tmp_path / "third" / "runs.json"])
    write_runs(tmp_path / "third" / "runs.json", record.model_copy(update={"folds": None}))
    refused("leave no fold out", folded, tmp_path, [first, second, tmp_path / "third" / "runs.json"])


def test_runs_that_claim_another_fold_are_refused(folded, tmp_path):
    """Fold 2's networks have learned from fold 0: to take them for those of fold 0 would be a leak."""
    first, second, third = folded.runs("net")
    record = read_runs(third, "folded", "net")
    shutil.copytree(third.parent, tmp_path / "third")
    lying = record.model_copy(update={"folds": record.folds.model_copy(update={"left_out": 0})})
    write_runs(tmp_path / "third" / "runs.json", lying)
    last = record.folds.model_copy(update={"left_out": 2})
    shutil.copytree(first.parent, tmp_path / "first")
    write_runs(tmp_path / "first" / "runs.json", read_runs(first, "folded", "net").model_copy(update={"folds": last}))
    paths = [tmp_path / "third" / "runs.json", second, tmp_path / "first" / "runs.json"]
    refused("was made for the dataset", folded, tmp_path, paths)


def test_no_network_learns_from_the_manifest_of_all_folds(folded, tmp_path):
    with pytest.raises(UserError, match=r"manifest of all 3 folds.*manifest-fold-0\.json"):
        train_model(folded.study, WORKFLOW, "net", folded.dataset / "manifest.json", None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_manifest_of_another_dataset_is_refused(folded, tmp_path):
    made = replace(folded, folder=tmp_path)
    shutil.copytree(folded.dataset, made.dataset)
    shutil.copy(made.dataset / "manifest-fold-0.json", made.dataset / "manifest-fold-1.json")
    refused("manifest-fold-1.json: is not the manifest that manifest.json lists", made, tmp_path, folded.runs("net"))


def test_the_export_of_a_fold_knows_the_metrics_of_all(folded, net, tmp_path):
    evaluated(folded, "net", tmp_path / "all")
    manifest, runs = folded.dataset / "manifest-fold-1.json", folded.runs("net")[1]
    export_model(
        folded.study, WORKFLOW, "net", manifest, runs, tmp_path / "out", tmp_path / "all" / "metrics.json", [0]
    )
    card = " ".join((tmp_path / "out" / "card.md").read_text().split())
    assert "the test split is fold 1 of 3" in card
    assert "On all 600 samples" in card


def test_a_regression_in_two_folds(tmp_path):
    tree = FOLDED["simulation"]["source"] | {"targets": {"energy": {"value": "3 * pt"}}}
    made = make_folded(tmp_path, source=tree, task={"kind": "regression", "target": "energy"}, folds=2)
    runs = made.runs("net")
    evaluate_model(made.study, WORKFLOW, "net", made.dataset / "manifest.json", runs, tmp_path / "out")
    with h5py.File(tmp_path / "out" / "predictions.h5") as file:
        residuals = file["outputs"][()][..., 0] - file["targets/energy"][()]
        w = file["weight"][()]
    record = read_metrics(tmp_path / "out" / "metrics.json", "folded", "net")
    expected = np.sqrt((w * residuals**2).sum(axis=1) / w.sum())
    assert record.metrics["rmse"].per_seed == pytest.approx(expected, rel=1e-5)
    assert len(record.metrics["rmse"].per_fold) == 2
    assert Study.model_validate(made.study.model_dump()).dataset.folds == 2


def test_what_can_only_be_learned_by_heart_is_not_known(tmp_path):
    """Both rows of an event are alike, and its class is a throw of a coin: who has seen one row knows the other."""
    source = FOLDED["simulation"]["source"] | {
        "groups": {"jet": {"features": {"pt": "event % 17", "mass": "event // 17"}}},
        "targets": {"label": {"classes": {"background": "coin == 0", "signal": "coin == 1"}}},
    }
    trees = {"kind": "boosted_trees", "rounds": 60, "leaves": 64, "depth": 12, "samples_per_leaf": 1}
    model = {"architecture": trees, "training": {"checkpoint": "last"}}
    made = make_folded(tmp_path, source=source, model=model)
    _, metrics = evaluated(made, "net", tmp_path / "out")
    train = load_dataset(made.dataset / "manifest-fold-0.json")
    shard = next(train.open_shards("train"))
    inputs = {"jet": torch.from_numpy(shard.group("jet").column.values)}
    seen = load_network(made.runs("net")[0].parent / "seed-0")(inputs).argmax(dim=1).numpy()
    assert np.mean(seen == shard.read("targets/label")) > 0.95
    known = metrics.metrics["accuracy"].value
    assert abs(known - 0.5) < 4 * 0.5 / np.sqrt(300)  # of independent events
