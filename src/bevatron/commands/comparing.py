"""The command that compares two reports."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bevatron.errors import UserError

if TYPE_CHECKING:
    from bevatron.report.differences.compare import Differences

WIDTH_OF_FILES = 160  # columns of text that goes into a file or a pipe


class Failing(Enum):
    """What makes the exit code 1."""

    verdicts = "verdicts"
    metrics = "metrics"


def diff_reports(
    a: Annotated[Path, typer.Argument(metavar="A", help="a report, the page of a study, or a folder of results")],
    b: Annotated[Path, typer.Argument(metavar="B", help="the other one")],
    study: Annotated[
        list[str] | None, typer.Option(help="a study to compare; again for more; default: all that both have")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="whole tables, and metrics within their errors too")] = False,
    json: Annotated[bool, typer.Option("--json", help="all differences as JSON")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="all metrics and all differences as one CSV table")] = False,
    fail_on: Annotated[
        list[Failing] | None,
        typer.Option(
            help="exit code 1 if verdicts changed, or metrics moved beyond their errors; again for both. What A has "
            "and B has not, or what cannot be compared, counts. Default: exit code 0 whatever differs"
        ),
    ] = None,
) -> None:
    """Compare two reports: changed verdicts, metrics that moved beyond their errors, settings and versions."""
    if json and csv:
        raise UserError("--csv", "cannot be given with --json", "choose one of the two")
    from bevatron.report.differences.compare import compare_reports

    found = compare_reports(a, b, study)
    if json:
        import json as json_module

        from bevatron.report.differences.payload import as_payload

        print(json_module.dumps(as_payload(found), indent=2, allow_nan=False))
    elif csv:
        from bevatron.report.differences.payload import as_csv

        print(as_csv(found), end="")
    else:
        _print_text(found, every)
    if any(found.fails(what.value) for what in fail_on or ()):
        raise typer.Exit(1)


def _print_text(found: "Differences", every: bool) -> None:
    import os
    import sys
    from io import TextIOWrapper

    from rich.console import Console

    from bevatron.report.differences.text import print_differences

    if isinstance(sys.stdout, TextIOWrapper) and "utf" not in sys.stdout.encoding.lower():
        sys.stdout.reconfigure(errors="replace")  # signs that the terminal does not have are shown as ?
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, emoji=False, markup=False, width=WIDTH_OF_FILES)
    print_differences(found, console, every)


COMMANDS = (diff_reports,)
