"""Systematic variations: the same networks on shifted test events, and what becomes of each metric."""

import json
import re
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 (registers the filter of predictions.h5)
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import accuracy_score, roc_auc_score

from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.loading.load import load_study
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import ConfigurationError, UserError
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.report.provenance.trace import read_trace
from bevatron.report.results.study_results import read_study
from bevatron.report.stage import write_study_page
from bevatron.simulate.stage import simulate_shard
from bevatron.store.records.metrics import read_metrics
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard
from bevatron.train.stage import train_model

N = 3000
STUDY = """
name: mine
title: Mine
summary: Two classes.
simulation:
  source:
    kind: table
    files: [nominal.csv]
    selection: pt > 25
    id: event
    groups:
      jet: {features: [pt, mass], units: {pt: GeV, mass: GeV}}
      other: {features: [eta]}
    targets: {y: {classes: {background: y == 0, signal: y == 1}}}
dataset: {recipe: {kind: table}, split: {train: 0.4, val: 0.1, test: 0.5}}
task: {kind: classification, target: y, classes: [background, signal], signal: signal}
n_seeds: 2
models:
  mlp: {title: MLP, inputs: [jet], architecture: {kind: mlp, widths: [4]}, training: {epochs: 2, learning_rate: 0.01}}
variations:
  scale_up: {title: pt scale +20 %, source: {shift: {pt: 1.2 * pt}}}
  unseen: {source: {shift: {eta: eta + 1}}}
  smeared: {source: {files: [smeared.csv]}}
claims:
  - id: stable
    statement: Nothing depends on eta.
    source: an expectation
    test:
      kind: near
      metric: {model: mlp, metric: auc.signal_vs_rest, variation: unseen, shift: true}
      reference: 0.0
      tolerance: 1.0e-9
  - id: as_before
    statement: Smearing makes the network worse.
    source: an expectation
    test:
      kind: greater
      first: {model: mlp, metric: auc.signal_vs_rest}
      others: [{model: mlp, metric: auc.signal_vs_rest, variation: smeared}]
"""
WORKFLOW = Workflow(studies=["mine"], accelerator="cpu")


def write_files(folder: Path) -> None:
    draw = np.random.default_rng(1)
    y = draw.integers(0, 2, N)
    table = pd.DataFrame(
        {
            "pt": 20 + draw.exponential(30, N) + 15 * y,
            "mass": draw.normal(80 + 10 * y, 10),
            "eta": draw.normal(0, 1, N),
            "y": y,
            "event": np.arange(N),
        }
    )
    table.to_csv(folder / "nominal.csv", index=False)
    table.assign(pt=table.pt * draw.normal(1, 0.3, N).clip(0.2)).to_csv(folder / "smeared.csv", index=False)


def make_samples(study: Study, folder: Path) -> Path:
    """All shards of the study, or of a variation of it, in the folder; the manifest's path."""
    for shard in range(study.simulation.shards):
        raw = folder / "raw" / f"shard-{shard:04d}.h5"
        simulate_shard(study, shard, raw)
        prepare_shard(study, raw, folder / "dataset")
    write_manifest(study, folder / "dataset")
    return folder / "dataset" / "manifest.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with the results of the study and of its variations; the study."""
    folder = tmp_path_factory.mktemp("variations")
    write_files(folder)
    (folder / "mine.yaml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        study, mine = load_study("mine", "demo", folder), folder / "results" / "mine"
        workflow = WORKFLOW.model_copy(update={"runs_dir": str(folder / "runs")})
        manifest = make_samples(study, mine)
        runs = mine / "models" / "mlp" / "runs.json"
        train_model(study, workflow, "mlp", manifest, None, runs.parent)
        evaluate_model(study, workflow, "mlp", manifest, runs, mine / "evaluation" / "mlp")
        measure_observables(study, manifest, mine / "evaluation" / "data.json")
        for name in study.variations:
            varied = mine / "variations" / name
            of_variation = make_samples(study.varied(name), varied)
            evaluate_model(
                study.varied(name), workflow, "mlp", of_variation, runs, varied / "evaluation" / "mlp", manifest
            )
        yield folder, study


def predictions(folder: Path) -> dict[str, np.ndarray]:
    with h5py.File(folder / "evaluation" / "mlp" / "predictions.h5") as file:
        return {"outputs": file["outputs"][()], "y": file["targets/y"][()], "id": file["id"][()]}


def test_shifted_columns_give_the_samples_of_shifted_files(results, tmp_path, monkeypatch):
    """Before the selection, and in the features alike."""
    folder, study = results
    table = pd.read_csv(folder / "nominal.csv")
    table.assign(pt=1.2 * table.pt).to_csv(tmp_path / "nominal.csv", index=False)
    monkeypatch.chdir(tmp_path)
    simulate_shard(study, 0, tmp_path / "shard-0000.h5")
    expected = read_shard(tmp_path / "shard-0000.h5")
    found = read_shard(folder / "results" / "mine" / "variations" / "scale_up" / "raw" / "shard-0000.h5")
    assert len(found) > len(read_shard(folder / "results" / "mine" / "raw" / "shard-0000.h5"))
    np.testing.assert_array_equal(found.id, expected.id)
    for name, group in expected.inputs.items():
        np.testing.assert_array_equal(found.inputs[name].column.values, group.column.values)


def test_the_same_events_are_tested_on(results):
    """An event that was learned from is in no variation's test split."""
    mine = results[0] / "results" / "mine"
    learned = set(read_shard(mine / "dataset" / "train-0000.h5").id) | set(read_shard(mine / "dataset/val-0000.h5").id)
    for name in results[1].variations:
        folder = mine / "variations" / name / "dataset"
        assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "test-0000.h5"]
        assert not learned & set(read_shard(folder / "test-0000.h5").id)


