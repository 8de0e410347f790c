"""The tiny workflow that is disturbed: two studies over every stage, and the commands that make them.

`curve` is a regression in three shards with a searched model; `tagging` are some Pythia jets with lists of tracks. Fits
last a second or two and save their state ten times a second, so that kills find them at work. The search runs one trial
at a time, which makes it repeatable.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = {"studies": ["curve", "tagging"], "accelerator": "cpu", "ray": {"cpus": 1, "gpus": 0}}
FIT = {"batch_size": 40, "learning_rate": 0.01, "validate_every": 4, "checkpoint_seconds": 0.1}
CURVE = {
    "name": "curve",
    "title": "A parabola",
    "summary": "y = x² with noise.",
    "simulation": {"source": {"kind": "function", "train": 400, "val": 100, "test": 150}, "shards": 3},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "n_seeds": 2,
    "models": {
        "net": {
            "title": "one hidden layer",
            "inputs": ["x"],
            "architecture": {"kind": "mlp", "widths": [16], "dropout": 0.1},
            "training": {"epochs": 60, **FIT},
        },
        "searched": {
            "title": "searched",
            "inputs": ["x"],
            "architecture": {"kind": "mlp", "widths": [16]},
            "training": {"epochs": 20, **FIT},
            "search": {
                "space": {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}},
                "trials": 4,
                "epochs": 60,
                "grace_period": 12,
                "reduction_factor": 2,
            },
        },
    },
    "claims": [
        {
            "id": "does_not_fit",
            "statement": "Sixty epochs do not fit.",
            "source": "this benchmark",
            "test": {"kind": "above", "metric": {"model": "net", "metric": "relative_deviation"}, "threshold": 0.01},
        }
    ],
}
TAGGING = {
    "name": "tagging",
    "title": "Tiny jets",
    "summary": "Flavours of a few jets.",
    "simulation": {"source": {"kind": "jets", "events": 60, "multiple_interactions": False}, "shards": 2},
    "dataset": {"recipe": {"kind": "jets", "resampling": None}, "split": {"train": 0.5, "val": 0.2, "test": 0.3}},
    "task": {
        "kind": "classification",
        "target": "flavour",
        "classes": ["light", "charm", "beauty"],
        "signal": "beauty",
    },
    "n_seeds": 1,
    "models": {
        "tracks": {
            "title": "tracks",
            "inputs": ["jet", "tracks"],
            "normalise": "robust",
            "architecture": {"kind": "mlp", "widths": [32], "dropout": 0.1},
            "training": {"epochs": 120, **FIT},
        }
    },
    "evaluation": {
        "bootstrap": 50,
        "observables": {
            "n_tracks": {"title": "tracks", "group": "leading", "feature": "n_tracks", "range": [0.0, 20.0]}
        },
    },
}
STUDIES = {"curve": CURVE, "tagging": TAGGING}


@dataclass(frozen=True)
class Job:
    """One job of the workflow: its stage's command, and the patterns of the files that it publishes."""

    stage: str
    name: str
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]

    def published(self, root: Path) -> list[Path]:
        """The job's outputs that are there, relative to `root`."""
        found = {path.relative_to(root) for pattern in self.outputs for path in root.glob(pattern) if path.is_file()}
        return sorted(found)


def jobs() -> list[Job]:
    """All jobs of the workflow, in an order in which they can run."""
    found: list[Job] = []
    for study, tree in STUDIES.items():
        found += _dataset_jobs(study, tree["simulation"]["shards"])
        for model, section in tree["models"].items():
            found += _model_jobs(study, model, "search" in section)
    found += [_page_job(study) for study in STUDIES]
    report = ("report", *(word for study in STUDIES for word in ("--study", study)), "--output", "results/report")
    ledger = ("results/report/index.html", "results/report/provenance.json", "results/report/tables/*")
    return [*found, Job("report", "report", report, ledger)]


def _page_job(study: str) -> Job:
    place = f"results/report/{study}"
    return Job("report_study", f"report {study}", ("report-study", study, "--output", place), (f"{place}/**/*",))


def _dataset_jobs(study: str, shards: int) -> list[Job]:
    place, found = f"results/{study}", []
    for number in range(shards):
        raw = f"{place}/raw/shard-{number:04d}"
        found.append(
            Job(
                "simulate",
                f"simulate {study} {number}",
                ("simulate", study, "--shard", str(number), "--output", f"{raw}.h5"),
                (f"{raw}.*",),
            )
        )
        found.append(
            Job(
                "prepare",
                f"prepare {study} {number}",
                ("prepare", study, "--raw", f"{raw}.h5", "--output", f"{place}/dataset"),
                (f"{place}/dataset/*-{number:04d}.h5",),
            )
        )
    manifest, data = f"{place}/dataset/manifest.json", f"{place}/evaluation/data.json"
    check = ("manifest", study, "--dataset", f"{place}/dataset")
    found.append(Job("manifest", f"manifest {study}", check, (manifest,)))
    look = ("observables", study, "--manifest", manifest, "--output", data)
    return [*found, Job("observables", f"observables {study}", look, (data,))]


def _model_jobs(study: str, model: str, searched: bool) -> list[Job]:
    place = f"results/{study}"
    search, fitted, measured = (f"{place}/{stage}/{model}" for stage in ("search", "models", "evaluation"))
    common = (study, model, "--manifest", f"{place}/dataset/manifest.json")
    train = ("train", *common, *(("--best", f"{search}/best.yaml") if searched else ()), "--output", fitted)
    evaluate = ("evaluate", *common, "--runs", f"{fitted}/runs.json", "--output", measured)
    name = f"{study} {model}"
    found = [Job("search", f"search {name}", ("search", *common, "--output", search), (f"{search}/*",))] * searched
    return [
        *found,
        Job("train", f"train {name}", train, (f"{fitted}/**/*",)),
        Job("evaluate", f"evaluate {name}", evaluate, (f"{measured}/*",)),
    ]


def write_checkout(root: Path) -> None:
    """What a user has before anything has run: the workflow's files, and the configuration of the tiny studies."""
    for part in ("Snakefile", "workflow", "profiles", "config"):
        source = CHECKOUT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
    shutil.rmtree(root / "config" / "studies")
    (root / "config" / "studies").mkdir()
    (root / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    for name, tree in STUDIES.items():
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
        (root / "config" / "studies" / f"{name}.yaml").write_text(text, encoding="utf-8")
