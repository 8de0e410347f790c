"""The plan as a person reads it."""

from rich.console import Console
from rich.table import Table

from bevatron.plan.forecast import Line


def show(lines: list[Line], title: str, basis: str, console: Console | None = None) -> None:
    """Print the plan's table, its sums, and where the rates come from."""
    console = console or Console()
    table = Table(title=title, title_justify="left", caption=basis, caption_justify="left")
    table.add_column("stage")
    for head in ("jobs", "core-hours", "GPU-hours", "longest job", "disk", "memory of a job"):
        table.add_column(head, justify="right")
    table.add_column("note")
    for line in lines:
        gpu = _number(line.gpu_hours) if line.gpu_hours else "–"
        table.add_row(
            line.stage,
            f"{line.jobs:,}",
            _number(line.core_hours),
            gpu,
            _time(line.longest),
            _size(line.gigabytes) if line.gigabytes else "–",
            _size(line.memory_gb) if line.memory_gb else "–",
            line.note,
        )
    table.add_section()
    gpu = sum(line.gpu_hours for line in lines)
    table.add_row(
        "all",
        f"{sum(line.jobs for line in lines):,}",
        _number(sum(line.core_hours for line in lines)),
        _number(gpu) if gpu else "–",
        _time(max(line.longest for line in lines)),
        _size(sum(line.gigabytes for line in lines)),
        _size(max(line.memory_gb for line in lines)),
        "trainings run their full length: early stopping makes them shorter",
    )
    console.print(table)


def _number(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"


def _time(hours: float) -> str:
    if hours >= 1:
        return f"{_number(hours)} h"
    return f"{60 * hours:.3g} min" if hours >= 1 / 60 else f"{3600 * hours:.2g} s"


def _size(gigabytes: float) -> str:
    if gigabytes >= 1000:
        return f"{gigabytes / 1000:.3g} TB"
    return f"{gigabytes:.3g} GB" if gigabytes >= 1 else f"{1000 * gigabytes:.3g} MB"
