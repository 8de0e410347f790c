"""The command that makes a project."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="the project's folder, new or without a project")],
    study: Annotated[
        list[str] | None,
        typer.Option(help="a study of Bevatron's own to begin with, such as jetclass; again for more"),
    ] = None,
) -> None:
    """Make a project of your own: Snakefile, configuration with an example study, profiles, README."""
    from bevatron.project.stage import init_project

    for path in init_project(folder, study or []):
        print(folder / path)
    where = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))}; "
    print(f"bevatron: made. Next: {where}snakemake --profile profiles/local", file=sys.stderr)


COMMANDS = (init,)
