"""The stage export: files that stand alone, their metadata, the card, and what is refused."""

import json
import re

import numpy as np
import pytest
import torch

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.manifest import write_manifest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

TREE = {
    "name": "toy",
    "title": "Toy | jets",
    "summary": "Two flavours\\n with *tracks*.",
    "references": ["Nobody, <b>Nothing</b>"],
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": ["light", "beauty"], "signal": "beauty"},
    "n_seeds": 2,
    "models": {
        "net": {
            "title": "A small net",
            "inputs": ["jet", "tracks"],
            "normalise": "robust",
            "architecture": {"kind": "mlp", "widths": [6]},
            "training": {"epochs": 2, "batch_size": 50},
        }
    },
    "evaluation": {"bootstrap": 20},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of toy jets with its dataset, trained, evaluated and exported: (study, workflow, folder)."""
    from bevatron.config.loading.code_versions import version_attributes
    from bevatron.config.loading.identity import dataset_digest, raw_digest
    from bevatron.evaluate.stage import evaluate_model
    from bevatron.export.stage import export_model
    from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
    from bevatron.store.shards.shard import write_shard
    from bevatron.train.stage import train_model

    folder, study = tmp_path_factory.mktemp("toy"), Study.model_validate(TREE)
    workflow = Workflow(studies=["toy"], accelerator="cpu", runs_dir=str(folder / "runs"))
    attributes = {"study": "toy", "source": "jets", "versions": {"generator": "1.5"}, "digest": dataset_digest(study),
                  "raw_digest": raw_digest(study), "classes": ["light", "beauty"], "shard": 0,
                  **version_attributes(study)}  # fmt: skip
    rng = np.random.default_rng(1)
    for k, split in enumerate(("train", "val", "test")):
        flavour, lengths = rng.integers(0, 2, 120), rng.integers(0, 4, 120)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        pt = (30 + 10 * flavour + rng.normal(0, 5, 120)).astype(np.float32)
        tracks = rng.normal(0, 1 + np.repeat(flavour, lengths)[:, None], (offsets[-1], 2)).astype(np.float32)
        inputs = {"jet": Group(Dense(pt[:, None]), ("pt",), ("GeV",)),
                  "tracks": Group(Ragged(tracks, offsets), ("d0", "z0"), ("mm", "mm"))}  # fmt: skip
        samples = Samples(inputs, {"flavour": flavour}, np.arange(120, dtype=np.uint64) + np.uint64(1000 * k))
        write_shard(folder / "dataset" / f"{split}-0000.h5", samples, attributes)
    write_manifest(folder / "dataset" / "manifest.json", build_manifest(folder / "dataset", study))
    manifest, runs = folder / "dataset" / "manifest.json", folder / "models" / "runs.json"
    train_model(study, workflow, "net", manifest, None, folder / "models")
    evaluate_model(study, workflow, "net", manifest, runs, folder / "evaluation")
    export_model(study, workflow, "net", manifest, runs, folder / "export", folder / "evaluation" / "metrics.json")
    return study, workflow, folder


def exported(made, **changes):
    from bevatron.export.stage import export_model

    study, workflow, folder = made
    arguments = {"metrics_path": None, "seeds": None} | changes
    target = arguments.pop("folder", folder / "again")
    manifest, runs = folder / "dataset" / "manifest.json", folder / "models" / "runs.json"
    export_model(study, workflow, "net", manifest, runs, target, **arguments)


def test_the_file_alone_gives_the_predictions_of_the_evaluation(made):
    """Inputs by hand from the shard and the file's own metadata; predictions.h5 is another path through the code."""
    import h5py
    import hdf5plugin  # noqa: F401

    from bevatron.store.shards.shard import read_shard

    _, _, folder = made
    session = onnxruntime.InferenceSession(folder / "export" / "seed-1.onnx", providers=["CPUExecutionProvider"])
    test = read_shard(folder / "dataset" / "test-0000.h5")
    tracks = test.inputs["tracks"].column
    longest = session.get_inputs()[1].shape[1]
    padded = np.zeros((len(test), longest, 2), np.float32)
    for row, (first, last) in enumerate(zip(tracks.offsets[:-1], tracks.offsets[1:], strict=True)):
        padded[row, : last - first] = tracks.values[first:last]
    feed = {"jet": test.inputs["jet"].column.values, "tracks": padded, "tracks_n_valid": tracks.lengths}
    probabilities, logits = session.run(["probabilities", "logits"], feed)
    with h5py.File(folder / "evaluation" / "predictions.h5") as file:
        np.testing.assert_allclose(logits, file["outputs"][1], atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(
        np.log(probabilities[:, 1] / probabilities[:, 0]), logits[:, 1] - logits[:, 0], atol=1e-4
    )
    one = session.run(["logits"], {name: column[:1] for name, column in feed.items()})[0]
    np.testing.assert_allclose(one, logits[:1], atol=1e-5)


def test_the_metadata_are_complete(made):
    _, _, folder = made
    model = onnx.load(folder / "export" / "seed-0.onnx")
    onnx.checker.check_model(model, full_check=True)
    facts = {prop.key.removeprefix("bevatron."): prop.value for prop in model.metadata_props}
    runs = json.loads((folder / "models" / "runs.json").read_text())
    manifest = json.loads((folder / "dataset" / "manifest.json").read_text())
    assert (facts["study"], facts["model"], facts["title"]) == ("toy", "net", "A small net")
    assert facts["run_digest"] == runs["runs"][0]["digest"]
    assert facts["weights_sha256"] == sha256_of(folder / "models" / "seed-0" / "weights.safetensors")
    assert facts["manifest_sha256"] == manifest["sha256"]
    assert json.loads(facts["classes"]) == json.loads(facts["class_subset"]) == ["light", "beauty"]
    assert facts["signal"] == "beauty"
    described = {entry["name"]: entry for entry in json.loads(facts["inputs"])}
    assert list(described) == [entry.name for entry in model.graph.input]
    assert described["tracks"]["features"] == ["d0", "z0"]
    assert described["tracks"]["units"] == ["mm", "mm"]
    assert described["tracks_n_valid"]["dtype"] == "int64"
    assert [entry["name"] for entry in json.loads(facts["outputs"])] == [entry.name for entry in model.graph.output]
    normalisation = json.loads(facts["normalisation"])
    pt = manifest["statistics"]["jet"]["pt"]
    assert normalisation["kind"] == "robust"
    assert normalisation["features"]["jet"]["pt"]["centre"] == pytest.approx(pt["median"], rel=1e-6)
    assert normalisation["features"]["jet"]["pt"]["scale"] == pytest.approx((pt["q84"] - pt["q16"]) / 2, rel=1e-6)
    agreement = json.loads(facts["agreement"])
    assert agreement["samples_of_the_test_split"] == 120
    assert 0.0 <= max(agreement["largest_difference"].values()) <= 1e-5 < agreement["tolerance"]
    assert {"bevatron", "torch", "onnx", "onnxruntime"} <= set(json.loads(facts["versions"]))
    assert json.loads(facts["data_versions"]) == {"generator": "1.5"}


def test_export_json_lists_what_was_written(made):
    _, _, folder = made
    tree = json.loads((folder / "export" / "export.json").read_text())
    assert [entry["seed"] for entry in tree["exports"]] == [0, 1]
    for entry in tree["exports"]:
        assert entry["sha256"] == sha256_of(folder / "export" / entry["file"])
        assert entry["agreement"]["samples"] == 120


def test_the_card_says_what_the_files_say(made):
    _, _, folder = made
    card = (folder / "export" / "card.md").read_text()
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    manifest = json.loads((folder / "dataset" / "manifest.json").read_text())
    for heading in ("What it is", "Intended use, and limits", "Data", "Training", "Metrics", "Provenance"):
        assert f"\n## {heading}\n" in card
    for name, metric in metrics["metrics"].items():
        row = re.search(rf"^\| {re.escape(name)} \| (\S+)", card, re.M)
        assert row, name
        if metric["error"]:
            assert abs(float(row[1]) - metric["value"]) < metric["error"]
    for split in ("train", "val", "test"):
        counts = manifest["splits"][split][0]["class_counts"]
        assert f"| {split} | 120 | {counts['light']} | {counts['beauty']} |" in card
    assert manifest["sha256"] in card
    assert sha256_of(folder / "export" / "seed-0.onnx") in card
    assert "| jet | pt | GeV |" in card
    assert "Toy \\| jets" in card  # no word of the study's file is markup
    assert "with \\*tracks\\*" in card
    assert "<b>" not in card.replace("\\<b\\>", "")
    assert "\n\n\n" not in card


def test_every_table_of_the_card_is_a_table(made):
    card = (made[2] / "export" / "card.md").read_text()
    tables = re.findall(r"(?:^\|.*\|\n)+", card, re.M)
    assert len(tables) >= 7
    for table in tables:
        rows = table.splitlines()
        assert re.fullmatch(r"(\|-+)+\|", rows[1]), table
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, table


def test_a_card_that_cannot_be_written_costs_no_export(made, tmp_path, monkeypatch):
    monkeypatch.setattr("bevatron.export.card.features", lambda *_: 1 / 0)
    exported(made, folder=tmp_path)
    assert "could not be written: ZeroDivisionError" in (tmp_path / "card.md").read_text()
    assert len(json.loads((tmp_path / "export.json").read_text())["exports"]) == 2


def test_again_gives_the_same_bytes_and_one_seed_alone_is_possible(made, tmp_path):
    exported(made, folder=tmp_path, seeds=[1])
    assert (tmp_path / "seed-1.onnx").read_bytes() == (made[2] / "export" / "seed-1.onnx").read_bytes()
    assert not (tmp_path / "seed-0.onnx").exists()
    assert "without the model's metrics.json" in (tmp_path / "card.md").read_text()
    with pytest.raises(UserError, match=r"runs.json: has no run of seed 7; it has: 0, 1"):
        exported(made, seeds=[7])


def test_a_model_whose_export_disagrees_is_refused_and_nothing_is_written(made, tmp_path, monkeypatch):
    from bevatron.export import graph

    def wrong(*arguments):
        model = right(*arguments)
        for tensor in model.graph.initializer:
            values = onnx.numpy_helper.to_array(tensor)
            if values.dtype == np.float32 and values.ndim == 2:
                tensor.CopyFrom(onnx.numpy_helper.from_array(values * np.float32(1.01), tensor.name))
        return model

    right = graph.onnx_model
    monkeypatch.setattr(graph, "onnx_model", wrong)
    expected = r"toy/net seed 0: the ONNX model differs from PyTorch's by 0\.\d+ in '(logits|probabilities)' over 120"
    with pytest.raises(UserError, match=expected):
        exported(made, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_network_that_onnx_cannot_express_is_told_in_one_line(made, tmp_path, monkeypatch):
    from bevatron.models.architectures.mlp import MLP

    forward = MLP.forward
    monkeypatch.setattr(MLP, "forward", lambda self, inputs: torch.linalg.qr(forward(self, inputs)).Q)
    with pytest.raises(UserError, match=r"toy/net seed 0: cannot be written as ONNX: ") as told:
        exported(made, folder=tmp_path / "none")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "none").exists()


def test_metrics_of_other_runs_and_damaged_ones_are_refused(made, tmp_path):
    metrics = made[2] / "evaluation" / "metrics.json"
    tree = json.loads(metrics.read_text())
    tree["runs"][0]["digest"] = "0" * 64
    other = tmp_path / "metrics.json"
    other.write_text(json.dumps({key: value for key, value in tree.items() if key != "sha256"}))
    with pytest.raises(UserError, match="holds the metrics of other runs or data"):
        exported(made, metrics_path=other)
    other.write_text(metrics.read_text().replace('"n_test": 120', '"n_test": 121'))
    with pytest.raises(UserError, match="does not match its own digest"):
        exported(made, metrics_path=other)
    with pytest.raises(UserError, match="is missing; run `bevatron evaluate toy net`"):
        exported(made, metrics_path=tmp_path / "nowhere.json")


def test_without_the_optional_packages_one_line_says_what_to_install(made, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r"pip install 'bevatron\[export\]'"):
        exported(made, folder=tmp_path / "none")
