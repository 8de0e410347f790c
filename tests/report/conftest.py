"""Results of two studies as the other stages would publish them, but with predictions drawn, not learned."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from run_records import run_record

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest, raw_digest, run_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.evaluation import EvaluationContext, Predictions
from bevatron.evaluate.observables import measure_observables
from bevatron.evaluate.predictions.file import write_predictions
from bevatron.evaluate.stage import metrics_record
from bevatron.report.stage import write_ledger, write_study_page
from bevatron.store.files.publish import publish_json, publish_text, sha256_of
from bevatron.store.records.metrics import write_metrics
from bevatron.store.records.runs import RunEnvironment
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.manifest import Manifest, write_manifest
from bevatron.store.shards.shard import write_shard

CURVE = yaml.safe_load("""
name: curve
title: A parabola under noise
summary: Can a small network find y = x² under Gaussian noise, and how long must it learn?
references: ["Anonymous, Lectures on curves"]
simulation: {source: {kind: function}}
dataset: {recipe: {kind: function, noise: {y: 5.0}}}
task: {kind: regression, target: y, truth: x_squared, x: x}
models:
  short:
    title: 1:50:1, 1000 epochs
    inputs: [x]
    architecture: {kind: mlp, widths: [50]}
    training: {epochs: 1000, batch_size: full}
  long:
    title: 1:50:1, 10 000 epochs
    inputs: [x]
    architecture: {kind: mlp, widths: [50]}
    training: {epochs: 10000, batch_size: full}
claims:
  - id: short_does_not_fit
    statement: A thousand epochs are not enough.
    source: Lectures on curves, p. 1
    test: {kind: above, metric: {model: short, metric: relative_deviation}, threshold: 0.1}
  - id: long_fits
    statement: Ten thousand are.
    source: Lectures on curves, p. 2
    test: {kind: below, metric: {model: long, metric: relative_deviation}, threshold: 0.1}
  - id: as_quick
    statement: A thousand epochs fit as well as ten thousand.
    source: nobody
    test:
      kind: agree
      metrics: [{model: short, metric: deviation}, {model: long, metric: deviation}]
      tolerance: 0.5
""")

TAGGER = yaml.safe_load("""
name: tagger
title: Which jets hold a beauty quark?
summary: Jets of three flavours, told apart by the impact parameters of their tracks.
simulation: {source: {kind: jets}}
dataset: {recipe: {kind: jets}}
task: {kind: classification, target: flavour, classes: [light, charm, beauty], signal: beauty}
models:
  feedforward:
    title: Feedforward
    inputs: [jet, tracks]
    architecture: {kind: mlp, widths: [64, 64]}
    published: {auc.beauty_vs_rest: 0.916}
    search:
      trials: 3
      space: {training.learning_rate: {kind: log_uniform, low: 0.0001, high: 0.01}}
  kinematics:
    title: Kinematics alone
    inputs: [jet]
    architecture: {kind: mlp, widths: [16]}
evaluation:
  bootstrap: 60
  observables:
    leading_d0: {title: Leading d₀ significance, group: tracks, feature: d0_significance, position: 0,
                 range: [-10, 60], log: true}
    second_d0: {title: Second d₀ significance, group: tracks, feature: d0_significance, position: 1}
    jet_pt: {title: Jet pT, group: jet, feature: pt}
claims:
  - id: order
    statement: Beauty jets have the largest significance, then charm, then light.
    source: arXiv:1607.08633
    test:
      kind: ordered
      metrics:
        - {observable: leading_d0, metric: mean.beauty}
        - {observable: leading_d0, metric: mean.charm}
        - {observable: leading_d0, metric: mean.light}
  - id: beats_cut
    statement: The network on tracks beats the best single-track cut.
    source: arXiv:1607.08633
    test:
      kind: greater
      first: {model: feedforward, metric: auc.beauty_vs_light}
      others:
        - {observable: leading_d0, metric: auc.beauty_vs_light}
        - {observable: second_d0, metric: auc.beauty_vs_light}
  - id: kinematics_tell_little
    statement: Kinematics alone tell little, but more than a coin.
    source: nobody
    test: {kind: above, metric: {model: kinematics, metric: auc.beauty_vs_rest}, threshold: 0.55}
