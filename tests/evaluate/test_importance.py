"""Permutation importance and integrated gradients, beside what is known of linear models, and axioms."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from bevatron.config.sections.performance import Importance
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.first_samples import InputFeature, read_first
from bevatron.evaluate.inspection.importance import badness, measure_importance, permuted, weighted_auc
from bevatron.evaluate.inspection.integrated_gradients import integrated_gradients
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.stage import evaluate_model
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.store.readers.batch import RaggedBatch
from bevatron.store.records.metrics import read_metrics
from bevatron.store.records.runs import load_runs
from bevatron.store.shards.dataset import load_dataset


def looked_into(study, manifest, folders, **settings):
    evaluation = study.evaluation.model_copy(update={"importance": Importance(**settings)})
    study = study.model_copy(update={"evaluation": evaluation})
    dataset = load_dataset(manifest)
    context = EvaluationContext(study, Workflow(studies=["toy"], accelerator="cpu"), next(iter(study.models)), dataset,
                                tuple(folders), tuple(range(len(folders))))  # fmt: skip
    n = dataset.manifest.n_samples("test")
    return context, Bootstrap(np.arange(n), 30, "m")


@pytest.fixture
def linear(study, dataset, trained):
    """Two linear networks on pt alone, as conftest.py makes them."""
    runs = load_runs(trained, "toy", "linear", dataset[1].sha256).runs
    return study, dataset[0], [trained.parent / run.folder for run in runs]


def test_a_feature_that_no_network_reads_has_none_and_the_other_is_all_there_is(linear):
    curves = measure_importance(*looked_into(*linear, samples=250, repeats=3, steps=0))["importance"]
    assert [f["feature"] for f in curves["features"]] == ["pt", "minus_pt"]
    pt, unused = (np.array(f["worse"]) for f in curves["features"])
    assert pt.shape == (2, 3)
    assert (unused == 0).all()
    lost = 0.5 - np.array(curves["base"])  # a network whose only feature is noise has an AUC of 1/2
    np.testing.assert_allclose(pt.mean(axis=1), lost, atol=0.06)
    assert (np.array(curves["base"]) < 0.2).all()
    assert "attributions" not in measure_importance(*looked_into(*linear, steps=0))


def test_of_a_linear_network_attributions_are_its_weights_times_the_distance(linear, dataset):
    study, path, folders = linear
    context, bootstrap = looked_into(study, path, folders, samples=200, steps=4)
    curves = measure_importance(context, bootstrap)["attributions"]
    pt = np.concatenate([s.inputs["jet"].column.values[:, 0] for s in dataset[2]])[:200].astype(np.float64)
    distance = np.abs(pt - dataset[1].statistics["jet"]["pt"].mean).mean()
    np.testing.assert_allclose(curves["features"][0]["per_seed"], [0.1 * distance, 0.2 * distance], rtol=1e-4)
    assert curves["features"][0]["value"] == pytest.approx(0.15 * distance, rel=1e-4)
    spread = np.std([0.1 * distance, 0.2 * distance], ddof=1) / np.sqrt(2)
    assert curves["features"][0]["error"] > spread
    assert curves["features"][1]["value"] == 0
    assert curves["incomplete"] < 1e-5
    assert curves["of"] == "log odds of beauty"


def test_attributions_of_any_network_add_up_to_the_change_of_its_output():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1)).requires_grad_(False)
    tracks = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).requires_grad_(False)
    lengths = torch.tensor([0, 3, 1, 5])
    inputs = {"jet": torch.randn(4, 3), "tracks": RaggedBatch(torch.randn(9, 2), lengths), "image": torch.ones(4, 1)}

    def score(given):
        of_tracks = torch.zeros(4).index_add(
            0, torch.repeat_interleave(torch.arange(4), lengths), tracks(given["tracks"].values)[:, 0]
        )
        return layers(given["jet"])[:, 0] * given["image"][:, 0] + torch.tanh(of_tracks)

    baseline = {"jet": torch.tensor([0.3, -0.2, 0.0]), "tracks": torch.tensor([0.1, 0.4])}
    found, change = integrated_gradients(score, inputs, baseline, 32)
    total = found["jet"].sum(axis=1) + found["tracks"].sum(axis=1)
    np.testing.assert_allclose(total, change, atol=1e-5)
    averages = {
        "jet": baseline["jet"].expand(4, 3), "tracks": RaggedBatch(baseline["tracks"].expand(9, 2), lengths)
    }  # fmt: skip
    np.testing.assert_allclose(change, score(inputs) - score({**inputs, **averages}), atol=1e-6)
    assert found["tracks"][0].tolist() == [0, 0], "a jet without tracks"


def test_a_score_without_gradients_has_no_attributions():
    inputs = {"jet": torch.randn(4, 3)}
    assert integrated_gradients(lambda g: (g["jet"].detach() > 0).sum(1), inputs, {"jet": torch.zeros(3)}, 4) is None


def test_a_permutation_keeps_everything_but_the_order_of_one_feature():
    lengths, values = torch.tensor([2, 0, 3]), torch.arange(10.0).reshape(5, 2)
    inputs = {"tracks": RaggedBatch(values.clone(), lengths), "jet": torch.arange(6.0).reshape(3, 2)}
    moved = permuted(inputs, InputFeature("tracks", "d0", 1), np.random.default_rng(0))
    assert torch.equal(inputs["tracks"].values, values), "the samples themselves stay"
    assert torch.equal(moved["tracks"].lengths, lengths)
    assert torch.equal(moved["tracks"].values[:, 0], values[:, 0])
    assert not torch.equal(moved["tracks"].values[:, 1], values[:, 1])
    assert sorted(moved["tracks"].values[:, 1].tolist()) == values[:, 1].tolist()
    assert moved["jet"] is inputs["jet"]


def test_an_auc_with_weights_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    signal = rng.random(300) < 0.3
    score, weights = np.round(rng.normal(signal), 1), rng.uniform(0, 3, 300)
    assert weighted_auc(score, signal, weights).value == pytest.approx(
        roc_auc_score(signal, score, sample_weight=weights)
    )
    assert np.isnan(weighted_auc(score, np.zeros(300, bool), weights).value)


def test_badness_of_regressions_and_labels(study):
    regression = Study.model_validate(study.model_dump() | {
        "task": {"kind": "regression", "target": "flavour"},
        "models": {"a": {"title": "", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": []}}},
        "evaluation": {},
    }).task  # fmt: skip
    rng = np.random.default_rng(0)
    target, weights = rng.normal(5, 2, 100), rng.uniform(0.1, 2, 100)
    outputs = (target + rng.normal(0, 1, 100))[:, None]
    expected = np.average((outputs[:, 0] - target) ** 2, weights=weights)
    expected /= np.average((target - np.average(target, weights=weights)) ** 2, weights=weights)
    assert badness(regression, outputs, target, weights).value == pytest.approx(expected)
    assert np.isnan(badness(regression, np.zeros((3, 1)), np.zeros(3), None).value)


def test_the_first_samples_are_those_of_the_split_also_across_batches(study, dataset, linear):
    context, _ = looked_into(*linear)
    read = read_first(context, 170, torch.device("cpu"), 64)
    pt = np.concatenate([s.inputs["jet"].column.values for s in dataset[2]])[:170]
    np.testing.assert_array_equal(read.inputs["jet"].numpy(), pt)
    flavour = np.concatenate([s.targets["flavour"] for s in dataset[2]])
    np.testing.assert_array_equal(read.target, flavour[:170])
    assert len(read_first(context, 10_000, torch.device("cpu"), 64)) == len(flavour)


def test_models_that_are_not_named_are_not_looked_into(linear):
    study, path, folders = linear
    assert measure_importance(*looked_into(study, path, folders, models=["other"])) == {}


def test_the_stage_publishes_all_of_it_beside_the_metrics(study, workflow, dataset, trained, tmp_path):
    evaluation = study.evaluation.model_dump() | {
        "discriminants": {"d": {"fractions": {"light": 1}}},
        "profiles": {"pt": {"title": "pt", "group": "jet", "feature": "pt", "n_bins": 3}},
        "importance": {"samples": 50, "repeats": 2, "steps": 2},
    }
    asked = Study.model_validate(study.model_dump(mode="json") | {"evaluation": evaluation})
    evaluate_model(asked, workflow, "linear", dataset[0], trained, tmp_path / "evaluation")
    record = read_metrics(tmp_path / "evaluation" / "metrics.json", "toy", "linear")
    assert {"tagging", "importance", "attributions"} <= set(record.curves)
    assert record.metrics["rejection.light.at_70.by_d"].value > 1
    plain = {name for name in record.metrics if ".by_" not in name}
    evaluate_model(study, workflow, "linear", dataset[0], trained, tmp_path / "plain")
    before = read_metrics(tmp_path / "plain" / "metrics.json", "toy", "linear")
    assert set(before.metrics) == plain
    assert all(before.metrics[name] == record.metrics[name] for name in plain)
    assert set(record.curves) - set(before.curves) == {"tagging", "importance", "attributions"}


@pytest.mark.parametrize(("profile", "words"), [
    ({"group": "jet", "feature": "ptt"}, "has no feature of 'jet' 'ptt', did you mean|no feature of 'jet' 'ptt'"),
    ({"group": "tracks", "feature": "d0"}, "'tracks.d0' is a list's"),
    ({"observer": "mu"}, "no observer 'mu'"),
])  # fmt: skip
def test_a_variable_that_is_not_there_is_told_before_anything_is_trained(profile, words, study, dataset, tmp_path):
    evaluation = study.evaluation.model_dump() | {"profiles": {"v": {"title": "v", **profile}}}
    asked = Study.model_validate(study.model_dump(mode="json") | {"evaluation": evaluation})
    with pytest.raises(UserError, match=words):
        measure_observables(asked, dataset[0], tmp_path / "data.json")
    assert not (tmp_path / "data.json").exists()
