"""One command for each stage of the workflow, as the rules call them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bevatron.commands.loading import pause_garbage_collection
from bevatron.commands.options import (
    DEFAULT_CONFIG,
    DEFAULT_RESULTS,
    Config,
    Cpus,
    Gpus,
    ManifestPath,
    ModelName,
    Nodes,
    Output,
    Results,
    Scale,
    StudyName,
    Variation,
)
from bevatron.errors import UserError
from bevatron.near_names import did_you_mean

if TYPE_CHECKING:
    from bevatron.config.sections.data_part import DataPart
    from bevatron.config.sections.study import Study
    from bevatron.config.sections.workflow import Workflow

DataPartT = TypeVar("DataPartT", bound="DataPart")


def simulate(
    study: StudyName,
    shard: Annotated[int, typer.Option(min=0, help="number of the raw shard to make")],
    output: Output,
    variation: Variation = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Make one raw shard: generate its events, or read them from external files."""
    loaded = _vary(_load_data_part(study, config, scale), variation)
    from bevatron.simulate.stage import simulate_shard

    simulate_shard(loaded, shard, output)


def validate_source(study: StudyName, output: Output, config: Config = DEFAULT_CONFIG, scale: Scale = None) -> None:
    """Compare the study's source with published numbers, for the report."""
    loaded = _load_data_part(study, config, scale)
    from bevatron.simulate.validate_source import validate_source as validate

    validate(loaded, output)