""")


def make_results(folder: Path, n: int = 3000) -> tuple[Workflow, list[Study]]:
    """All files that the report reads, under `folder`, and the studies they belong to."""
    curve, tagger = (Study.model_validate(copy.deepcopy(tree)) for tree in (CURVE, TAGGER))
    rng = np.random.default_rng(5)
    _publish(folder, curve, lambda split: _points(rng, n, split), lambda s: _curve_outputs(curve, s, rng))
    _publish(folder, tagger, lambda split: _jets(rng, n, split), lambda s: _tagger_outputs(tagger, s, rng))
    return Workflow(studies=["curve", "tagger"]), [curve, tagger]


def _publish(folder: Path, study: Study, draw: Any, predict: Any) -> None:
    place = folder / study.name
    attributes = {
        "study": study.name,
        "source": study.simulation.source.kind,
        "versions": {"generator": "1.0"},
        "digest": dataset_digest(study),
        "raw_digest": raw_digest(study),
        **version_attributes(study),
        "shard": 0,
    }
    if classes := getattr(study.task, "classes", None):
        attributes["classes"] = list(classes)
    splits = {split: draw(split) for split in ("train", "val", "test")}
    for split, samples in splits.items():
        write_shard(place / "dataset" / f"{split}-0000.h5", samples, attributes)
    manifest = build_manifest(place / "dataset", study)
    write_manifest(place / "dataset" / "manifest.json", manifest)
    timing = {"samples": 100, "events": 50, "seconds": 2.0, "seconds_in_generator": 1.9}
    publish_json(place / "raw" / "shard-0000.timing.json", timing)
    measure_observables(study, place / "dataset" / "manifest.json", place / "evaluation" / "data.json")
    predictions = predict(splits["test"])
    for name in study.models:
        publish_model(folder, study, name, manifest, predictions[name])


def environment_of(study: Study, seed: int) -> RunEnvironment:
    """The second seed of the study of jets was trained on a processor with other instructions."""
    capability = "AVX512" if study.name == "tagger" and seed == 1 else "AVX2"
    versions = {"torch": "2.0", "bevatron": "0.1"}
    some = {"device": "cpu", "processor": "Some processor", "capability": capability}
    return RunEnvironment(**some, threads=2, workers=1, strategy="", versions=versions)


def publish_model(folder: Path, study: Study, name: str, manifest: Manifest, predicted: Predictions) -> None:
    place, model = folder / study.name, study.models[name]
    runs = []
    for seed in range(len(predicted.outputs)):
        digest = run_digest(study, model, manifest.sha256, seed, "in memory")
        weights = place / "models" / name / f"seed-{seed}" / "weights.safetensors"
        publish_text(weights, f"weights of {study.name}/{name}, seed {seed}")
        rows = ["epoch,step,train_loss,val_loss,learning_rate,seconds"]
        rows += [f"{e},{3 * e},{2 / e + 0.4},{2 / e + 0.5 + 0.02 * seed},0.001,{0.1 * e}" for e in range(1, 21)]
        history = weights.with_name("history.csv")
        publish_text(history, "\n".join(rows) + "\n")
        files = {file.name: sha256_of(file) for file in (weights, history)}
        environments = (environment_of(study, seed),)
        runs.append(run_record(seed, digest=digest, files=files, environments=environments))
    attributes = {"study": study.name, "model": name, "manifest_sha256": manifest.sha256}
    predictions = place / "evaluation" / name / "predictions.h5"
    write_predictions(predictions, predicted, attributes, list(range(len(predicted.outputs))))
    context = EvaluationContext(
        study, Workflow(studies=[study.name]), name, Dataset(place / "dataset" / "manifest.json", manifest)
    )
    measured = metrics_record(context, tuple(runs), predicted)
    write_metrics(place / "evaluation" / name / "metrics.json", measured)
    if model.search is not None:
        values = {"training.learning_rate": 0.0031}
        publish_text(place / "search" / name / "best.yaml", yaml.safe_dump({"values": values, "val_loss": 0.5}))
        trials = "trial,training.learning_rate,val_loss,status\n1,0.0031,0.5,finished\n2,0.01,,diverged\n"
        publish_text(place / "search" / name / "trials.csv", trials)


def _points(rng: np.random.Generator, n: int, split: str) -> Samples:
    x = rng.uniform(-10, 10, n).astype(np.float32)
    targets = {"x_squared": x**2, "y": (x**2 + 5 * rng.standard_normal(n)).astype(np.float32)}
    return Samples({"x": Group(Dense(x[:, None]), ("x",), ("",))}, targets, _ids(n, split))


def _jets(rng: np.random.Generator, n: int, split: str) -> Samples:
    flavour = rng.integers(0, 3, n)
    pt = (25 + rng.exponential(30, n)).astype(np.float32)
    lengths = rng.integers(0, 6, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    scale = np.repeat(np.array([1.5, 4.0, 12.0])[flavour], lengths)
    rank = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    d0 = (scale * rng.exponential(1, offsets[-1]) * 0.6**rank + rng.standard_normal(offsets[-1])).astype(np.float32)
    inputs = {
        "jet": Group(Dense(pt[:, None]), ("pt",), ("GeV",), ("momentum across the beam",)),
        "tracks": Group(Ragged(d0[:, None], offsets), ("d0_significance",), ("1",)),
    }
    return Samples(inputs, {"flavour": flavour}, _ids(n, split))


def _ids(n: int, split: str) -> np.ndarray:
    return np.arange(n, dtype=np.uint64) + np.uint64({"train": 0, "val": 1 << 20, "test": 2 << 20}[split])


def _curve_outputs(study: Study, test: Samples, rng: np.random.Generator) -> dict[str, Predictions]:
    """`short` is a straight-sided valley, `long` the parabola with a ripple; seeds differ a little."""
    x = test.inputs["x"].column.values[:, 0].astype(np.float64)
    shapes = {"short": 6.0 * np.abs(x) - 5.0, "long": x**2 + np.sin(3 * x)}
    found = {}
    for name in study.models:
        seeds = [shapes[name] * (1 + 0.02 * rng.standard_normal()) for _ in range(3)]
        outputs = np.stack(seeds)[:, :, None].astype(np.float32)
        found[name] = Predictions(outputs, test.targets, test.id, x)
    return found


def _tagger_outputs(study: Study, test: Samples, rng: np.random.Generator) -> dict[str, Predictions]:
    """Logits of a fair tagger, and of one that guesses."""
    labels = test.targets["flavour"]
    distance = np.array([[2.0, 0.6, -1.2], [0.6, 1.2, 0.5], [-1.2, 0.4, 2.2]])
    found = {}
    for name, strength in (("feedforward", 1.0), ("kinematics", 0.1)):
        seeds = [strength * distance[labels] + 1.1 * rng.standard_normal((len(labels), 3)) for _ in range(3)]
        found[name] = Predictions(np.stack(seeds).astype(np.float32), test.targets, test.id)
    return found


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workflow, list[Study], Path]:
    """The workflow, its studies and their results folder; tests that change files copy it first."""
    folder = tmp_path_factory.mktemp("results")
    workflow, studies = make_results(folder)
    return workflow, studies, folder


@pytest.fixture(scope="session")
def publish_study():
    """Makes all files of a study: (folder, study, split name to Samples, test Samples to Predictions by model)."""
    return _publish


@pytest.fixture(scope="session")
def write_report():
    """Writes the pages of studies and their ledger, as the workflow does: (workflow, studies, results, folder)."""

    def write(workflow: Workflow, studies: list[Study], results: Path, folder: Path) -> None:
        by_name = {study.name: study for study in studies}
        for name, study in by_name.items():
            write_study_page(study, workflow.scale, results, folder / name)
        write_ledger(workflow.scale, list(by_name), workflow.studies, lambda name, _: by_name[name], results, folder)

    return write


class Browser:
    """A real browser without a network; `errors` are those of its console since the page was opened."""

    def __init__(self, driver: Any):
        self.driver = driver

    def open(self, page: Path) -> None:
        """Open a page from disk."""
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(page.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def errors(self) -> list[str]:
        """Severe messages of the console."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requested(self) -> list[str]:
        """Addresses that the browser has asked for since the page was opened, the page's own among them."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def set(self, label: str, value: Any, panel: str) -> None:
        """Move the control with a label in a panel, as a user's input does."""
        script = """
          const [panel, label, value] = arguments;
          const all = [...document.querySelectorAll(`#panel-${panel} label`)];
          const found = all.find((l) => l.textContent === label);
          const input = found.control;
          if (input.type === 'checkbox') { if (input.checked !== value) input.click(); return; }
          input.value = value;
          input.dispatchEvent(new Event(input.type === 'range' ? 'input' : 'change', { bubbles: true }));"""
        self.run(script, panel, label, value)

    def table(self, selector: str) -> list[list[str]]:
        """Texts of the cells of a table's body."""
        rows = f"[...document.querySelectorAll('{selector} tbody tr')]"
        return self.run(f"return {rows}.map((row) => [...row.children].map((cell) => cell.textContent))")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, driven by its chromedriver."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--disable-component-update",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=chromedriver))
    driver.set_script_timeout(120)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
