"""Auxiliary tasks through the stage: metrics of trained heads, worked out jet by jet by other means."""

import json
from itertools import pairwise

import networkx
import numpy as np
import pytest
import torch
from auxiliary_jobs import CLASSES, ORIGINS, draw_samples
from auxiliary_results import make_evaluated
from sklearn.metrics import accuracy_score, confusion_matrix, mean_absolute_error, recall_score

from bevatron.errors import UserError
from bevatron.evaluate.auxiliary.measure import measure_auxiliary
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.folds import predict_with
from bevatron.evaluate.stage import evaluate_model
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.models.network import load_network
from bevatron.store.readers.batch import RaggedBatch
from bevatron.store.shards.dataset import load_dataset

PROFILES = {"pt": {"title": "pt", "group": "jet", "feature": "pt", "n_bins": 3}}


@pytest.fixture(scope="module", params=[False, True], ids=["alike", "weighted"])
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("auxiliary")
    return make_evaluated(folder, weighted=request.param, profiles=PROFILES), draw_samples("test", request.param)


def single_jets(made, seed):
    """Of each test jet, alone: logits of its tracks, probabilities of its pairs by (i, j), its predicted length."""
    evaluated, samples = made
    network = load_network(evaluated.folder / "models" / "sets" / f"seed-{seed}")
    jet, tracks = samples.inputs["jet"].column.values, samples.inputs["tracks"].column
    for k in range(len(samples)):
        elements = torch.from_numpy(tracks.values[tracks.offsets[k] : tracks.offsets[k + 1]])
        inputs = {
            "jet": torch.from_numpy(jet[k : k + 1]),
            "tracks": RaggedBatch(elements, torch.tensor([len(elements)])),
        }
        with torch.inference_mode():
            heads = network.forward_with_auxiliary(inputs).auxiliary
        pairs = [(i, j) for i in range(len(elements)) for j in range(i + 1, len(elements))]
        p = torch.sigmoid(heads["vertex"]).tolist()
        yield heads["origin"].numpy(), dict(zip(pairs, p, strict=True)), heads["decay"].numpy()[0]


def of_elements(samples, name):
    offsets = samples.inputs["tracks"].column.offsets
    return [samples.element_targets[name].values[a:b] for a, b in pairwise(offsets)]


def test_classes_of_elements_are_those_of_single_jets(made):
    evaluated, samples = made
    metrics, curves = (evaluated.metrics()[key] for key in ("metrics", "curves"))
    labels, lengths = samples.element_targets["track_origin"].values, samples.inputs["tracks"].column.lengths
    known = labels >= 0
    own = np.ones(len(samples)) if samples.weight is None else samples.weight
    weights, fractions = np.repeat(own, lengths)[known], []
    for seed in range(2):
        predicted = np.concatenate([logits.argmax(1) for logits, _, _ in single_jets(made, seed)])[known]
        accuracy = accuracy_score(labels[known], predicted, sample_weight=weights)
        assert np.isclose(metrics["origin.accuracy"]["per_seed"][seed], accuracy)
        recall = recall_score(labels[known], predicted, average=None, sample_weight=weights)
        for name, value in zip(ORIGINS, recall, strict=True):
            assert np.isclose(metrics[f"origin.class_accuracy.{name}"]["per_seed"][seed], value)
        fractions.append(confusion_matrix(labels[known], predicted, sample_weight=weights, normalize="true"))
    confusion = curves["auxiliary"]["origin"]["confusion"]
    assert np.allclose(confusion["fraction"], np.mean(fractions, axis=0))
    assert confusion["samples"] == np.bincount(labels[known], minlength=3).tolist()
    assert metrics["origin.accuracy"]["error"] > 0


def test_vertices_are_those_of_a_graph_of_each_jet(made):
    evaluated, samples = made
    metrics = evaluated.metrics()["metrics"]
    own = np.ones(len(samples)) if samples.weight is None else samples.weight
    for seed in range(2):
        n_true, n_found_true, n_found, purity = np.zeros((4, 4))  # by class, and of all
        jets = zip(of_elements(samples, "track_vertex"), single_jets(made, seed), strict=True)
        for k, (true, (_, pairs, _)) in enumerate(jets):
            graph = networkx.Graph([pair for pair, p in pairs.items() if p > 0.5])
            graph.add_nodes_from(range(len(true)))
            found = [c for c in networkx.connected_components(graph) if len(c) > 1]
            where = [samples.targets["flavour"][k], 3]
            vertices = [set(np.flatnonzero(true == v)) for v in np.unique(true[true >= 0])]
            n_found[where] += own[k] * len(found)
            purity[where] += own[k] * sum(max((len(c & v) for v in vertices), default=0) / len(c) for c in found)
            matched = set()  # a found vertex is one true vertex at most
            for vertex in vertices:
                if len(vertex) > 1:
                    n_true[where] += own[k]
                    shared = {number: len(c & vertex) for number, c in enumerate(found) if number not in matched}
                    fits = {i for i, n in shared.items() if n >= 0.65 * len(vertex) and n >= 0.5 * len(found[i])}
                    n_found_true[where] += own[k] * bool(fits)
                    matched |= fits
        for number, suffix in enumerate([f".{name}" for name in CLASSES] + [""]):
            efficiency = metrics[f"vertex.efficiency{suffix}"]["per_seed"][seed]
            assert np.isclose(efficiency, n_found_true[number] / n_true[number]), suffix
            of_class = metrics[f"vertex.purity{suffix}"]["per_seed"][seed]
            assert (of_class is None) == (n_found[number] == 0)
            if of_class is not None:
                assert np.isclose(of_class, purity[number] / n_found[number]), suffix


