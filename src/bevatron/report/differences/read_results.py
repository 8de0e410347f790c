"""A study's results as one side of a comparison: where there is no report, or where the report does not say enough."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from bevatron.regular_files import is_file
from bevatron.report.differences.read_parts import is_study_name, parse, read_mapping
from bevatron.report.differences.recorded import (
    ModelPart,
    RecordedPart,
    RunPart,
    StudyContent,
    StudyPart,
    Texts,
)
from bevatron.report.provenance.table_metrics import MetricKey, MetricValue
from bevatron.store.records.record import Finite


class MetricPart(RecordedPart):
    """A metric of metrics.json or data.json."""

    value: Finite | None = None
    error: Finite | None = None
    per_seed: tuple[Finite | None, ...] = ()


class MeasuredPart(RecordedPart):
    """metrics.json and data.json."""

    title: str = ""
    manifest_sha256: str | None = None
    versions: Texts = Field(default={})
    metrics: dict[str, MetricPart] = Field(default={})
    runs: tuple[RunPart, ...] = ()


class ManifestPart(RecordedPart):
    """manifest.json."""

    sha256: str | None = None
    seed: int | None = None
    raw_digest: str | None = None
    dataset_digest: str | None = None
    versions: Texts = Field(default={})
    code_versions: dict[str, int | str] | None = None


class RunsPart(RecordedPart):
    """runs.json."""

    manifest_sha256: str | None = None
    settings: dict[str, Any] | None = None


def find_studies(results: Path) -> list[Path]:
    """Folders of the studies that were evaluated, by name."""
    files = [*results.glob("*/evaluation/data.json"), *results.glob("*/evaluation/*/metrics.json")]
    folders = {results / file.relative_to(results).parts[0] for file in files}
    return sorted(folder for folder in folders if is_study_name(folder.name))


def read_results(folder: Path) -> StudyContent:
    """A study without a page, from what its stages published. Its verdicts are unknown: the report decides them."""
    metrics: dict[MetricKey, MetricValue] = {}
    models: dict[str, ModelPart] = {}
    manifest, data = ManifestPart(), MeasuredPart()
    if is_file(path := folder / "dataset" / "manifest.json"):
        manifest = parse(path, ManifestPart, read_mapping(path, _no_check))
    if is_file(path := folder / "evaluation" / "data.json"):
        data = parse(path, MeasuredPart, read_mapping(path))
        metrics |= _metrics_of(folder.name, "", data)
    for path in sorted(folder.glob("evaluation/*/metrics.json")):
        model = path.parent.name
        measured = parse(path, MeasuredPart, read_mapping(path))
        metrics |= _metrics_of(folder.name, model, measured)
        models[model] = ModelPart(
            title=measured.title,
            runs=measured.runs,
            evaluated_with=measured.versions,
            settings=_settings_of(folder, model, measured.manifest_sha256),
        )
    part = StudyPart(
        raw_digest=manifest.raw_digest,
        dataset_digest=manifest.dataset_digest,
        manifest_sha256=manifest.sha256,
        simulation_seed=manifest.seed,
        simulation_versions=manifest.versions,
        code_versions=manifest.code_versions,
        observed_with=data.versions,
        models=models,
    )
    return StudyContent(folder.name, part, None, metrics or None, unknown=("verdicts (there is no report)",))


def complete_study(study: StudyContent, folder: Path) -> StudyContent:
    """A study of a report with what its page does not say and its results do: the settings of the models.

    Only trainings on the page's own dataset are taken: results may have changed since the report.
    """
    models = {
        name: model
        if model.settings is not None
        else model.model_copy(update={"settings": _settings_of(folder, name, study.part.manifest_sha256)})
        for name, model in study.part.models.items()
    }
    if study.metrics is None and is_file(folder / "evaluation" / "data.json"):
        found = read_results(folder)
        unknown = [what for what in study.unknown if not what.startswith("metrics")]
        known = {"scale": study.part.scale, "config_digest": study.part.config_digest}
        part = found.part.model_copy(update=known)
        return replace(study, part=part, metrics=found.metrics, unknown=tuple(unknown))
    return replace(study, part=study.part.model_copy(update={"models": models}))


def _settings_of(folder: Path, model: str, manifest_sha256: str | None) -> dict[str, Any] | None:
    for path in (folder / "models" / model / "runs.json", folder / "models" / model / "fold-0" / "runs.json"):
        if is_file(path):
            runs = parse(path, RunsPart, read_mapping(path))
            of_fold = path.parent.name != model
            return runs.settings if of_fold or runs.manifest_sha256 == manifest_sha256 else None
    return None


def _metrics_of(study: str, model: str, measured: MeasuredPart) -> dict[MetricKey, MetricValue]:
    return {
        MetricKey(study, model, name): MetricValue(
            _as_reported(metric.value),
            math.nan if metric.error is None else _as_reported(metric.error),
            tuple(_as_reported(value) for value in metric.per_seed if value is not None),
        )
        for name, metric in measured.metrics.items()
        if metric.value is not None
    }


def _as_reported(value: float) -> float:
    """With the digits that a report has, so that a report and results can be compared."""
    return float(f"{value:.10g}")


def _no_check(payload: dict[str, Any], path: Path, todo: str) -> None:
    """A manifest's own digest is made otherwise; `bevatron verify` checks it."""
