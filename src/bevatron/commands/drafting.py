"""The command that writes a study file for somebody's files, or for a configuration of weaver."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def draft(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]...", help="ROOT, HDF5, Parquet, CSV or NPZ files of events")
    ] = None,
    weaver: Annotated[Path | None, typer.Option(help="a data configuration of weaver (YAML) to translate")] = None,
    output: Annotated[
        Path | None, typer.Option(help="the study's file, named like the study; default: it is printed")
    ] = None,
    tree: Annotated[str, typer.Option(help="tree of a ROOT file, group of an HDF5 file; default: the only one")] = "",
) -> None:
    """Write a study file for your files: groups, labels, weights and ids guessed from a sample of their rows."""
    from bevatron.draft.stage import draft_study

    text, remarks = draft_study(files or [], weaver, output, tree)
    if output is None:
        print(text, end="")
    else:
        remarks.append(f"{output}: written; look at the lines marked LOOK, then run `bevatron validate`")
    for remark in remarks:
        print(f"bevatron: {remark}", file=sys.stderr)


COMMANDS = (draft,)
