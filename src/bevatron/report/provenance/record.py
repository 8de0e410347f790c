"""The origin of every number of a page: `provenance.json`, written beside the page with the page."""

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path, PureWindowsPath
from typing import Any

from bevatron.config.loading.digest import digest_of
from bevatron.report.claims.reference import TestOptions
from bevatron.report.ledger.decided import Entry
from bevatron.report.provenance.commands import commands_of
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.report.tables.table import Number
from bevatron.store.files.names import fold_manifest
from bevatron.store.files.publish import sha256_of
from bevatron.versions import versions

SCHEMA_VERSION = 1
PAGE, PROVENANCE = "index.html", "provenance.json"


def study_provenance(
    scale: str,
    r: StudyResults,
    entries: list[Entry],
    numbers: list[Number],
    results: Path,
    page_files: dict[str, bytes],
) -> dict[str, Any]:
    """The content of a study's provenance.json. It holds no times, hosts or absolute paths: equal results give equal
    bytes.

    numbers: those of all tables; results: the folder that the page was made from; page_files: the page's own files by
    their path in its folder. Files are named relative to `results` and to the page's folder. Each number names its
    study, stage and model, under which `studies` has the digests, runs, versions and the command that makes it again.
    """
    return _with_checksum(
        scale,
        studies={r.study.name: _study(scale, r)},
        claims=[_claim(r, entry) for entry in entries],
        numbers=[_number(number) for number in numbers],
        files={"report": _digests(page_files), "results": _files(r, results)},
    )


def ledger_provenance(
    scale: str, pages: dict[str, str], numbers: list[Number], ledger_files: dict[str, bytes]
) -> dict[str, Any]:
    """The content of the ledger's provenance.json: its own numbers and files, and of each study whose verdicts it has
    the SHA-256 of the study's provenance.json, which says the rest.
    """
    return _with_checksum(
        scale,
        studies={},
        claims=[],
        numbers=[_number(number) for number in numbers],
        files={"report": _digests(ledger_files), "results": {}},
        pages=pages,
    )


def _with_checksum(scale: str, **content: Any) -> dict[str, Any]:
    payload = {"schema_version": SCHEMA_VERSION, "scale": scale, "versions": versions(), **content}
    return payload | {"sha256": digest_of("provenance", payload)}


def _digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: sha256(content).hexdigest() for name, content in sorted(files.items())}


def _study(scale: str, r: StudyResults) -> dict[str, Any]:
    manifest = r.manifest
    return {
        "scale": scale,
        "config_digest": digest_of(r.study),
        "settings": _settings(r),
        "raw_digest": manifest.raw_digest,
        "dataset_digest": manifest.dataset_digest,
        "manifest_sha256": manifest.sha256,
        "simulation_seed": manifest.seed,
        "simulation_versions": manifest.versions,
        "code_versions": manifest.code_versions,
        "observed_with": r.data.versions,
        **({"fold_manifests": [manifest.sha256 for manifest in r.of_folds]} if r.of_folds else {}),
        "models": {name: _model(m, name in r.measurements.deterministic) for name, m in r.models.items()},
        "commands": commands_of(scale, r.study, r.manifest.n_raw_shards),
    }


def _settings(r: StudyResults) -> dict[str, Any]:
    """The study's settings without those of its models, but for their searches."""
    settings = r.study.model_dump(mode="json", exclude={"models"})
    searches = {n: {"search": m.search.model_dump(mode="json")} for n, m in r.study.models.items() if m.search}
    return without_folders(settings | {"models": searches} if searches else settings)


def without_folders(value: Any) -> Any:
    """Settings in which an absolute path has become the file's name: another machine has the file elsewhere."""
    if isinstance(value, dict):
        return {key: without_folders(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_folders(part) for part in value]
    is_path = isinstance(value, str) and (value.startswith(("/", "~")) or PureWindowsPath(value).is_absolute())
    return f".../{PureWindowsPath(value).name}" if is_path else value


def _model(m: ModelResults, deterministic: bool) -> dict[str, Any]:
    keys = ("seed", "fold", "digest", "weights_sha256", "members", "versions", "order", "environments", "reproducible")
    return {
        "title": m.title,
        "settings": without_folders(m.model.model_dump(mode="json", exclude={"search"})),  # a search's values put in
        **({"deterministic": True} if deterministic else {}),
        "runs": [run.model_dump(mode="json", include=set(keys), exclude_defaults=True) for run in m.runs],
        "search_digest": m.search.best.get("digest") if m.search else None,
        "evaluated_with": m.metrics.versions,
    }


def _claim(r: StudyResults, entry: Entry) -> dict[str, Any]:
    """A claim's verdict and the numbers that it compares."""
    options = entry.claim.test
    assert isinstance(options, TestOptions)  # as those of every claim test
    numbers = []
    for reference in options.references():
        measured = reference.find_measured(r.measurements)
        name = reference.model_dump(mode="json", exclude_defaults=True)
        numbers.append(name | {"value": _finite(measured.value), "error": _finite(measured.error)})
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
    """SHA-256 of every file of the study that the page rests on; of weights, what they were when evaluated."""
    folder = results / r.study.name
    paths = [folder / "dataset" / "manifest.json", folder / "evaluation" / "data.json"]
    paths += [folder / "dataset" / fold_manifest(fold) for fold in range(len(r.of_folds))]
    paths += sorted((folder / "raw").glob("*.timing.json"))
    if r.study.evaluation.validate_source:
        paths.append(folder / "evaluation" / "source.json")
    weights = {}
    for name, m in r.models.items():
        evaluation, models, search = (folder / part / name for part in ("evaluation", "models", "search"))
        paths += [evaluation / "metrics.json", evaluation / "predictions.h5"]
        paths += sorted({run.path_in(models).parent / "runs.json" for run in m.runs})
        for run in m.runs:
            run_folder = run.path_in(models)
            paths += [run_folder / file for file in ("history.csv", "model.json", "run.json")]
            weights[run_folder / "weights.safetensors"] = run.weights_sha256
        for variation in r.study.variations:
            varied = folder / "variations" / variation / "evaluation" / name
            paths += [varied / "metrics.json", varied / "predictions.h5"]
        if m.search is not None:
            paths += [search / file for file in ("best.yaml", "trials.csv", "search.json", "search.png")]
    digests = {path: sha256_of(path) for path in paths if path.is_file()} | weights
    return {path.relative_to(results).as_posix(): digest for path, digest in sorted(digests.items())}
