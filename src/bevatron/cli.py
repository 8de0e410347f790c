"""The command line: one command for each stage, and a few to look at things. Heavy imports wait for their command."""

import errno
import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from bevatron import __version__
from bevatron.commands import applying, checks, comparing, course, drafting, planning, projects, stages, watching
from bevatron.errors import ConfigurationError, UserError, in_one_line

app = typer.Typer(
    name="bevatron",
    help="From raw physics simulation to trained, compared and explained neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

GROUPS = (stages, applying, checks, comparing, planning, watching, drafting, course, projects)
for command in (command for group in GROUPS for command in group.COMMANDS):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"bevatron {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options of `bevatron` itself."""


OWN_MISTAKES = (None, 0, errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.ENOTTY, errno.EPIPE)  # of the program's


def main() -> None:
    """Run a command; a user's mistake becomes one line (a line each, for several) and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # a file's name may have bytes that are no text
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except ConfigurationError as error:
        _complain(error.lines)
    except UserError as error:
        _complain([str(error)])
    except MemoryError as error:
        _complain([_memory(error)])
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # how PyTorch says it
            raise
        _complain([_memory(error)])
    except OSError as error:
        if error.errno in OWN_MISTAKES:
            raise
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "  # an open file may not know it
        what = " ".join(f"{error.strerror} (errno {error.errno})".split())
        _complain([f"{where}{what}; fix the place or name another, then run the same command again"])


def _memory(error: Exception) -> str:
    what = in_one_line(str(error))[:200] or "a value does not fit into it"
    return f"memory: {what}; see whether the study or a file asks for more than this machine has"


def _complain(lines: list[str]) -> None:
    for line in lines:
        print(f"bevatron: {line}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
