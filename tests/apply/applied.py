"""A study over small files of jets, trained and evaluated once, and what was predicted for each entry of its files."""

from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.predictions.stored import StoredPredictions, read_predictions
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare import stage as prepare
from bevatron.prepare.totals import write_totals
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import fold_folder, fold_manifest
from bevatron.train.stage import train_model

LISTS = ["jet", "tracks"]
MODELS = {
    "mlp": {"title": "MLP", "inputs": LISTS, "architecture": {"kind": "mlp", "widths": [32, 16]}},
    "deep_sets": {"title": "Sets", "inputs": LISTS, "normalise": "robust", "architecture": {"kind": "deep_sets"}},
    "transformer": {
        "title": "Transformer", "inputs": LISTS,
        "architecture": {"kind": "transformer", "width": 32, "heads": 2, "blocks": 2, "feedforward": 32},
    },
    "lstm": {"title": "LSTM", "inputs": LISTS, "architecture": {"kind": "lstm", "state": 20}},
    "convolutional": {
        "title": "CNN", "inputs": ["towers"], "architecture": {"kind": "convolutional", "channels": [4, 8]},
    },
}  # fmt: skip
SOURCE = {
    "kind": "table",
    "selection": "(pt > 30) & (abs(eta) < 2.5)",
    "derived": {"abs_eta": "abs(eta)", "truth_mass": "sqrt(truth_m2)"},
    "groups": {
        "jet": {"features": {"pt": "pt", "abs_eta": "abs_eta", "met": "met"}, "units": {"pt": "GeV"}},
        "tracks": {"layout": "list", "features": ["trk_d0", "trk_z0"], "order_by": "-abs(trk_d0)", "max_length": 30},
    },
    "missing": {"jet.met": {"policy": "mean", "values": [-999]}},
    "targets": {"flavour": {"classes": {"light": "flav == 0", "heavy": "flav == 5"}, "others": "drop"},
                "mass": {"value": "truth_mass"}},
    "weight": "w",
    "id": "event_number",
    "observers": {"pt": "pt", "true_flavour": "flav"},
}  # fmt: skip


def jets(n: int, seed: int, truth: bool = True, longest: int = 25) -> dict:
    """Columns of n jets. Some fail the selection, some have no tracks, a few are of no class."""
    draw = np.random.default_rng(seed)
    flavour = draw.choice([0, 5, 4], n, p=[0.48, 0.48, 0.04])
    lengths = np.minimum(draw.poisson(9, n), longest)
    met = np.where(draw.random(n) < 0.2, -999.0, draw.exponential(30, n)).astype("f4")
    columns = {
        "pt": (draw.exponential(40, n) + 10 + 5 * (flavour == 5)).astype("f4"),
        "eta": draw.normal(0, 1.5, n).astype("f4"),
        "met": met,
        "event_number": np.arange(n, dtype=np.int64) + 1_000_000 * seed,
        "trk_d0": ak.unflatten(draw.normal(0, 1 + np.repeat(flavour, lengths)).astype("f4"), lengths),
        "trk_z0": ak.unflatten(draw.normal(0, 2, lengths.sum()).astype("f4"), lengths),
    }
    if truth:
        columns |= {"flav": flavour, "truth_m2": draw.uniform(1, 4, n), "w": draw.uniform(0.5, 2, n)}
    return columns


def write_root(path: Path, columns: dict, tree: str = "jets") -> Path:
    with uproot.recreate(path) as file:
        file[tree] = columns
    return path


@dataclass(frozen=True)
class Made:
    """A study's files, its folder of results, and its models' folders."""

    study: Study
    files: list[Path]
    results: Path

    def model(self, name: str) -> Path:
        return self.results / "models" / name

    @property
    def manifest(self) -> Path:
        return self.results / "dataset" / "manifest.json"

    def predictions(self, name: str) -> StoredPredictions:
        return read_predictions(self.results / "evaluation" / name / "predictions.h5", self.study.name, name)


