"""The command that shows a workflow while it runs."""

from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from bevatron.commands.options import DEFAULT_CONFIG, Config, Scale

WIDTH_OF_FILES = 160  # columns of text that goes into a file or a pipe


def watch(
    study: Annotated[
        list[str] | None, typer.Option(help="a study to show; again for more; default: those of the last run")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="print the state once, as plain text, and end")] = False,
    json: Annotated[bool, typer.Option("--json", help="print the state once, as JSON, and end")] = False,
    until_done: Annotated[
        bool, typer.Option("--until-done", help="end when nothing runs any more; exit code 1 if it did not finish")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="start TensorBoard over the runs, by study, model and seed")
    ] = False,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="start Prometheus over the Ray clusters that run")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="port of these two; default: 6006 and 9090, or a free one"),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.2, max=3600, help="time between two looks")] = 2.0,
    config: Config = DEFAULT_CONFIG,
    scale: Scale = None,
) -> None:
    """Show the workflow that runs in this folder: jobs, trainings, searches, dashboards, failures, time left."""
    import os
    import sys

    from bevatron.watch.watcher import Watcher

    if isinstance(sys.stdout, TextIOWrapper) and "utf" not in sys.stdout.encoding.lower():
        sys.stdout.reconfigure(errors="replace")  # signs that the terminal does not have are shown as ?
    watcher = Watcher(Path(), config, scale, study)
    if tensorboard:
        from bevatron.watch.tensorboard import serve_tensorboard

        serve_tensorboard(watcher.links, watcher.models, port)
        return
    if prometheus:
        from bevatron.watch.prometheus import serve_prometheus

        serve_prometheus(watcher.runs, port)
        return
    if json or once or until_done or not sys.stdout.isatty():
        from bevatron.watch.terminal import wait_until_over

    if json:
        import json as json_module

        snapshot = wait_until_over(watcher, seconds) if until_done else watcher.look()
        print(json_module.dumps(snapshot.as_payload(), indent=2))
    else:
        from rich.console import Console

        from bevatron.watch.screen import draw
        from bevatron.watch.terminal import show_live

        console = Console(highlight=False, emoji=False, markup=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console = Console(highlight=False, emoji=False, markup=False, width=WIDTH_OF_FILES)
        if once or not console.is_terminal:
            snapshot = wait_until_over(watcher, seconds) if until_done else watcher.look()
            console.print(draw(snapshot, console.width))
        else:
            snapshot = show_live(watcher, seconds, until_done, console)
    if until_done and snapshot.workflow.state != "finished":
        raise typer.Exit(1)


COMMANDS = (watch,)
