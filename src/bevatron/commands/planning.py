"""The command that says what a study will cost before anything is spent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bevatron.commands.options import DEFAULT_CONFIG, Config, Scale, StudyName


def plan(
    study: StudyName,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="write the rates of the finished run in --results into --rates, and time steps of the batch sizes "
            "that the study has at other scales",
        ),
    ] = False,
    rates: Annotated[
        Path | None, typer.Option(help="file of rates; default: rates.yaml in the folder of --config")
    ] = None,
    results: Annotated[
        Path, typer.Option(help="folder of results, whose rates take precedence over those of the file")
    ] = Path("results"),
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Estimate the jobs, core-hours, GPU-hours, disk and memory of a study from measured rates."""
    from bevatron.compute.process.machine import machine
    from bevatron.compute.slurm.site import site_file
    from bevatron.config.loading.load import SCALES, load_study, load_workflow
    from bevatron.config.loading.load_resources import load_resources
    from bevatron.errors import UserError
    from bevatron.plan.batch_sizes import with_batch_sizes
    from bevatron.plan.forecast import forecast
    from bevatron.plan.measure import measure_rates
    from bevatron.plan.operations import estimate_growth, estimate_larger_samples
    from bevatron.plan.rates import load_rates, rates_of, rates_text
    from bevatron.plan.table import show
    from bevatron.store.files.publish import publish_text

    file = rates or config.parent / "rates.yaml"
    configured = load_workflow(config)
    studies = config.parent / "studies"
    ran, today = load_study(study, configured.scale, studies), datetime.now(UTC).date().isoformat()
    if measure:
        measured = measure_rates(ran, configured.scale, results, today, machine())
        others = [load_study(study, other, studies) for other in SCALES if other != configured.scale]
        measured = with_batch_sizes(measured, ran, others, configured, results)
        stored = load_rates(file)
        publish_text(file, rates_text(stored.model_copy(update={"studies": {**stored.studies, study: measured}})))
        print(f"{file}: the rates of {study}, measured in {results}")
        return
    target = load_workflow(config, scale=scale)
    try:
        measured = measure_rates(ran, configured.scale, results, today, machine())
        if stored := load_rates(file).studies.get(study):
            measured = measured.with_batches_of(stored)
        basis = f"Rates measured in {results}, at scale {measured.scale}, on {measured.machine}."
    except UserError:  # no finished run here
        if ran.dataset.folds is not None and study not in load_rates(file).studies:
            what = f"has no rates of the study '{study}', and those of a cross-validation cannot be measured"
            raise UserError(file, what, "measure them of the study without dataset.folds") from None
        measured = rates_of(file, study)
        basis = f"Rates of {file}, measured {measured.date} at scale {measured.scale} on {measured.machine}."
    resources = load_resources(config.parent / "resources.yaml", site_file())
    planned = load_study(study, target.scale, studies)
    as_measured = load_study(study, measured.scale, studies)
    growth = estimate_growth(planned, as_measured)
    measured = measured.of_larger_samples(estimate_larger_samples(planned, as_measured))
    lines = forecast(planned, measured, resources, target.data_loading, growth)
    show(lines, f"{study} at scale {target.scale}", basis)


COMMANDS = (plan,)
