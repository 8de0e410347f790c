"""The origin of every number of a report: `provenance.json`, written beside the page with the page."""

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from bevatron.config.loading.digest import digest_of
from bevatron.config.sections.workflow import Workflow
from bevatron.report.page.ledger import Entry
from bevatron.report.provenance.commands import commands_of
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.report.tables.table import Number
from bevatron.store.files.publish import sha256_of
from bevatron.versions import versions

SCHEMA_VERSION = 1
PAGE, PROVENANCE = "index.html", "provenance.json"


def provenance_of(
    workflow: Workflow,
    read: list[StudyResults],
    ledger: list[Entry],
    numbers: list[Number],
    results: Path,
    written: dict[str, bytes],
) -> dict[str, Any]:
    """The content of provenance.json. It holds no times, hosts or absolute paths: equal results give equal bytes.

    numbers: those of all tables; results: the folder that the report was made from; written: the report's own files by
    their path in its folder. Files are named relative to `results` and to the report's folder. Each number names its
    study, stage and model, under which `studies` has the digests, runs, versions and the command that makes it again.
    """
    tree = {
        "schema_version": SCHEMA_VERSION,
        "scale": workflow.scale,
        "versions": versions(),
        "studies": {r.study.name: _study(workflow, r) for r in read},
        "claims": [_claim(r, entry) for r in read for entry in ledger if entry.study.name == r.study.name],
        "numbers": [_number(number) for number in numbers],
        "files": {
            "report": {name: sha256(content).hexdigest() for name, content in sorted(written.items())},
            "results": {name: digest for r in read for name, digest in _files(r, results).items()},
        },
    }
    return tree | {"sha256": digest_of("provenance", tree)}


def _study(workflow: Workflow, r: StudyResults) -> dict[str, Any]:
    manifest = r.manifest
    return {
        "config_digest": digest_of(r.study),
        "raw_digest": manifest.raw_digest,
        "dataset_digest": manifest.dataset_digest,
        "manifest_sha256": manifest.sha256,
        "simulation_seed": manifest.seed,
        "simulation_versions": manifest.versions,
        "code_versions": manifest.code_versions,
        "observed_with": r.data.versions,
        "models": {name: _model(m) for name, m in r.models.items()},
        "commands": commands_of(workflow, r.study),
    }


def _model(m: ModelResults) -> dict[str, Any]:
    keys = ("seed", "digest", "weights_sha256", "members", "versions", "order", "environments", "reproducible")
    return {
        "title": m.title,
        "runs": [run.model_dump(mode="json", include=set(keys), exclude_defaults=True) for run in m.runs],
        "search_digest": m.search.best.get("digest") if m.search else None,
        "evaluated_with": m.metrics.versions,
    }


def _claim(r: StudyResults, entry: Entry) -> dict[str, Any]:
    """A claim's verdict and the numbers that it compares."""
    numbers = []
    for reference in entry.claim.test.references():
        found = reference.measured(r.measurements)
        named = reference.model_dump(mode="json", exclude_none=True)
        numbers.append(named | {"value": _finite(found.value), "error": _finite(found.error)})
    return {"study": r.study.name, "claim": entry.claim.id, "verdict": entry.decision.verdict, "numbers": numbers}


def _number(number: Number) -> dict[str, Any]:
    origin = {key: value for key, value in asdict(number.origin).items() if value is not None}
    value = _finite(float(number.text))
    return {"table": number.table, "row": number.row, "column": number.column, "value": value, **origin}


def _finite(value: float) -> float | str | None:
    """As JSON can say it: infinities as text, no value as null."""
    if value != value:
        return None
    return str(value) if value in (float("inf"), float("-inf")) else float(f"{value:.10g}")


def _files(r: StudyResults, results: Path) -> dict[str, str]:
    """SHA-256 of every file of the study that the report rests on; of weights, what they were when evaluated."""
    place = results / r.study.name
    wanted = [place / "dataset" / "manifest.json", place / "evaluation" / "data.json"]
    wanted += sorted((place / "raw").glob("*.timing.json"))
    if r.study.evaluation.validate_source:
        wanted.append(place / "evaluation" / "source.json")
    known = {}
    for name, m in r.models.items():
        evaluation, models, search = (place / part / name for part in ("evaluation", "models", "search"))
        wanted += [evaluation / "metrics.json", evaluation / "predictions.h5", models / "runs.json"]
        for run in m.runs:
            folder = models / run.folder
            wanted += [folder / file for file in ("history.csv", "model.json", "run.json")]
            known[folder / "weights.safetensors"] = run.weights_sha256
        if m.search is not None:
            wanted += [search / file for file in ("best.yaml", "trials.csv", "search.json", "search.png")]
    digests = {path: sha256_of(path) for path in wanted if path.is_file()} | known
    return {path.relative_to(results).as_posix(): digest for path, digest in sorted(digests.items())}