def test_shifts_are_those_of_an_independent_calculation(results):
    folder, study = results
    nominal = predictions(folder / "results" / "mine")
    measurements = read_study(study, folder / "results").measurements
    for name in study.variations:
        varied = predictions(folder / "results" / "mine" / "variations" / name)
        expected = {"auc.signal_vs_rest": [], "accuracy": []}
        for k in range(study.n_seeds):
            scores = [p["outputs"][k, :, 1] - p["outputs"][k, :, 0] for p in (varied, nominal)]
            aucs = [roc_auc_score(p["y"], s) for p, s in zip((varied, nominal), scores, strict=True)]
            rights = [accuracy_score(p["y"], s > 0) for p, s in zip((varied, nominal), scores, strict=True)]
            expected["auc.signal_vs_rest"].append(aucs[0] - aucs[1])
            expected["accuracy"].append(rights[0] - rights[1])
        for metric, values in expected.items():
            shift = measurements.of_model("mlp", metric, name, shift=True)
            np.testing.assert_allclose(shift.per_seed, values, atol=2e-6)
            assert shift.value == pytest.approx(np.mean(values), abs=2e-6)


def test_the_error_of_a_shift_is_that_of_the_difference(results):
    """Of the accuracy on common events: McNemar's, where both networks' answers to an event are paired."""
    folder, study = results
    nominal, varied = (predictions(folder / "results" / "mine" / part) for part in (".", "variations/smeared"))
    both, at, there = np.intersect1d(nominal["id"], varied["id"], return_indices=True)
    right = [
        (p["outputs"][:, rows, 1] > p["outputs"][:, rows, 0]) == p["y"][rows].astype(bool)
        for p, rows in ((nominal, at), (varied, there))
    ]
    difference = (right[1].astype(float) - right[0]).mean(axis=0)
    expected = difference.std(ddof=1) / np.sqrt(len(both))
    shift = read_study(study, folder / "results").measurements.of_model("mlp", "accuracy", "smeared", shift=True)
    assert shift.split_error == pytest.approx(expected, rel=0.25)  # some events pass one selection alone; 200 replicas
    alone = read_study(study, folder / "results").measurements.of_model("mlp", "accuracy")
    assert shift.split_error < alone.split_error


def test_what_no_network_sees_shifts_nothing(results):
    folder, study = results
    shifts = read_study(study, folder / "results").measurements.shifts["unseen"]["mlp"]
    assert {"accuracy", "auc.signal_vs_rest", "log_loss", "ece"} <= shifts.keys()
    for metric, shift in shifts.items():
        assert np.nan_to_num(shift.value) == 0.0, metric
        assert np.nan_to_num(shift.error) == 0.0, metric


def test_the_report_shows_shifts_and_decides_claims_about_them(results):
    folder, study = results
    page = folder / "results" / "report" / "mine"
    write_study_page(study, "demo", folder / "results", page)
    html = (page / "index.html").read_text()
    assert 'id="mine-variations"' in html
    assert 'href="#mine-variations"' in html
    assert "pt scale +20 %" in html
    claims = (page / "claims.json").read_text()
    assert '"reproduced"' in claims
    shifts = pd.read_csv(page / "tables" / "mine_shifts.csv", encoding="utf-8-sig")
    assert list(shifts.variation) == ["pt scale +20 %", "unseen", "smeared"]
    every = pd.read_csv(page / "tables" / "mine_variations.csv", encoding="utf-8-sig")
    np.testing.assert_allclose(every["varied"] - every["nominal"], every["shift"], atol=1e-9)
    assert {path.stem for path in (page / "plots").iterdir()} >= {"mine-shifts", "mine-mlp-envelope"}


