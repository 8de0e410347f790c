"""A study of three folds, made by the stages themselves from tables that are written here."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.prepare.totals import write_totals
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import fold_manifest, raw_shard
from bevatron.train.stage import train_model


def _model(kind: str, **options: object) -> dict:
    training = {"epochs": 1, "batch_size": 100, "learning_rate": 0.01}
    return {"title": kind, "inputs": ["jet"], "architecture": {"kind": kind, **options}, "training": training}


FOLDED = {
    "name": "folded",
    "title": "Folds",
    "summary": "Two classes of a table, three folds.",
    "simulation": {
        "source": {
            "kind": "table",
            "files": ["*.csv"],
            "id": ["event"],
            "weight": "w",
            "groups": {"jet": {"features": ["pt", "mass"]}},
            "targets": {"label": {"classes": {"background": "label == 0", "signal": "label == 1"}}},
        }
    },
    "dataset": {"recipe": {"kind": "table"}, "folds": 3},
    "task": {"kind": "classification", "target": "label", "classes": ["background", "signal"], "signal": "signal"},
    "n_seeds": 2,
    "models": {
        "net": _model("mlp", widths=[4]),
        "fisher": _model("fisher"),
        "committee": _model("committee", members=["net", "fisher"]),
    },
    "evaluation": {"bootstrap": 20},
}


@dataclass(frozen=True)
class Folded:
    """A study of three folds with its dataset; rows: the table that it was made of, in the order of its files."""

    study: Study
    folder: Path
    rows: dict[str, np.ndarray]

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    def runs(self, model: str) -> list[Path]:
        """runs.json of the model on each fold, of which it is trained where it is not yet."""
        workflow = Workflow(studies=["folded"], accelerator="cpu", runs_dir=str(self.folder / "runs"))
        paths = []
        for fold in range(self.study.dataset.folds):
            output = self.folder / "models" / model / f"fold-{fold}"
            if not (output / "runs.json").exists():
                members = {m: self.runs(m)[fold] for m in self.study.models[model].members}
                manifest = self.dataset / fold_manifest(fold)
                train_model(self.study, workflow, model, manifest, None, output, members=members)
            paths.append(output / "runs.json")
        return paths


def write_table(folder: Path, n_files: int = 1) -> dict[str, np.ndarray]:
    """600 rows of 300 events, whose weights differ, in so many files; the columns by name."""
    rng, n = np.random.default_rng(11), 600
    label = rng.integers(0, 2, n)
    rows = {
        "pt": (20 + rng.exponential(20, n) + 15 * label).round(3),
        "mass": rng.normal(label, 1).round(3),
        "w": rng.uniform(0.5, 2.0, n).round(2),
        "label": label,
        "event": np.arange(n) // 2 + 1000,
        "coin": np.repeat(rng.integers(0, 2, n // 2), 2),  # of an event, independent of all else
    }
    for k, part in enumerate(np.array_split(np.arange(n), n_files)):
        folder.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).iloc[part].to_csv(folder / f"{k}.csv", index=False)
    return rows


def make_folded(
    folder: Path,
    n_files: int = 1,
    source: dict | None = None,
    task: dict | None = None,
    model: dict | None = None,
    **dataset: object,
) -> Folded:
    """600 rows of 300 events, whose weights differ, in so many files.

    source, task: other ones of the study; model: other keys of its only model, "net".
    """
    rows = write_table(folder, n_files)
    source = {**(source or FOLDED["simulation"]["source"]), "files": [str(folder / "*.csv")], "shard_mb": 0.005}
    settings = {**FOLDED, "simulation": {"source": source}, "dataset": {**FOLDED["dataset"], **dataset}}
    settings["task"] = task or FOLDED["task"]
    if task or model:
        settings["models"] = {"net": FOLDED["models"]["net"] | (model or {})}
    made = Folded(Study.model_validate(settings), folder, rows)
    raw = [folder / "raw" / raw_shard(number) for number in range(made.study.simulation.shards)]
    for number, path in enumerate(raw):
        simulate_shard(made.study, number, path)
    totals = folder / "totals.json" if made.study.dataset.balance else None
    if totals:
        write_totals(made.study, folder / "raw", totals)
    for path in raw:
        prepare_shard(made.study, path, made.dataset, totals)
    write_manifest(made.study, made.dataset)
    return made
