"""The command line: one command for each stage, and a few to look at things. Heavy imports wait for their command."""

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bevatron.errors import ConfigurationError, UserError

if TYPE_CHECKING:
    from bevatron.config.study import Study
    from bevatron.config.workflow import Workflow

app = typer.Typer(
    name="bevatron",
    help="From raw physics simulation to trained, compared and explained neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="a study: a file in config/studies/")]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="a model of the study")]
Config = Annotated[Path, typer.Option("--config", help="the workflow's configuration; studies/ lies beside it")]
Scale = Annotated[str | None, typer.Option(help="demo or paper; absent: as configured")]
ManifestPath = Annotated[Path, typer.Option("--manifest", help="the dataset's manifest.json")]
Output = Annotated[Path, typer.Option("--output", help="file or folder to write")]
DEFAULT_CONFIG = Path("config/config.yaml")
MACHINE_FAULTS = (
    errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EIO, errno.EISDIR, errno.ENOSPC, errno.ENOTDIR, errno.EPERM,
    errno.EROFS,
)  # fmt: skip


def main() -> None:
    """Run a command; a user's mistake becomes one line (a line each, for several) and exit code 2."""
    try:
        app()
    except ConfigurationError as error:
        _complain(error.lines)
    except UserError as error:
        _complain([str(error)])
    except OSError as error:
        if error.errno not in MACHINE_FAULTS or error.filename is None:
            raise
        _complain([f"{error.filename}: {error.strerror}; mend the place, or name another"])


def _complain(lines: list[str]) -> None:
    for line in lines:
        print(f"bevatron: {line}", file=sys.stderr)
    sys.exit(2)


def _load(name: str, config: Path, scale: str | None) -> "tuple[Study, Workflow]":
    from bevatron.config.load import load_study, load_workflow
    from bevatron.logs import start_logging

    start_logging()
    workflow = load_workflow(config, scale=scale)
    return load_study(name, workflow.scale, config.parent / "studies"), workflow


def _model_of(study: "Study", model: str) -> None:
    if model not in study.models:
        raise UserError(f"study '{study.name}'", f"has no model '{model}'", f"it has: {', '.join(study.models)}")


@app.command()
def simulate(
    study: StudyName,
    shard: Annotated[int, typer.Option(min=0, help="number of the raw shard to make")],
    output: Output,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Make one raw shard: generate its events, or read somebody else's."""
    loaded, _ = _load(study, config, scale)
    from bevatron.simulate.stage import simulate_shard

    simulate_shard(loaded, shard, output)


@app.command()
def prepare(
    study: StudyName,
    raw: Annotated[Path, typer.Option(help="the raw shard")],
    output: Output,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Make the sample shards (train, val, test) of one raw shard, in the folder --output."""
    loaded, _ = _load(study, config, scale)
    from bevatron.prepare.stage import prepare_shard

    prepare_shard(loaded, raw, output)


@app.command()
def manifest(
    study: StudyName,
    dataset: Annotated[Path, typer.Option(help="folder of the sample shards")],
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Check the sample shards of a dataset and list them in its manifest.json."""
    loaded, _ = _load(study, config, scale)
    from bevatron.prepare.stage import write_manifest

    write_manifest(loaded, dataset)


@app.command()
def search(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    output: Output,
    cpus: Annotated[int | None, typer.Option(min=1, help="CPU cores of a local Ray; absent: as configured")] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Search a model's hyperparameters with Ray Tune."""
    loaded, workflow = _load(study, config, scale)
    _model_of(loaded, model)
    if cpus is not None and workflow.ray.cpus is None:
        workflow = workflow.model_copy(update={"ray": workflow.ray.model_copy(update={"cpus": cpus})})
    from bevatron.search.stage import search_model

    search_model(loaded, workflow, model, manifest, output)


@app.command()
def train(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    output: Output,
    best: Annotated[Path | None, typer.Option(help="best.yaml of the model's search")] = None,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Train all seeds of a model; a killed training continues where it was."""
    loaded, workflow = _load(study, config, scale)
    _model_of(loaded, model)
    from bevatron.train.stage import train_model

    train_model(loaded, workflow, model, manifest, best, output)


@app.command()
def evaluate(
    study: StudyName,
    model: ModelName,
    manifest: ManifestPath,
    runs: Annotated[Path, typer.Option(help="runs.json of the trained model")],
    output: Output,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Predict the test split with every seed and measure how well."""
    loaded, workflow = _load(study, config, scale)
    _model_of(loaded, model)
    from bevatron.evaluate.stage import evaluate_model

    evaluate_model(loaded, workflow, model, manifest, runs, output)


@app.command()
def observe(
    study: StudyName,
    manifest: ManifestPath,
    output: Output,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Measure the study's observables on the test split, without any network."""
    loaded, _ = _load(study, config, scale)
    from bevatron.evaluate.observe import observe as observe_study

    observe_study(loaded, manifest, output)


@app.command()
def report(
    output: Output,
    study: Annotated[list[str] | None, typer.Option(help="a study to report; again for more; absent: all")] = None,
    results: Annotated[Path, typer.Option(help="folder of results")] = Path("results"),
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Judge the claims of the studies and write the report, tables and plots into the folder --output."""
    from bevatron.config.load import load_study, load_workflow
    from bevatron.logs import start_logging

    start_logging()
    workflow = load_workflow(config, scale=scale, studies=study)
    studies = [load_study(name, workflow.scale, config.parent / "studies") for name in workflow.studies]
    from bevatron.report.stage import write_report

    write_report(workflow, studies, results, output)


@app.command()
def validate(config: Config = DEFAULT_CONFIG) -> None:
    """Check the configuration and all studies at all scales; each mistake is one line."""
    from bevatron.config.load import mistakes_in

    lines = mistakes_in(config, config.parent / "studies")
    if lines:
        raise ConfigurationError(lines)
    studies = sorted(path.stem for path in (config.parent / "studies").glob("*.yaml"))
    print(f"{config}: valid, with the studies {', '.join(studies)}")


@app.command()
def schema(
    output: Output = Path("workflow/schemas"),
    readme: Annotated[Path, typer.Option(help="the README whose tables of keys are written")] = Path(
        "config/README.md"
    ),
) -> None:
    """Write the JSON schemas of the configuration's files, and the tables of keys in their README."""
    from bevatron.config.reference import with_tables
    from bevatron.config.schema import write_schemas

    for path in write_schemas(output):
        print(path)
    readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")
    print(readme)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="a shard, or a manifest.json")]) -> None:
    """Show what a shard or a dataset holds."""
    from bevatron.store.inspect import inspect as inspect_file

    print(inspect_file(file))


@app.command()
def verify(path: Annotated[Path, typer.Argument(help="a manifest.json, its folder, or one shard")]) -> None:
    """Check all shards of a dataset against its manifest."""
    from bevatron.store.verify import verify as verify_path

    problems = verify_path(path)
    if problems:
        raise ConfigurationError([str(problem) for problem in problems])
    print(f"{path}: whole")


if __name__ == "__main__":
    main()
