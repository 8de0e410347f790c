"""Commands that look at things: the configuration, the machine, files, and where numbers come from."""

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from bevatron.commands.options import DEFAULT_CONFIG, Config, Output, Scale
from bevatron.errors import ConfigurationError, UserError, in_one_line

NEED_GB = {"demo": 2.0, "paper": 100.0}  # free disk for results and live state


class Profile(Enum):
    """Snakemake profiles in profiles/."""

    local = "local"
    cluster = "cluster"
    htcondor = "htcondor"


def validate(config: Config = DEFAULT_CONFIG) -> None:
    """Check the configuration, all studies at all scales, the course and the resources: a line for each mistake."""
    from bevatron.compute.slurm.site import site_file
    from bevatron.config.loading.load import find_validation_errors
    from bevatron.config.loading.load_course import find_course_errors
    from bevatron.config.loading.load_resources import find_resource_errors

    studies_folder = config.parent / "studies"
    lines = find_validation_errors(config, studies_folder)
    lines += find_course_errors(config) if not lines else []
    lines += find_resource_errors(config.parent / "resources.yaml", site_file(), studies_folder)
    if lines:
        raise ConfigurationError(lines)
    studies = sorted(path.stem for path in (config.parent / "studies").glob("*.yaml"))
    print(f"{config}: valid, with the studies {', '.join(studies)}")


def doctor(
    profile: Annotated[Profile, typer.Option(help="the Snakemake profile you want to use")] = Profile.local,
    probe: Annotated[bool, typer.Option(help="submit one short job to each partition")] = False,
    need_gb: Annotated[
        float | None, typer.Option(min=0, help="free disk space to require, GB; default: by the scale")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Report what is missing before the workflow starts; exit code 1 if something necessary is missing."""
    from bevatron.compute.slurm.site import find_site, site_file
    from bevatron.config.loading.load import load_workflow
    from bevatron.config.loading.load_resources import load_resources
    from bevatron.doctor.case import Case
    from bevatron.doctor.examine import examine, show

    workflow = load_workflow(config, scale=scale)
    table = load_resources(config.parent / "resources.yaml", site_file())
    need = NEED_GB[workflow.scale] if need_gb is None else need_gb
    if show(examine(Case(profile.value, workflow, table, find_site(), need), probe)):
        raise typer.Exit(1)


def schema(
    output: Output = Path("workflow/schemas"),
    readme: Annotated[Path, typer.Option(help="the README whose tables of keys are written")] = Path(
        "config/README.md"
    ),
) -> None:
    """Write the JSON schemas of the configuration's files, and the tables of keys in their README."""
    from bevatron.config.reference.schema import write_schemas
    from bevatron.config.reference.tables import insert_tables

    for path in write_schemas(output):
        print(path)
    readme.write_text(insert_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")
    print(readme)


def inspect(file: Annotated[Path, typer.Argument(help="a shard, or a manifest.json")]) -> None:
    """Show the content of a shard or a dataset."""
    from bevatron.store.shards.inspect import inspect as inspect_file

    print(inspect_file(file))


def verify(path: Annotated[Path, typer.Argument(help="a manifest.json, its folder, or one shard")]) -> None:
    """Check all shards of a dataset against its manifest."""
    from bevatron.store.files.verify import verify as verify_path

    problems = verify_path(path)
    if problems:
        raise ConfigurationError([str(problem) for problem in problems])
    print(f"{in_one_line(str(path))}: whole")


def provenance(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="a report's folder, or its index.html")],
    table: Annotated[str | None, typer.Option(help="every number of this table, e.g. jets_metrics")] = None,
    results: Annotated[
        Path | None, typer.Option(help="folder of results; default: the parent folder of the report")
    ] = None,
    data: Annotated[bool, typer.Option("--data", help="check the datasets' shards as well")] = False,
    json: Annotated[bool, typer.Option("--json", help="every number as JSON, with its origin")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="every metric as one CSV table, with its digests")] = False,
) -> None:
    """List the origin of each number of a report, and check that the files behind it are unchanged."""
    from bevatron.report.provenance.trace import read_trace
    from bevatron.report.provenance.trace_text import trace_json, trace_text

    if json and csv:
        raise UserError("--csv", "cannot be given with --json", "choose one of the two")
    trace = read_trace(report, results)
    if csv:
        from bevatron.report.provenance.trace_csv import trace_csv

        print(trace_csv(trace, table), end="")
    else:
        print(trace_json(trace, table) if json else trace_text(trace, table))
    changed, missing = trace.find_changed(data)
    if missing:
        print(f"bevatron: not here to be checked: {', '.join(map(str, missing))}", file=sys.stderr)
    if changed:
        raise ConfigurationError(changed)


COMMANDS = (validate, doctor, schema, inspect, verify, provenance)
