"""Ray's processes, told apart by their command lines."""

from collections.abc import Iterable
from pathlib import Path

import psutil

HEAD = ("gcs_server", "raylet", "DashboardAgent")  # Ray's raylet ends with its agent


def workers(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those at work: Ray names a worker by what it does, `ray::IDLE`, agents of its own, or a task or an actor."""
    lines = [(process, line_of(process)) for process in processes]
    return [p for p, line in lines if line.startswith("ray::") and "IDLE" not in line and "Agent" not in line]


def named(processes: Iterable[psutil.Process], name: str) -> list[psutil.Process]:
    return [process for process in processes if _is(process, name)]


def line_of(process: psutil.Process) -> str:
    """The command line; nothing of a process that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _is(process: psutil.Process, name: str) -> bool:
    line = line_of(process)
    return name in line if line.startswith("ray::") else Path(line.partition(" ")[0]).name == name