def test_metrics_of_another_variation_or_of_other_networks_are_refused(results, tmp_path):
    folder, study = results
    mine = folder / "results" / "mine"
    path = mine / "variations" / "unseen" / "evaluation" / "mlp" / "metrics.json"
    content = path.read_bytes()
    try:
        path.write_bytes((mine / "variations" / "smeared" / "evaluation" / "mlp" / "metrics.json").read_bytes())
        with pytest.raises(UserError, match="was measured on the variation 'smeared', expected 'unseen'"):
            read_study(study, folder / "results")
        path.write_bytes((mine / "evaluation" / "mlp" / "metrics.json").read_bytes())
        with pytest.raises(UserError, match="was measured on the nominal test events, expected 'unseen'"):
            read_study(study, folder / "results")
        path.unlink()
        with pytest.raises(UserError, match="is missing"):
            read_study(study, folder / "results")
    finally:
        path.write_bytes(content)


def test_other_features_than_the_networks_read_are_refused(results, monkeypatch):
    folder, study = results
    monkeypatch.chdir(folder)
    payload = yaml.safe_load(STUDY)
    features = {"pt": "pt", "mass": "mass", "ratio": "pt / mass"}
    payload["variations"] = {"wider": {"source": {"groups": {"jet": {"features": features}}}}}
    payload["claims"] = []
    wider = Study.model_validate(payload)
    varied = make_samples(wider.varied("wider"), folder / "wider")
    arguments = (varied, folder / "results/mine/models/mlp/runs.json", folder / "out")
    nominal = folder / "results/mine/dataset/manifest.json"
    with pytest.raises(UserError, match=r"group 'jet' has the features \('pt', 'mass', 'ratio'\), the nominal"):
        evaluate_model(wider.varied("wider"), WORKFLOW, "mlp", *arguments, nominal)
    with pytest.raises(UserError, match="'wider' is a variation, whose networks"):
        evaluate_model(wider.varied("wider"), WORKFLOW, "mlp", *arguments)
    with pytest.raises(UserError, match="is the manifest of another configuration"):
        evaluate_model(study, WORKFLOW, "mlp", *arguments)
    assert not (folder / "out").exists()


def test_a_generator_draws_the_same_numbers_for_a_variation(tmp_path):
    """Points of a wider cloud are the nominal points, further apart."""
    clouds = {"plane": {"means": [[0, 0], [0, 0]], "covariances": [[[1, 0], [0, 1]]]}}
    wide = {"plane": {"covariances": [[[4, 0], [0, 4]]]}}
    study = Study.model_validate(
        {
            "name": "toy",
            "title": "Toy",
            "summary": "Toy",
            "simulation": {"source": {"kind": "gaussians", "train": 50, "val": 50, "test": 50}},
            "dataset": {"recipe": {"kind": "gaussians", "clouds": clouds}},
            "task": {"kind": "classification", "target": "class", "classes": ["a", "b"], "signal": "b"},
            "models": {"m": {"title": "m", "inputs": ["plane"], "architecture": {"kind": "fisher"}}},
            "variations": {"wide": {"recipe": {"clouds": wide}}, "fewer": {"source": {"train": 20}}},
        }
    )
    varied = study.varied("wide")
    assert raw_digest(varied) == raw_digest(study)
    assert dataset_digest(varied) != dataset_digest(study)
    make_samples(study, tmp_path / "nominal")
    make_samples(varied, tmp_path / "wide")
    found, expected = (read_shard(tmp_path / name / "dataset" / "test-0000.h5") for name in ("wide", "nominal"))
    values = [samples.inputs["plane"].column.values for samples in (found, expected)]
    np.testing.assert_allclose(values[0], 2 * values[1], rtol=1e-6)
    make_samples(study.varied("fewer"), tmp_path / "fewer")
    assert load_manifest(tmp_path / "fewer" / "dataset" / "manifest.json").n_samples("test") == 100


@pytest.mark.parametrize(
    ("variation", "message"),
    [
        ({}, "give source or recipe"),
        ({"source": {"kind": "jets"}}, "source.kind: a variation has the study's own kind"),
        ({"source": {"shfit": {"pt": "pt"}}}, "variations.odd.source.shfit: Extra inputs are not permitted"),
        ({"recipe": {"none": 1}}, "variations.odd.recipe.none"),
        ({"source": {"selection": "pt > 25"}}, "variations.odd: changes nothing"),
        ({"source": {"files": []}}, "variations.odd.source"),
    ],
)
def test_a_variation_that_cannot_be_is_refused_in_one_line(tmp_path, variation, message):
    payload = yaml.safe_load(STUDY) | {"variations": {"odd": variation}, "claims": []}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(payload))
    with pytest.raises(ConfigurationError) as caught:
        load_study("mine", "demo", tmp_path)
    assert len(caught.value.lines) == 1
    assert message in caught.value.lines[0]