def test_numbers_are_those_of_single_jets(made):
    evaluated, samples = made
    metrics = evaluated.metrics()["metrics"]
    target = samples.targets["decay_length"]
    there = np.isfinite(target)
    own = np.ones(len(samples)) if samples.weight is None else samples.weight
    for seed in range(2):
        predicted = np.concatenate([number for _, _, number in single_jets(made, seed)])
        expected = mean_absolute_error(target[there], predicted[there], sample_weight=own[there])
        assert np.isclose(metrics["decay.mae"]["per_seed"][seed], expected)
        bias = np.average(target[there] - predicted[there], weights=own[there])
        assert np.isclose(metrics["decay.residual_mean"]["per_seed"][seed], bias)


def test_curves_say_of_what_they_are(made):
    curves = made[0].metrics()["curves"]["auxiliary"]
    assert [(c["kind"], c["target"]) for c in (curves[name] for name in ("origin", "vertex", "decay"))] == [
        ("element_classification", "track_origin"),
        ("same_vertex", "track_vertex"),
        ("regression", "decay_length"),
    ]
    by_pt = curves["vertex"]["profiles"]["pt"]
    assert len(by_pt["value"]) == len(by_pt["vertices"]) == len(by_pt["edges"]) - 1
    assert sum(by_pt["vertices"]) == sum(curves["vertex"]["by_size"]["vertices"]) > 0
    assert curves["decay"]["samples"] == np.isfinite(made[1].targets["decay_length"]).sum()


def context_of(evaluated):
    dataset = load_dataset(evaluated.manifest)
    return predict_with(evaluated.study, evaluated.workflow, evaluated.model, dataset, evaluated.runs)


@pytest.mark.parametrize("most_rows", [1, 7, 30])
def test_the_size_of_the_parts_does_not_matter(made, most_rows):
    evaluated, samples = made
    test = context_of(evaluated)
    weight = None if samples.weight is None else samples.weight.astype(np.float64)
    bootstrap = Bootstrap(test.predictions.id, 40, test.context.dataset.manifest.sha256, weight)
    arguments = [test.context], test.context, test.predictions, bootstrap
    found = measure_auxiliary(*arguments, most_rows=most_rows)
    expected = evaluated.metrics()["metrics"]
    for name, metric in found.metrics.items():
        assert np.allclose(metric.value or 0.0, expected[name]["value"] or 0.0, rtol=1e-5), name
        assert np.allclose(metric.error or 0.0, expected[name]["error"] or 0.0, rtol=1e-4), name


def test_folds_are_added_up(made):
    """The same networks on the test split and, as another fold, on it again: each number as on one of them."""
    evaluated, samples = made
    test, n = context_of(evaluated), len(samples)
    weight = None if samples.weight is None else np.tile(samples.weight.astype(np.float64), 2)
    twice = Bootstrap(np.tile(test.predictions.id, 2), 40, test.context.dataset.manifest.sha256, weight)
    predictions = type(test.predictions)(
        np.tile(test.predictions.outputs, (1, 2, 1)),
        {name: np.tile(values, 2) for name, values in test.predictions.targets.items()},
        np.arange(2 * n, dtype=np.uint64),
    )
    context = test.context
    without_profiles = context.study.model_copy(
        update={"evaluation": context.study.evaluation.model_copy(update={"profiles": {}})}
    )
    whole = EvaluationContext(without_profiles, context.workflow, "sets", context.dataset, context.folders, (0, 1))
    found = measure_auxiliary([context, context], whole, predictions, twice)
    expected = evaluated.metrics()["metrics"]
    for name, metric in found.metrics.items():
        assert np.isclose(metric.value or 0.0, expected[name]["value"] or 0.0), name
        first, second = found.by_fold[name]
        assert np.isclose(first or 0.0, metric.value or 0.0), name
        assert first == second


def test_the_same_bytes_again(made, tmp_path):
    evaluated, _ = made
    evaluate_model(evaluated.study, evaluated.workflow, "sets", evaluated.manifest, evaluated.runs, tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == evaluated.metrics()


def test_models_without_auxiliary_tasks_have_no_such_metrics(tmp_path):
    evaluated = make_evaluated(tmp_path, auxiliary={})
    metrics = evaluated.metrics()
    assert "auxiliary" not in metrics["curves"]
    assert not [name for name in metrics["metrics"] if name.startswith(("origin", "vertex", "decay"))]


def test_heads_that_predict_no_numbers_are_refused(made, monkeypatch, tmp_path):
    evaluated, _ = made
    load = load_network

    def broken(folder):
        network = load(folder)
        with torch.no_grad():
            network.head("origin").of_elements.bias.fill_(float("nan"))
        return network

    monkeypatch.setattr("bevatron.evaluate.auxiliary.predict.load_network", broken)
    with pytest.raises(UserError, match=r"seed-0.*auxiliary task 'origin'"):
        evaluate_model(evaluated.study, evaluated.workflow, "sets", evaluated.manifest, evaluated.runs, tmp_path)
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.slow
def test_a_transformer_is_measured_too(tmp_path):
    evaluated = make_evaluated(tmp_path, "transformer")
    metrics = evaluated.metrics()["metrics"]
    assert {"origin.accuracy", "vertex.efficiency", "decay.mae"} <= set(metrics)
