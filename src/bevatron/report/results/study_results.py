"""Everything the earlier stages published for one study, read and checked."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bevatron.config.loading.identity import dataset_digest, validation_digest
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.csv_text import read_rows
from bevatron.errors import UserError
from bevatron.figures import legend_label
from bevatron.json_text import read_json
from bevatron.regular_files import is_file, read_bytes
from bevatron.report.results.convergence import was_improving
from bevatron.report.results.measured import Measured, Measurements
from bevatron.report.results.variations import read_variations, shift_of
from bevatron.report.tables.metric_titles import title_of, title_of_auxiliary
from bevatron.store.files.checksum import check_checksum
from bevatron.store.files.names import fold_manifest
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.best import read_best
from bevatron.store.records.data import DataRecord, read_data
from bevatron.store.records.metrics import EvaluatedRun, MetricsRecord, check_measured_on, read_metrics
from bevatron.store.records.search import read_search
from bevatron.store.shards.manifest import Manifest, load_manifest

Row = dict[str, str]


@dataclass(frozen=True)
class SearchResults:
    """One model's search: best.yaml, the rows of trials.csv, the bytes of search.png if there is one."""

    best: dict[str, Any]
    trials: list[Row]
    plot: bytes | None


@dataclass(frozen=True)
class ModelResults:
    """One model: its section with the search's values, metrics.json, the rows of history.csv by seed, or by fold and
    seed.
    """

    name: str
    model: Model
    metrics: MetricsRecord
    histories: dict[int | tuple[int, int], list[Row]]
    search: SearchResults | None
    bytes: int
    label: str
    """The title as figures show it, which no other model of the study has."""

    @property
    def title(self) -> str:
        """The model's title in the study."""
        return self.model.title

    @property
    def runs(self) -> tuple[EvaluatedRun, ...]:
        """The runs that were evaluated, one for each seed."""
        return self.metrics.runs

    @property
    def curves(self) -> dict[str, Any]:
        """What the figures of the model are drawn from."""
        return self.metrics.curves


@dataclass(frozen=True)
class StudyResults:
    """One study: its section, dataset, simulation, observables, models, and all metrics with their errors."""

    study: Study
    manifest: Manifest
    data: DataRecord
    timings: list[dict[str, Any]]
    raw_bytes: int
    comparisons: list[dict[str, Any]]
    models: dict[str, ModelResults]
    measurements: Measurements
    of_folds: tuple[Manifest, ...] = ()
    """Of a cross-validation, the manifest of each fold."""
    variations: dict[str, dict[str, MetricsRecord]] = field(default_factory=dict)
    """By variation and model, metrics.json of the varied test events."""
    effects: dict[str, Any] | None = None
    """One event with each effect of the detector, of a recipe that shows it."""
    folder: Path = field(default_factory=Path)
    """Where the study's results lie, for what is too large to be read for every page, such as predictions."""

    def metric(self, model: str, name: str) -> Measured | None:
        """A model's metric; None where it was not measured."""
        return self.measurements.models[model].get(name)


