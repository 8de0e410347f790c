"""Small tables with several numbers, a number whose noise varies, and labels; and the stages over them."""

from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow

N = 900
TASKS: dict[str, dict[str, Any]] = {
    "several": {"kind": "regression", "target": "momenta"},
    "gaussian": {"kind": "regression", "target": "energy", "loss": "gaussian_nll", "x": "x"},
    "gaussians": {"kind": "regression", "target": "momenta", "loss": "gaussian_nll"},
    "labels": {"kind": "multi_label", "target": "tags", "thresholds": {"high": 0.4}},
}
SOURCE = {
    "kind": "table",
    "files": ["table.npz"],
    "groups": {"in": {"features": {"x": "x", "y": "y"}, "units": {"x": "GeV"}}},
    "targets": {
        "energy": {"value": "energy"},
        "momenta": {"values": {"px [GeV]": "px", "py": "py"}},
        "tags": {"labels": {"right": "right", "high": "high", "odd, one": "odd"}},
        "side": {"classes": {"left": "x < 0", "not_left": "x >= 0"}},
    },
}


def write_table(path: Path, weighted: bool = False) -> dict[str, np.ndarray]:
    """px is large and far from zero, py small; the noise of energy is 0.1 + |x|; labels depend on x and y."""
    rng = np.random.default_rng(3)
    x, y, z = rng.normal(size=(3, N))
    columns = {
        "x": x,
        "y": y,
        "energy": 50 + 3 * x + (0.1 + np.abs(x)) * z,
        "px": 1000 + 200 * (x + y) + 20 * z,
        "py": 1e-3 * (x - y) + 1e-4 * rng.normal(size=N),
        "right": x + 0.5 * z > 0,
        "high": y + 0.5 * z > 0.8,
        "odd": rng.uniform(size=N) < 0.3,
        "w": rng.uniform(0.2, 2.0, N),
    }
    np.savez(path, **columns)
    return columns


def study_of(kind: str, folder: Path, source: dict[str, Any] | None = None, **training: Any) -> Study:
    """The study of a kind of `TASKS` over the table in `folder`."""
    return Study.model_validate(
        {
            "name": kind,
            "title": f"Study of {kind}",
            "summary": "Numbers and labels.",
            "simulation": {"source": {**SOURCE, "files": [str(folder / "table.npz")], **(source or {})}},
            "dataset": {"recipe": {"kind": "table"}},
            "task": TASKS[kind],
            "n_seeds": 2,
            "models": {
                "net": {
                    "title": "A net",
                    "inputs": ["in"],
                    "architecture": {"kind": "mlp", "widths": [8]},
                    "training": {"epochs": 6, "batch_size": 60, "learning_rate": 1e-2, **training},
                }
            },
            "evaluation": {
                "bootstrap": 40,
                "observables": {"x": {"title": "x", "group": "in", "feature": "x"}},
                "importance": {"samples": 40, "repeats": 2, "steps": 4},
            },
        }
    )


def make_dataset(study: Study, folder: Path) -> Path:
    """The study's dataset in `folder`/results; its manifest's path."""
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.simulate.stage import simulate_shard

    results = folder / "results" / study.name
    simulate_shard(study, 0, results / "raw" / "shard-0000.h5")
    prepare_shard(study, results / "raw" / "shard-0000.h5", results / "dataset")
    write_manifest(study, results / "dataset")
    return results / "dataset" / "manifest.json"


def run_stages(study: Study, folder: Path) -> Path:
    """Dataset, training, evaluation, export and page of the study; the folder of its results."""
    from bevatron.evaluate.observables import measure_observables
    from bevatron.evaluate.stage import evaluate_model
    from bevatron.export.stage import export_model
    from bevatron.report.stage import write_study_page
    from bevatron.train.stage import train_model

    workflow = Workflow(studies=[study.name], accelerator="cpu", runs_dir=str(folder / "runs"))
    manifest = make_dataset(study, folder)
    results = manifest.parents[1]
    runs, metrics = results / "models" / "net" / "runs.json", results / "evaluation" / "net" / "metrics.json"
    train_model(study, workflow, "net", manifest, None, runs.parent)
    measure_observables(study, manifest, results / "evaluation" / "data.json")
    evaluate_model(study, workflow, "net", manifest, runs, metrics.parent)
    export_model(study, workflow, "net", manifest, runs, results / "export", metrics)
    write_study_page(study, "demo", folder / "results", folder / "report" / study.name)
    return results
