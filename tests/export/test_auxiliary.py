"""ONNX files of networks with auxiliary tasks: onnxruntime gives what PyTorch gives of lists without padding."""

import json

import numpy as np
import pytest
import torch
from auxiliary_jobs import ORIGINS, draw_samples
from auxiliary_results import make_evaluated

from bevatron.apply.onnx_networks import OnnxNetworks, pad
from bevatron.export.stage import export_model
from bevatron.models.network import load_network
from bevatron.store.readers.batch import RaggedBatch
from bevatron.store.records.export import read_export

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ORIGIN, VERTEX, DECAY = "origin_class_probabilities", "vertex_pair_probabilities", "decay_prediction"
TASKS = (DECAY, ORIGIN, VERTEX)  # by name


@pytest.fixture(scope="module", params=["sets", "gn2", pytest.param("transformer", marks=pytest.mark.slow)])
def exported(request, tmp_path_factory):
    made = make_evaluated(tmp_path_factory.mktemp("exported"), request.param)
    folder, metrics = made.folder / "export", made.folder / "evaluation" / made.model / "metrics.json"
    export_model(made.study, made.workflow, made.model, made.manifest, made.runs, folder, metrics)
    return made, folder


def session_of(path):
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def run(session, samples, rows):
    part = samples.take(rows)
    tracks = part.inputs["tracks"].column
    longest = {port.name: port.shape for port in session.get_inputs()}["tracks"][1]
    feed = {"jet": part.inputs["jet"].column.values, "tracks": pad(tracks, longest), "tracks_n_valid": tracks.lengths}
    names = [port.name for port in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


@pytest.mark.parametrize("n", [1, 2, 30])
def test_all_outputs_are_pytorchs_of_single_jets(exported, n):
    made, folder = exported
    samples = draw_samples("test")
    network = load_network(made.folder / "models" / made.model / "seed-1")
    outputs = run(session_of(folder / "seed-1.onnx"), samples, np.arange(n))
    assert list(outputs) == ["probabilities", "logits", *TASKS]
    origins, pairs, decay = (outputs[name] for name in (ORIGIN, VERTEX, DECAY))
    assert origins.shape == (n, 6, 3)
    assert pairs.shape == (n, 6, 6)
    assert decay.shape == (n, 1)
    jet, tracks = samples.inputs["jet"].column.values, samples.inputs["tracks"].column
    for k in range(n):
        elements = torch.from_numpy(tracks.values[tracks.offsets[k] : tracks.offsets[k + 1]])
        m = len(elements)
        inputs = {"jet": torch.from_numpy(jet[k : k + 1]), "tracks": RaggedBatch(elements, torch.tensor([m]))}
        with torch.inference_mode():
            logits, heads = network.forward_with_auxiliary(inputs)
        assert np.allclose(outputs["logits"][k], logits[0], atol=1e-5)
        assert np.allclose(origins[k, :m], torch.softmax(heads["origin"], 1), atol=1e-5)
        assert np.allclose(decay[k], heads["decay"][0], atol=1e-5)
        expected = np.eye(m)
        expected[np.triu_indices(m, 1)] = torch.sigmoid(heads["vertex"])
        assert np.allclose(pairs[k, :m, :m], np.maximum(expected, expected.T), atol=1e-5)
        assert not origins[k, m:].any()
        assert not pairs[k, m:].any()
        assert not pairs[k, :, m:].any()


def test_jets_without_tracks_have_finite_outputs(exported):
    _, folder = exported
    samples = draw_samples("test")
    empty = np.flatnonzero(samples.inputs["tracks"].column.lengths == 0)
    assert len(empty) > 0
    outputs = run(session_of(folder / "seed-0.onnx"), samples, empty)
    assert all(np.isfinite(values).all() for values in outputs.values())


def test_the_stage_compared_all_outputs(exported):
    made, folder = exported
    record = read_export(folder / "export.json", "auxiliary", made.model)
    for export in record.exports:
        assert export.outputs == ("probabilities", "logits", *TASKS)
        assert set(export.agreement.largest_difference) == set(export.outputs)
        assert max(export.agreement.largest_difference.values()) < 1e-4


def test_the_file_says_what_its_outputs_are(exported):
    _, folder = exported
    facts = session_of(folder / "seed-0.onnx").get_modelmeta().custom_metadata_map
    outputs = {entry["name"]: entry for entry in json.loads(facts["bevatron.outputs"])}
    assert outputs[ORIGIN]["classes"] == list(ORIGINS)
    assert outputs[ORIGIN]["shape"] == ["batch", 6, 3]
    assert [outputs[name]["task"] for name in TASKS] == ["decay", "origin", "vertex"]
    assert outputs[VERTEX]["group"] == "tracks"
    assert "task" not in outputs["logits"]


def test_the_card_has_shapes_and_classes(exported):
    _, folder = exported
    card = (folder / "card.md").read_text()
    assert "| `origin_class_probabilities` | element_classification of `track_origin` | batch × 6 × 3 |" in card
    assert "classes, in order: fake, primary, from\\_b" in card or "classes, in order: fake, primary, from_b" in card
    assert "batch × 6 × 6" in card
    assert "vertex.efficiency" in card


def test_files_with_more_outputs_are_applied_as_others(exported):
    _, folder = exported
    samples = draw_samples("test")
    networks = OnnxNetworks([folder / "seed-0.onnx", folder / "seed-1.onnx"])
    scores = networks.outputs(samples)
    assert scores.shape == (2, len(samples), 3)
    expected = run(session_of(folder / "seed-1.onnx"), samples, np.arange(len(samples)))["logits"]
    assert np.allclose(scores[1], expected, atol=1e-6)
