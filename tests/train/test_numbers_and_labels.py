"""Several numbers, Gaussians and labels through every stage: dataset, training, metrics, ONNX, card, page, notebook."""

import json

import numpy as np
import pytest
from numbers_and_labels import N, run_stages, study_of, write_table
from scipy import stats

from bevatron.evaluate.predictions.stored import read_predictions
from bevatron.evaluate.tasks.multi_label import sigmoid

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """By kind, the folder of the study's results; the columns of the table."""
    folder = tmp_path_factory.mktemp("tables")
    columns = write_table(folder / "table.npz")
    weighted = {"weight": "w"}
    studies = {"gaussians": {"epochs": 30}, "labels": {"epochs": 10}}
    return {
        kind: run_stages(study_of(kind, folder, weighted if kind == "labels" else None, **training), folder)
        for kind, training in studies.items()
    }, columns


def answers(results, names):
    """What the ONNX file of seed 1 says of the test split, and what the evaluation stored."""
    from bevatron.store.shards.shard import read_shard

    session = onnxruntime.InferenceSession(results / "export" / "seed-1.onnx", providers=["CPUExecutionProvider"])
    test = read_shard(results / "dataset" / "test-0000.h5")
    stored = read_predictions(results / "evaluation" / "net" / "predictions.h5", results.name, "net")
    facts = session.get_modelmeta().custom_metadata_map
    return session.run(names, {"in": test.inputs["in"].column.values}), stored, test, facts


def rows_of(test):
    return (test.id & np.uint64(2**40 - 1)).astype(int)


def test_gaussians_come_in_the_targets_units(made):
    (results, columns) = made[0]["gaussians"], made[1]
    (mean, width), stored, test, facts = answers(results, ["prediction", "width"])
    np.testing.assert_allclose(np.concatenate([mean, width], 1), stored.outputs[1], rtol=1e-4)
    truth = np.column_stack([columns["px"], columns["py"]])[rows_of(test)]
    assert np.corrcoef(mean[:, 0], truth[:, 0])[0, 1] > 0.95
    assert np.corrcoef(mean[:, 1], truth[:, 1])[0, 1] > 0.95
    metrics = json.loads((results / "evaluation" / "net" / "metrics.json").read_text())["metrics"]
    for k, name in enumerate(("px [GeV]", "py")):
        seeds = [stats.norm(o[:, k], o[:, 2 + k]).logpdf(truth[:, k]).mean() for o in stored.outputs.astype(float)]
        np.testing.assert_allclose(metrics[f"nll.{name}"]["per_seed"], -np.array(seeds), rtol=1e-3)
        assert metrics[f"coverage_1sigma.{name}"]["low"] < metrics[f"coverage_1sigma.{name}"]["value"]
    assert "overtraining" not in metrics
    assert json.loads(facts["bevatron.target_parts"]) == ["px [GeV]", "py"]
    scaling = json.loads(facts["bevatron.target_scaling"])
    train = np.setdiff1d(np.arange(N), rows_of(test))
    np.testing.assert_allclose(scaling["centre"][0], columns["px"][train].mean(), rtol=0.05)
    table = stored.to_pandas()
    expected = ["prediction.px [GeV]", "prediction.py", "width.px [GeV]", "width.py", "momenta.px [GeV]", "momenta.py"]
    assert list(table.columns) == expected


def test_labels_are_told_by_their_names(made):
    (results, columns) = made[0]["labels"], made[1]
    (probabilities, logits), stored, test, facts = answers(results, ["probabilities", "logits"])
    np.testing.assert_allclose(logits, stored.outputs[1], atol=1e-4)
    np.testing.assert_allclose(probabilities, sigmoid(logits.astype(float)), rtol=1e-4, atol=1e-6)
    from sklearn.metrics import roc_auc_score

    metrics = json.loads((results / "evaluation" / "net" / "metrics.json").read_text())["metrics"]
    rows = rows_of(test)
    for k, (name, column) in enumerate((("right", "right"), ("high", "high"), ("odd, one", "odd"))):
        expected = roc_auc_score(columns[column][rows], logits[:, k], sample_weight=columns["w"][rows])
        assert metrics[f"auc.{name}"]["per_seed"][1] == pytest.approx(expected, rel=1e-4)
    assert metrics["auc.right"]["value"] > 0.85
    assert json.loads(facts["bevatron.thresholds"]) == {"right": 0.5, "high": 0.4, "odd, one": 0.5}
    assert list(stored.to_pandas().columns)[:3] == ["right", "high", "odd, one"]


@pytest.mark.parametrize("kind", ["gaussians", "labels"])
def test_the_page_and_the_card_show_them(kind, made):
    results = made[0][kind]
    folder = results.parents[1] / "report" / kind
    assert not json.loads((folder / "claims.json").read_text()).get("failures")
    page, card = (folder / "index.html").read_text(), (results / "export" / "card.md").read_text()
    words, plots, fact = {
        "gaussians": (("px [GeV]", "R²"), ("pulls-2", "widths", "net-importance"), "loss | gaussian_nll"),
        "labels": (
            ("odd, one", "fraction of wrong labels"),
            ("roc", "net-labels", "net-importance"),
            "| labels | right, high, odd, one",
        ),
    }[kind]
    assert [word for word in words if word not in page] == []
    assert {f"{kind}-{plot}" for plot in plots} <= {path.stem for path in (folder / "plots").iterdir()}
    assert fact in card
