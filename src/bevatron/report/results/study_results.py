"""Everything the earlier stages published for one study, read and checked."""

import csv
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import yaml

from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.figures import legend_label
from bevatron.json_text import read_json
from bevatron.regular_files import open_regular, read_bytes, read_text
from bevatron.report.results.measured import Measured, Measurements
from bevatron.report.tables.metric_titles import title_of
from bevatron.store.files.checksum import check_checksum
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.training.run_records import EvaluatedRun, check_runs

SCHEMA_VERSION = 1
SEARCH_FILES = ("trials.csv", "search.png")
Row = dict[str, str]


@dataclass(frozen=True)
class SearchResults:
    """One model's search: best.yaml, the rows of trials.csv, the bytes of search.png if there is one."""

    best: dict[str, Any]
    trials: list[Row]
    plot: bytes | None


@dataclass(frozen=True)
class ModelResults:
    """One model: its section with the search's values, metrics.json, the rows of history.csv by seed."""

    name: str
    model: Model
    tree: dict[str, Any]
    histories: dict[int, list[Row]]
    search: SearchResults | None
    bytes: int
    label: str
    """The title as figures show it, which no other model of the study has."""

    @property
    def title(self) -> str:
        return self.model.title

    @property
    def runs(self) -> list[dict[str, Any]]:
        return self.tree["runs"]

    @property
    def curves(self) -> dict[str, Any]:
        return self.tree["curves"]


@dataclass(frozen=True)
class StudyResults:
    """One study: its section, dataset, simulation, observables, models, and all metrics with their errors."""

    study: Study
    manifest: Manifest
    data: dict[str, Any]
    timings: list[dict[str, Any]]
    raw_bytes: int
    comparisons: list[dict[str, Any]]
    models: dict[str, ModelResults]
    measurements: Measurements

    def metric(self, model: str, name: str) -> Measured | None:
        return self.measurements.models[model].get(name)


def read_study(study: Study, results: Path) -> StudyResults:
    """The study's results under `results`/<study>/.

    Raises UserError, naming the file and the command that makes it, for one that is missing, damaged, or
    made from another dataset than the manifest's.
    """
    folder = results / study.name
    manifest_path = folder / "dataset" / "manifest.json"
    if not manifest_path.is_file():
        raise UserError(manifest_path, "is missing", f"run `bevatron manifest {study.name}`, or the workflow")
    manifest = load_manifest(manifest_path, dataset_digest(study))
    data_path = folder / "evaluation" / "data.json"
    data = _measured_on(manifest, data_path, f"bevatron observables {study.name}")
    models, metrics, files = {}, {}, {None: data_path}
    for name, model in study.models.items():
        path = folder / "evaluation" / name / "metrics.json"
        tree = _measured_on(manifest, path, f"bevatron evaluate {study.name} {name}")
        models[name] = _model(folder, name, model, tree, label_of(study, name))
        metrics[name] = _metrics(tree, model.title, name)
        files[name] = path
    titles = {name: o.title for name, o in study.evaluation.observables.items()}
    measurements = Measurements(metrics, _observables(data, titles), files)
    raw = sorted((folder / "raw").glob("shard-*.h5"))
    timings = [_json(path, "bevatron simulate") for path in sorted((folder / "raw").glob("*.timing.json"))]
    return StudyResults(study, manifest, data, timings, _size(raw), _comparisons(study, folder), models, measurements)


def label_of(study: Study, name: str) -> str:
    """A model's title; with its name where another model has the same, and its name alone where it has none."""
    title = study.models[name].title
    if not title.strip():
        return name
    twice = sum(m.title == title for m in study.models.values()) > 1
    return legend_label(f"{title} ({name})" if twice else title)


def _comparisons(study: Study, folder: Path) -> list[dict[str, Any]]:
    """The source beside published numbers, where the study asks for it."""
    if not study.evaluation.validate_source:
        return []
    path, command = folder / "evaluation" / "source.json", f"bevatron validate-source {study.name}"
    tree = _json(path, command)
    check_checksum(tree, path, f"run `{command}` again, or the workflow")
    if tree.get("raw_digest") != raw_digest(study):
        raise UserError(path, "was made with other settings of the simulation", f"run `{command}` again")
    return tree["comparisons"]