def read_study(study: Study, results: Path) -> StudyResults:
    """The study's results under `results`/<study>/.

    Raises UserError, naming the file and the command that makes it, for one that is missing, damaged, or
    made from another dataset than the manifest's.
    """
    folder = results / study.name
    manifest_path = folder / "dataset" / "manifest.json"
    if not is_file(manifest_path):
        raise UserError(manifest_path, "is missing", f"run `bevatron manifest {study.name}`, or the workflow")
    manifest = load_manifest(manifest_path, dataset_digest(study))
    of_folds = _manifests_of_folds(manifest_path, manifest)
    data_path = folder / "evaluation" / "data.json"
    data = read_data(data_path, study.name)
    check_measured_on(data_path, data, manifest.sha256, f"bevatron observables {study.name}")
    models: dict[str, ModelResults] = {}
    metrics: dict[str, dict[str, Measured]] = {}
    files: dict[str | None, Path] = {None: data_path}
    for name, model in study.models.items():
        path = folder / "evaluation" / name / "metrics.json"
        record = read_metrics(path, study.name, name)
        check_measured_on(path, record, manifest.sha256, f"bevatron evaluate {study.name} {name}")
        models[name] = _read_model(folder, name, model, record, label_of(study, name))
        metrics[name] = _metrics(record, model.title, name)
        files[name] = path
    titles = {name: o.title for name, o in study.evaluation.observables.items()}
    variations = read_variations(folder, study, {name: m.metrics for name, m in models.items()})
    varied, shifts = _varied(study, variations, metrics)
    measurements = Measurements(
        metrics,
        _observables(data, titles),
        files,
        varied,
        shifts,
        deterministic=frozenset(name for name, m in models.items() if _is_deterministic(m)),
        improving=frozenset(name for name, m in models.items() if _was_improving(m, study.task.kind)),
        collapsed={name: tuple(m.curves.get("collapsed", ())) for name, m in models.items()},
        titles={name: m.label for name, m in models.items()},
    )
    raw = sorted((folder / "raw").glob("shard-*.h5"))
    timings = [_read_json(path, "bevatron simulate") for path in sorted((folder / "raw").glob("*.timing.json"))]
    comparisons = _comparisons(study, folder)
    effects = _detector_effects(study, folder)
    facts = (study, manifest, data, timings, _size(raw), comparisons, models, measurements)
    return StudyResults(*facts, of_folds, variations, effects, folder)


def _is_deterministic(m: ModelResults) -> bool:
    """Whether every training makes the same network: by the architecture, or as the runs show."""
    weights = [run.weights_sha256 for run in m.runs if run.fold in (None, 0)]
    alike = len(weights) > 1 and len(set(weights)) == 1
    return alike or getattr(ARCHITECTURES[m.model.architecture.kind], "DETERMINISTIC", False)


def _was_improving(m: ModelResults, task: str) -> bool:
    """As the histories say; the loss of a generator measures no progress, and what is solved has made all of it."""
    return task != "generation" and not _is_deterministic(m) and was_improving(list(m.histories.values()))


def _manifests_of_folds(path: Path, whole: Manifest) -> tuple[Manifest, ...]:
    """The manifest of each fold, which that of all folds in `path` lists."""
    manifests = []
    for fold, digest in enumerate(whole.folds.manifests if whole.folds else ()):
        manifests.append(load_manifest(path.parent / fold_manifest(fold), whole.dataset_digest))
        if manifests[-1].sha256 != digest:
            what = f"is not the manifest that {path.name} lists"
            again = f"run `bevatron manifest {whole.study}` again, or the workflow"
            raise UserError(path.parent / fold_manifest(fold), what, again)
    return tuple(manifests)


def label_of(study: Study, name: str) -> str:
    """A model's title; with its name where another model has the same, and its name alone where it has none."""
    title = study.models[name].title
    if not title.strip():
        return name
    twice = sum(m.title == title for m in study.models.values()) > 1
    return legend_label(f"{title} ({name})" if twice else title)


def _comparisons(study: Study, folder: Path) -> list[dict[str, Any]]:
    """The source beside published numbers, where the study asks for it."""
    return _validation(study, folder).get("comparisons", [])


def _detector_effects(study: Study, folder: Path) -> dict[str, Any] | None:
    """What the recipe shows of its detector, where it does and the study asks for it."""
    return _validation(study, folder).get("effects")


def _validation(study: Study, folder: Path) -> dict[str, Any]:
    if not study.evaluation.validate_source:
        return {}
    path, command = folder / "evaluation" / "source.json", f"bevatron validate-source {study.name}"
    payload = _read_json(path, command)
    check_checksum(payload, path, f"run `{command}` again, or the workflow")
    if payload.get("digest") != validation_digest(study):
        raise UserError(
            path, "was made with other settings of the simulation or of the recipe", f"run `{command}` again"
        )
    return payload


