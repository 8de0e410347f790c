"""The command that applies trained models to new files."""

from pathlib import Path
from typing import Annotated

import typer

from bevatron.commands.options import DEFAULT_CONFIG
from bevatron.errors import UserError

FORMATS = ("root", "parquet", "h5", "csv")


def apply(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="folder of a trained or exported model, a seed's, or an ONNX file")
    ],
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="files of events, or raw shards")],
    output: Annotated[
        Path, typer.Option(help="a .root, .parquet, .h5 or .csv file for all, or a folder with one for each")
    ],
    observer: Annotated[
        list[str] | None,
        typer.Option(help="a column to carry along; again for more; default: the study's observers"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="of the network; default: mean and standard deviation over all")
    ] = None,
    logits: Annotated[bool, typer.Option("--logits", help="logits beside the probabilities")] = False,
    format: Annotated[
        str | None, typer.Option(help="root, parquet, h5 or csv, of files in a folder; default: root")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace outputs that exist")] = False,
    tree: Annotated[
        str | None, typer.Option(help="tree of ROOT files, group of HDF5 files; default: the study's")
    ] = None,
    all_folds: Annotated[
        bool,
        typer.Option(
            "--all-folds",
            help="of a cross-validation: the mean over the networks of all folds, for events of no training; default: "
            "each event by those that have not seen it",
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            help="of a model that needs modules of a project: the project's configuration; default: "
            f"{DEFAULT_CONFIG.as_posix()}, where there is one"
        ),
    ] = None,
    accelerator: Annotated[str, typer.Option(help="cpu, cuda or auto; of ONNX files always cpu")] = "cpu",
) -> None:
    """Score the events of new files with a trained model, in their order; those that fail the selection get NaN."""
    from bevatron.commands.loading import pause_garbage_collection
    from bevatron.logs import start_logging

    start_logging()
    if format not in (None, *FORMATS):
        raise UserError("--format", f"found '{format}'", f"allowed: {', '.join(FORMATS)}")
    with pause_garbage_collection():
        from bevatron.apply.stage import apply_model
        from bevatron.config.loading.load import load_workflow
        from bevatron.regular_files import is_there

    if config is not None or is_there(DEFAULT_CONFIG):
        load_workflow(config or DEFAULT_CONFIG)  # whose modules are found from now on
    apply_model(
        model,
        files,
        output,
        observers=observer or None,
        seed=seed,
        logits=logits,
        kind=format,
        overwrite=overwrite,
        tree=tree,
        accelerator=accelerator,
        all_folds=all_folds,
    )


COMMANDS = (apply,)