def make(place: Path, source: dict, models: dict, files: list[Path], **parts: object) -> Made:
    """Everything up to the predictions, with two seeds of one epoch each."""
    made = make_dataset(place, source, models, files, **parts)
    make_models(made.study, made.manifest, made.results)
    return made


def make_dataset(place: Path, source: dict, models: dict, files: list[Path], **parts: object) -> Made:
    """The study and its dataset; no model is trained."""
    tree = {
        "name": "applied", "title": "Applied", "summary": "Jets", "n_seeds": 2,
        "simulation": {"source": {**source, "files": [str(path) for path in files]}},
        "dataset": {"recipe": {"kind": "table"}, "split": {"train": 0.4, "val": 0.1, "test": 0.5}},
        "task": {"kind": "classification", "target": "flavour", "classes": ["light", "heavy"], "signal": "heavy"},
        "models": {name: {"training": {"epochs": 1, "batch_size": 500}, **model} for name, model in models.items()},
        "evaluation": {"bootstrap": 20}, **parts,
    }  # fmt: skip
    made = Made(Study.model_validate(tree), files, place / "results" / "applied")
    needs_totals = any(missing["policy"] == "mean" for missing in source.get("missing", {}).values())
    totals = made.results / "totals.json" if needs_totals else None
    for shard in range(made.study.simulation.shards):
        simulate_shard(made.study, shard, made.results / "raw" / f"shard-{shard:04d}.h5")
    if totals:
        write_totals(made.study, made.results / "raw", totals)
    for shard in range(made.study.simulation.shards):
        prepare.prepare_shard(made.study, made.results / "raw" / f"shard-{shard:04d}.h5", made.manifest.parent, totals)
    prepare.write_manifest(made.study, made.manifest.parent)
    return made


def make_folds(place: Path, source: dict, models: dict, files: list[Path], k: int = 3) -> Made:
    """Everything up to the predictions of a cross-validation in k folds."""
    made = make_dataset(place, source, models, files, dataset={"recipe": {"kind": "table"}, "folds": k})
    workflow = Workflow(studies=["applied"], runs_dir=str(made.results.parent / "runs"), accelerator="cpu")
    for name in models:
        runs = [made.model(name) / fold_folder(fold) / "runs.json" for fold in range(k)]
        for fold, path in enumerate(runs):
            train_model(made.study, workflow, name, made.manifest.parent / fold_manifest(fold), None, path.parent)
        evaluate_model(made.study, workflow, name, made.manifest, runs, made.results / "evaluation" / name)
    return made


def make_models(study: Study, manifest: Path, results: Path) -> Path:
    """Trains and evaluates all models of a study in the folder `results`, which it gives back."""
    workflow = Workflow(studies=[study.name], runs_dir=str(results.parent / "runs"), accelerator="cpu")
    for name in study.models:
        folder = results / "models" / name
        train_model(study, workflow, name, manifest, None, folder)
        evaluate_model(study, workflow, name, manifest, folder / "runs.json", results / "evaluation" / name)
    return results


def ids(columns: dict) -> np.ndarray:
    """As the dataset numbers samples: the file's number and the entry."""
    file = columns.get("file", np.zeros(len(columns["entry"]), np.int32))
    return (file.astype(np.uint64) << np.uint64(40)) | columns["entry"].astype(np.uint64)


def assert_same(predictions, columns: dict, seed: int, file: int | None = None) -> int:
    """Compares the logits of all test samples in the columns; how many there were."""
    found = ids(columns) if file is None else ids(columns) | (np.uint64(file) << np.uint64(40))
    logits = np.column_stack([columns[f"logit_{name}"] for name in predictions.classes])
    here = np.isin(predictions.id, found)
    rows = np.searchsorted(found, predictions.id[here])
    np.testing.assert_array_equal(logits[rows], predictions.outputs[seed][here])
    expected = predictions.probabilities()[seed][here].astype(np.float32)
    np.testing.assert_array_equal(
        np.column_stack([columns[f"p_{name}"] for name in predictions.classes])[rows], expected
    )
    return int(here.sum())