def _read_model(folder: Path, name: str, model: Model, metrics: MetricsRecord, label: str) -> ModelResults:
    model_folder = folder / "models" / name
    histories: dict[int | tuple[int, int], list[Row]] = {}
    for run in metrics.runs:
        path = run.path_in(model_folder) / "history.csv"
        command = f"bevatron train {folder.name} {name}"
        histories[run.seed if run.fold is None else (run.fold, run.seed)] = _read_rows(path, command)
        if run.history_sha256 is not None and sha256_of(path) != run.history_sha256:
            what = "is not the one of the runs that were evaluated: it was changed or damaged"
            raise UserError(path, what, f"run `{command}` and then the evaluation again, or the workflow")
    search = None
    if model.search is not None:
        search = _read_search(folder / "search" / name, folder.name, name)
        try:
            model = model.with_values(search.best["values"])
        except (KeyError, TypeError, ValueError) as error:
            where = folder / "search" / name / "best.yaml"
            raise UserError(where, f"does not fit the model: {error}", "run the search again") from None
    weights = [run.path_in(model_folder) / "weights.safetensors" for run in metrics.runs]
    return ModelResults(name, model, metrics, histories, search, _size(weights), label)


def _read_search(folder: Path, study: str, model: str) -> SearchResults:
    path, command = folder / "best.yaml", f"bevatron search {study} {model}"
    best = read_best(path, command)
    plot = folder / "search.png"
    _check_unchanged(folder, study, model)
    trials = _read_rows(folder / "trials.csv", command)
    return SearchResults(best, trials, read_bytes(plot) if is_file(plot) else None)


def _check_unchanged(folder: Path, study: str, model: str) -> None:
    """Raises UserError where the search's table or figure is not the one that its search.json names."""
    if not is_file(folder / "search.json"):
        return
    for name, expected in read_search(folder / "search.json", study, model).files.items():
        if is_file(folder / name) and sha256_of(folder / name) != expected:
            what = "is not the one that the search made: it was changed or damaged"
            raise UserError(folder / name, what, f"run `bevatron search {study} {model}` again")


def _metrics(record: MetricsRecord, title: str, model: str) -> dict[str, Measured]:
    tasks = record.curves.get("auxiliary", {})
    words = {name: title_of_auxiliary if name.partition(".")[0] in tasks else title_of for name in record.metrics}
    return {
        name: Measured.from_record(metric, record.bootstrap[name], f"{title}: {words[name](name)}", model, name)
        for name, metric in record.metrics.items()
    }


def _varied(
    study: Study, variations: dict[str, dict[str, MetricsRecord]], nominal: dict[str, dict[str, Measured]]
) -> tuple[dict[str, dict[str, dict[str, Measured]]], dict[str, dict[str, dict[str, Measured]]]]:
    """By variation and model, the varied metrics and their shifts; of metrics that the nominal test events have too."""
    varied: dict[str, dict[str, dict[str, Measured]]] = {}
    shifts: dict[str, dict[str, dict[str, Measured]]] = {}
    for name, records in variations.items():
        varied[name], shifts[name] = {}, {}
        under = f"under {study.variation_title(name)}"
        for model, record in records.items():
            found = _metrics(record, study.models[model].title, model)
            both = {metric: m for metric, m in found.items() if metric in nominal[model]}
            varied[name][model] = {
                metric: replace(m, label=f"{m.label} {under}", variation=name) for metric, m in both.items()
            }
            shifts[name][model] = {
                metric: shift_of(nominal[model][metric], m, f"shift of {nominal[model][metric].label} {under}")
                for metric, m in varied[name][model].items()
            }
    return varied, shifts


def _observables(data: DataRecord, titles: dict[str, str]) -> dict[str, Measured]:
    observables = {}
    for name, metric in data.metrics.items():
        observable, _, statistic = name.partition(".")
        label = f"{titles.get(observable, observable)}: {title_of(statistic)}"
        observables[name] = Measured.from_record(metric, data.bootstrap[name], label, None)
    return observables


def _read_json(path: Path, command: str) -> dict[str, Any]:
    try:
        payload = read_json(path)
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except ValueError as error:
        raise UserError(path, f"is no JSON: {error}", f"run `{command}` again") from None
    if not isinstance(payload, dict):
        raise UserError(path, "holds no mapping", f"run `{command}` again")
    return payload


def _read_rows(path: Path, command: str) -> list[Row]:
    try:
        return read_rows(path)
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except ValueError as error:
        raise UserError(path, f"is no table: {error}", f"run `{command}` again") from None


def _size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if is_file(path))