def totals(
    study: StudyName,
    raw: Annotated[Path, typer.Option(help="folder of the raw shards")],
    output: Output,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Sum over all raw shards what preparing each of them needs: for balancing, and for means of missing values."""
    loaded = _load_data_part(study, config, scale)
    from bevatron.prepare.totals import write_totals

    write_totals(loaded, raw, output)


def prepare(
    study: StudyName,
    raw: Annotated[Path, typer.Option(help="the raw shard")],
    output: Output,
    totals: Annotated[Path | None, typer.Option(help="sums over all raw shards, of a study that needs them")] = None,
    variation: Variation = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Make the sample shards (train, val, test) of one raw shard, in the folder --output."""
    loaded = _vary(_load_data_part(study, config, scale), variation)
    from bevatron.prepare.stage import prepare_shard

    prepare_shard(loaded, raw, output, totals)


def manifest(
    study: StudyName,
    dataset: Annotated[Path, typer.Option(help="folder of the sample shards")],
    variation: Variation = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Check the sample shards of a dataset and list them in its manifest.json, and in one for each fold."""
    loaded = _vary(_load_data_part(study, config, scale), variation)
    from bevatron.prepare.stage import write_manifest

    write_manifest(loaded, dataset)


def search(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    output: Output,
    nodes: Nodes = 1,
    cpus: Cpus = None,
    gpus: Gpus = None,
    log: Annotated[Path | None, typer.Option(help="file for a copy of the output on the terminal")] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Search a model's hyperparameters with Ray Tune."""
    if log is not None:
        from bevatron.logs import copy_output

        copy_output(log)
    with pause_garbage_collection():
        loaded, workflow = _load(study, config, scale)
        _model_of(loaded, model)
        from bevatron.compute.slurm.resource_request import ResourceRequest
        from bevatron.search.stage import search_model

    search_model(loaded, workflow, model, manifest, output, ResourceRequest(nodes, cpus, gpus))


def train(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    output: Output,
    best: Annotated[Path | None, typer.Option(help="best.yaml of the model's search")] = None,
    workers: Annotated[int, typer.Option(min=1, help="workers that train together, over all nodes")] = 1,
    nodes: Nodes = 1,
    cpus: Cpus = None,
    gpus: Gpus = None,
    member: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL=RUNS", help="a committee's member, and its runs"),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Train all seeds of a model; a killed training continues where it stopped."""
    with pause_garbage_collection():
        loaded, workflow = _load(study, config, scale)
        _model_of(loaded, model)
        from bevatron.compute.slurm.resource_request import ResourceRequest
        from bevatron.train.stage import train_model

    members = dict(_member(text) for text in member or ())
    train_model(loaded, workflow, model, manifest, best, output, ResourceRequest(nodes, cpus, gpus), workers, members)


def evaluate(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    runs: Annotated[
        list[Path], typer.Option(help="runs.json of the trained model; of a cross-validation again for each fold")
    ],
    output: Output,
    variation: Variation = None,
    nominal: Annotated[
        Path | None, typer.Option(help="of a variation: manifest.json of the dataset that was learned from")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Predict the test split with every seed, and compute the metrics."""
    with pause_garbage_collection():
        loaded, workflow = _load(study, config, scale)
        _model_of(loaded, model)
        from bevatron.evaluate.stage import evaluate_model

    evaluate_model(_vary(loaded, variation), workflow, model, manifest, runs, output, nominal)


def observables(
    study: StudyName,
    manifest: ManifestPath,
    output: Output,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Measure the study's observables on the test split, without any network."""
    loaded = _load_data_part(study, config, scale)
    from bevatron.evaluate.observables import measure_observables

    measure_observables(loaded, manifest, output)


def export(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    runs: Annotated[Path, typer.Option(help="runs.json of the trained model")],
    output: Output,
    metrics: Annotated[Path | None, typer.Option(help="metrics.json of the model, for its card")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="a seed to export; again for more; default: all")] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Write a trained model as ONNX files, checked against PyTorch, and its model card, into the folder --output."""
    with pause_garbage_collection():
        loaded, workflow = _load(study, config, scale)
        _model_of(loaded, model)
        from bevatron.export.stage import export_model

    export_model(loaded, workflow, model, manifest, runs, output, metrics, seed)


def report_study(
    study: StudyName,
    output: Output,
    results: Results = DEFAULT_RESULTS,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Decide a study's claims and write its page, tables and plots into the folder --output, results/report/STUDY."""
    with pause_garbage_collection():
        loaded, workflow = _load(study, config, scale)
        from bevatron.report.stage import write_study_page

    write_study_page(loaded, workflow.scale, results, output, workflow.report.pdf)


def report(
    output: Output,
    study: Annotated[
        list[str] | None,
        typer.Option(help="a study that must have a page; again for more; default: all whose data are here"),
    ] = None,
    results: Results = DEFAULT_RESULTS,
    missing: Annotated[
        list[str] | None,
        typer.Option(help="a study left out because its data are missing, to be named; again for more"),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Write the ledger of claims of all studies that have a page in the folder --output, and the lessons' pages;
    `report-study` makes the studies' pages.
    """
    from bevatron.logs import start_logging

    start_logging()
    with pause_garbage_collection():
        from bevatron.config.loading.load import load_study, load_workflow
        from bevatron.config.loading.load_course import course_path, load_course
        from bevatron.config.loading.load_lessons import load_lessons
        from bevatron.config.loading.missing_data import missing_data_of
        from bevatron.report.stage import write_ledger

    workflow, folder = load_workflow(config, scale=scale), config.parent / "studies"
    selected = load_workflow(config, scale=scale, studies=study).studies
    suspects = (missing or ()) if study else workflow.studies
    left_out = {name: missing_data_of(load_study(name, workflow.scale, folder)) for name in suspects}
    left_out = {name: why for name, why in left_out.items() if why}
    path = course_path(workflow, config)
    course = load_course(path) if path else None
    write_ledger(
        workflow.scale,
        [name for name in selected if name not in left_out],
        workflow.studies,
        lambda name, at: load_study(name, at, folder),
        results,
        output,
        left_out,
        course,
        load_lessons(path, course) if path and course else (),
    )


def _load(name: str, config: Path, scale: str | None) -> "tuple[Study, Workflow]":
    from bevatron.config.loading.load import load_study, load_workflow
    from bevatron.logs import start_logging

    start_logging()
    workflow = load_workflow(config, scale=scale)
    return load_study(name, workflow.scale, config.parent / "studies"), workflow


def _load_data_part(name: str, config: Path, scale: str | None) -> "DataPart":
    from bevatron.config.loading.load import load_data_part, load_workflow
    from bevatron.logs import start_logging

    start_logging()
    return load_data_part(name, load_workflow(config, scale=scale).scale, config.parent / "studies")


def _vary(study: "DataPartT", variation: str | None) -> "DataPartT":
    """The study with the values of a variation, if one is named."""
    if variation is None:
        return study
    if variation not in study.variations:
        what = f"has no variation '{variation}'{did_you_mean(variation, study.variations)}"
        raise UserError(f"study '{study.name}'", what, f"it has: {', '.join(study.variations) or 'none'}")
    return study.varied(variation)


def _member(text: str) -> tuple[str, Path]:
    name, _, runs = text.partition("=")
    if not name or not runs:
        raise UserError("--member", f"found '{text}'", "give it as MODEL=path/to/runs.json")
    return name, Path(runs)


def _model_of(study: "Study", model: str) -> None:
    if model not in study.models:
        what = f"has no model '{model}'{did_you_mean(model, study.models)}"
        raise UserError(f"study '{study.name}'", what, f"it has: {', '.join(study.models)}")


COMMANDS = (simulate, validate_source, totals, prepare, manifest, search, train, evaluate, observables)
COMMANDS += (export, report_study, report)