def _measured_on(manifest: Manifest, path: Path, command: str) -> dict[str, Any]:
    tree = _json(path, command)
    if tree.get("schema_version") != SCHEMA_VERSION:
        found = tree.get("schema_version")
        raise UserError(path, f"is of version {found}; this Bevatron reads {SCHEMA_VERSION}", f"run `{command}`")
    check_checksum(tree, path, f"run `{command}` again, or the workflow")
    if tree.get("manifest_sha256") != manifest.sha256:
        what = f"was measured on another dataset, {str(tree.get('manifest_sha256'))[:12]}…"
        raise UserError(path, f"{what} (now {manifest.sha256[:12]}…)", f"run `{command}` again, or the workflow")
    return tree


def _model(folder: Path, name: str, model: Model, tree: dict[str, Any], label: str) -> ModelResults:
    place = folder / "models" / name
    histories = {}
    tree["runs"] = _runs(tree, folder / "evaluation" / name / "metrics.json", f"bevatron evaluate {folder.name} {name}")
    for run in tree["runs"]:
        path = place / run["folder"] / "history.csv"
        command = f"bevatron train {folder.name} {name}"
        histories[run["seed"]] = _rows(path, command)
        if "history_sha256" in run and sha256_of(path) != run["history_sha256"]:
            what = "is not the one of the runs that were evaluated: it was changed or damaged"
            raise UserError(path, what, f"run `{command}` and then the evaluation again, or the workflow")
    search = None
    if model.search is not None:
        search = _search(folder / "search" / name, f"bevatron search {folder.name} {name}")
        try:
            model = model.with_values(search.best["values"])
        except (KeyError, TypeError, ValueError) as error:
            where = folder / "search" / name / "best.yaml"
            raise UserError(where, f"does not fit the model: {error}", "run the search again") from None
    weights = [place / run["folder"] / "weights.safetensors" for run in tree["runs"]]
    return ModelResults(name, model, tree, histories, search, _size(weights), label)


def _runs(tree: dict[str, Any], path: Path, command: str) -> list[dict[str, Any]]:
    """The runs that were evaluated; the report reads files in their folders."""
    try:
        return check_runs(EvaluatedRun, tree["runs"])
    except (KeyError, ValueError) as error:
        raise UserError(path, f"holds no list of runs: {error}", f"run `{command}` again") from None


def _search(place: Path, command: str) -> SearchResults:
    path = place / "best.yaml"
    try:
        best = parse_yaml(read_text(path))
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(path, f"cannot be read: {str(error).splitlines()[0]}", f"run `{command}` again") from None
    check_checksum(best, path, f"run `{command}` again")
    plot = place / "search.png"
    _check_unchanged(place, command)
    trials = _rows(place / "trials.csv", command)
    return SearchResults(best, trials, read_bytes(plot) if plot.is_file() else None)


def _check_unchanged(place: Path, command: str) -> None:
    """Raises UserError where the search's table or figure is not the one that its search.json tells of."""
    if not (place / "search.json").is_file():
        return
    tree = _json(place / "search.json", command)
    check_checksum(tree, place / "search.json", f"run `{command}` again")
    for name, expected in tree.get("files", {}).items():
        if name not in SEARCH_FILES:
            raise UserError(
                place / "search.json", f"names a file '{name}' that no search makes", f"run `{command}` again"
            )
        if (place / name).is_file() and sha256_of(place / name) != expected:
            what = "is not the one that the search made: it was changed or damaged"
            raise UserError(place / name, what, f"run `{command}` again")


def _metrics(tree: dict[str, Any], title: str, model: str) -> dict[str, Measured]:
    replicas = tree["bootstrap"]
    return {
        name: Measured.from_json(metric, replicas[name], f"{title}: {title_of(name)}", model)
        for name, metric in tree["metrics"].items()
    }


def _observables(data: dict[str, Any], titles: dict[str, str]) -> dict[str, Measured]:
    found = {}
    for name, metric in data["metrics"].items():
        observable, _, rest = name.partition(".")
        label = f"{titles.get(observable, observable)}: {title_of(rest)}"
        found[name] = Measured.from_json(metric, data["bootstrap"][name], label, None)
    return found


def _json(path: Path, command: str) -> dict[str, Any]:
    try:
        tree = read_json(path)
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except (OSError, ValueError) as error:
        raise UserError(path, f"cannot be read: {error}", f"run `{command}` again") from None
    if not isinstance(tree, dict):
        raise UserError(path, "holds no mapping", f"run `{command}` again")
    return tree


def _rows(path: Path, command: str) -> list[Row]:
    try:
        with TextIOWrapper(open_regular(path), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise UserError(path, f"cannot be read: {error}", f"run `{command}` again") from None


def _size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())
