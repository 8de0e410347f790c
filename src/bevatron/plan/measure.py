"""Rates from the results of a finished run: Snakemake's benchmarks, the timings of shards, and the runs of models."""

from pathlib import Path
from statistics import mean
from typing import Any

from bevatron.config.sections.study import Study
from bevatron.csv_text import read_rows
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.plan.rates import FitRates, SampleRates, ShardRates, StudyRates
from bevatron.store.readers.split import describe
from bevatron.store.records.runs import read_runs
from bevatron.store.shards.manifest import load_manifest


def measure_rates(study: Study, scale: str, results: Path, date: str, machine: str) -> StudyRates:
    """The rates of the study's run in the folder `results`, which was made at `scale`.

    Raises UserError, naming the file, where the run is not finished or was not made by Snakemake.
    """
    benchmarks, study_results = results / "benchmarks", results / study.name
    manifest_path = study_results / "dataset" / "manifest.json"
    manifest = load_manifest(manifest_path)
    if manifest.folds is not None:
        what = "is of a cross-validation, whose rates cannot be measured"
        raise UserError(manifest_path, what, "measure them of the study without dataset.folds")
    n = {split: manifest.n_samples(split) for split in manifest.splits}
    timings = [_json(path) for path in _require_files(study_results / "raw", "shard-*.timing.json")]
    raw = sum(t["samples"] for t in timings)
    simulate = [_job(path) for path in _require_files(benchmarks / "simulate" / study.name, "*.tsv")]
    work = mean(t["seconds"] for t in timings) / mean(job["s"] for job in simulate)
    cores = mean(job["cores"] for job in simulate)
    events = mean(t["events"] for t in timings)
    start = cores * max(0.0, 1.0 - work)
    prepare = [_job(path) for path in _require_files(benchmarks / "prepare" / study.name, "*.tsv")]

    def beyond_start(rule: str, samples: int) -> float:
        return max(0.0, _job(benchmarks / rule / f"{study.name}.tsv")["cores"] - start) / samples

    files = [entry for split in manifest.splits.values() for entry in split]
    total = sum(n.values())
    return StudyRates(
        date=date,
        machine=machine,
        scale=scale,
        simulate=ShardRates(
            start=_round(start),
            seconds=_round((cores - start) / events),
            events=_round(events),
            samples=_round(raw / (events * len(timings))),
            bytes=_round(sum(p.stat().st_size for p in _require_files(study_results / "raw", "shard-*.h5")) / raw),
            memory_mb=max(job["memory"] for job in simulate),
        ),
        prepare=SampleRates(
            seconds=_round(sum(max(0.0, job["cores"] - start) for job in prepare) / raw),
            samples_per_raw=_round(total / raw),
            bytes=_round(sum(entry.bytes for entry in files) / total),
            memory_bytes=_round(describe(manifest_path, "train").bytes / n["train"]),
            memory_mb=max(job["memory"] for job in prepare),
            manifest_seconds=_round(beyond_start("manifest", total)),
            observables_seconds=_round(beyond_start("observables", n["test"])),
        ),
        fits=_all_fits(study, results, n, describe(manifest_path, "train").bytes / n["train"]),
        report_seconds=_round(_job(benchmarks / "report_study" / f"{study.name}.tsv")["cores"]),
        report_bytes=_size(results / "report" / study.name),
    )


def _all_fits(study: Study, results: Path, n: dict[str, int], memory_bytes: float) -> dict[str, FitRates]:
    benchmarks, study_results = results / "benchmarks", results / study.name
    jobs = {name: _job(benchmarks / "train" / study.name / f"{name}.tsv") for name in study.models}
    runs = {
        name: read_runs(study_results / "models" / name / "runs.json", study.name, name).runs for name in study.models
    }
    starts = {
        name: job["cores"] * max(0.0, 1.0 - sum(run.seconds for run in runs[name]) / job["s"])
        for name, job in jobs.items()
    }
    evaluations = {name: _job(benchmarks / "evaluate" / study.name / f"{name}.tsv") for name in study.models}
    evaluate_start = min(job["cores"] for job in evaluations.values())  # the quickest is taken for a start alone
    fits = {}
    for name, model in study.models.items():
        seeds, job = len(runs[name]), jobs[name]
        resident = memory_bytes * (n["train"] + n["val"]) / 1e6
        fits[name] = FitRates(
            architecture=model.architecture.kind,
            start=_round(starts[name]),
            seconds=_round(max(1e-9, job["cores"] - starts[name]) / sum(run.samples for run in runs[name])),
            batch_size=model.training.batch_size if isinstance(model.training.batch_size, int) else None,
            evaluate_start=_round(evaluate_start),
            evaluate_seconds=_round((evaluations[name]["cores"] - evaluate_start) / (n["test"] * seeds)),
            memory_mb=max(0.0, round(job["memory"] - resident)),
            bytes=round(_size(study_results / "models" / name) / seeds),
            evaluate_bytes=_round(_size(study_results / "evaluation" / name) / (n["test"] * seeds)),
            searched_fraction=_searched_fraction(study, name, study_results),
        )
    return fits


def _searched_fraction(study: Study, name: str, study_results: Path) -> float | None:
    search = study.models[name].search
    if search is None:
        return None
    path = study_results / "search" / name / "trials.csv"
    try:
        epochs = sum(float(row["epochs"] or 0) for row in _rows(path))
    except (KeyError, ValueError) as error:
        raise UserError(path, f"is no table of a search's trials: {error}", "run the search again") from None
    return _round(min(1.0, epochs / (search.trials * search.epochs)))


def _job(path: Path) -> dict[str, float]:
    """Of a benchmark of Snakemake's: s, wall time; cores, CPU time (wall time where it is missing); memory in MB."""
    rows = _rows(path, "\t")

    def column(row: dict[str, str], name: str) -> float | None:
        try:
            return float(row[name])
        except (KeyError, TypeError, ValueError):
            return None  # a job too short for Snakemake to have looked at it

    s = column(rows[-1], "s") if rows else None
    if s is None:
        raise UserError(path, "is no benchmark of Snakemake's", "run the workflow again")
    cpu, memory = column(rows[-1], "cpu_time"), column(rows[-1], "max_rss")
    return {"s": s, "cores": cpu or s, "memory": memory or 0.0}


def _require_files(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise UserError(folder, f"has no {pattern}", "run the workflow to its end first: rates are measured there")
    return paths


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except FileNotFoundError:
        raise _missing(path) from None
    except ValueError as error:
        raise UserError(path, f"is no JSON: {error}", "run the workflow again") from None


def _rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    try:
        return read_rows(path, delimiter)
    except FileNotFoundError:
        raise _missing(path) from None
    except ValueError as error:
        raise UserError(path, f"is no table: {error}", "run the workflow again") from None


def _missing(path: Path) -> UserError:
    return UserError(path, "no such file", "run the workflow to its end first: rates are measured there")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _round(value: float) -> float:
    return float(f"{value:.4g}")
