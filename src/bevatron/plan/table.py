"""The plan as a person reads it."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bevatron.plan.forecast import Line


def show(lines: list[Line], title: str, basis: str, console: Console | None = None) -> None:
    """Print the plan's table, its sums, and where the rates come from."""
    console = console or Console(markup=False)
    notes = [f"{line.stage}: {line.note}." for line in lines if line.note]
    notes.append("Memory is that of a job. Trainings run their full length: early stopping makes them shorter.")
    table = Table(title=title, box=SIMPLE, title_justify="left", caption_justify="left")
    table.caption = "\n".join([*notes, basis])
    table.add_column("stage")
    for head in ("jobs", "core-hours", "GPU-hours", "longest job", "disk", "memory"):
        table.add_column(head, justify="right")
    for line in lines:
        table.add_row(*_cells(line))
    table.add_section()
    table.add_row(*_cells(_all(lines)))
    console.print(table)


def _all(lines: list[Line]) -> Line:
    return Line(
        "all",
        jobs=sum(line.jobs for line in lines),
        core_hours=sum(line.core_hours for line in lines),
        gpu_hours=sum(line.gpu_hours for line in lines),
        longest=max(line.longest for line in lines),
        gigabytes=sum(line.gigabytes for line in lines),
        memory_gb=max(line.memory_gb for line in lines),
    )


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.stage,
        f"{line.jobs:,}",
        _number(line.core_hours),
        _number(line.gpu_hours) if line.gpu_hours else "–",
        _time(line.longest),
        _size(line.gigabytes) if line.gigabytes else "–",
        _size(line.memory_gb) if line.memory_gb else "–",
    )


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