def test_claims_name_variations_that_there_are(tmp_path):
    (tmp_path / "mine.yaml").write_text(STUDY.replace("variation: smeared", "variation: smear"))
    with pytest.raises(ConfigurationError, match=r"unknown variation 'smear'.*did you mean 'smeared'"):
        load_study("mine", "demo", tmp_path)
    (tmp_path / "mine.yaml").write_text(STUDY.replace("variation: unseen, shift", "shift"))
    with pytest.raises(ConfigurationError, match="shift: name the variation"):
        load_study("mine", "demo", tmp_path)


def test_the_examples_of_the_docs_are_valid():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "variations.md").read_text(encoding="utf-8")
    sections = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)]
    assert [list(section) for section in sections] == [["variations"], ["claims"]]
    source = yaml.safe_load(STUDY)["simulation"]["source"]
    source |= {"groups": {"jet": {"features": ["jet_pt", "jet_energy"]}}, "selection": "jet_pt > 20"}
    study = Study.model_validate(
        yaml.safe_load(STUDY) | {"simulation": {"source": source}, **sections[0], **sections[1]}
    )
    assert study.varied("jes_up").simulation.source.shift["jet_pt"] == "1.01 * jet_pt"
    assert study.varied("herwig").simulation.source.files == ["data/herwig/*.root"]


def test_a_study_without_variations_keeps_its_identity(tmp_path):
    write_files(tmp_path)
    payload = yaml.safe_load(STUDY)
    with_variations = Study.model_validate(payload)
    without = Study.model_validate(
        {key: value for key, value in payload.items() if key not in ("variations", "claims")}
    )
    assert raw_digest(with_variations) == raw_digest(without)
    assert dataset_digest(with_variations) == dataset_digest(without)
    assert "shift" not in with_variations.simulation.source.model_dump(mode="json")


def test_nominal_metrics_do_not_speak_of_variations(results):
    mine = results[0] / "results" / "mine"
    assert "variation" not in json.loads((mine / "evaluation" / "mlp" / "metrics.json").read_text())
    varied = read_metrics(mine / "variations" / "unseen" / "evaluation" / "mlp" / "metrics.json", "mine", "mlp")
    assert varied.nominal_sha256 == load_manifest(mine / "dataset" / "manifest.json").sha256


def test_the_origin_of_a_shift_is_the_evaluation_of_the_variation(results):
    folder, study = results
    page = folder / "results" / "report" / "mine"
    write_study_page(study, "demo", folder / "results", page)
    trace = read_trace(page, folder / "results")
    commands = {number["command"] for number in trace.numbers("mine_shifts") if number.get("variation") == "unseen"}
    assert len(commands) == 1
    assert "evaluate mine mlp --scale demo --variation unseen" in commands.pop()
    assert trace.find_changed(data=False) == ([], [])


def test_what_is_read_from_networks_is_found_on_nominal_training_samples(tmp_path):
    """A probe of latent dimensions learns from the nominal training split, and is tested on the varied samples."""
    payload = yaml.safe_load((Path(__file__).parents[2] / "config" / "studies" / "sky.yaml").read_text())
    payload["simulation"] = {"source": {"kind": "sky", "events": 80}}
    model = payload["models"]["lecture"] | {"training": {"epochs": 1}}
    payload |= {"models": {"lecture": model}, "n_seeds": 1, "claims": [], "evaluation": {"bootstrap": 20}}
    payload["variations"] = {"noisy": {"source": {"noise": 2.0}}}
    study = Study.model_validate({key: value for key, value in payload.items() if key not in ("scales", "grids")})
    workflow = WORKFLOW.model_copy(update={"runs_dir": str(tmp_path / "runs")})
    manifest, varied = make_samples(study, tmp_path), make_samples(study.varied("noisy"), tmp_path / "noisy")
    runs = tmp_path / "models" / "runs.json"
    train_model(study, workflow, "lecture", manifest, None, runs.parent)
    evaluate_model(study.varied("noisy"), workflow, "lecture", varied, runs, tmp_path / "evaluation", manifest)
    metrics = read_metrics(tmp_path / "evaluation" / "metrics.json", "sky", "lecture").metrics
    assert metrics["probe"].value is not None
    assert metrics["psnr"].value is not None
