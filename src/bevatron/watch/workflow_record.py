"""What the last `snakemake` in this folder runs, written by the workflow itself when it starts."""

import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bevatron.store.files.live_file import write_live
from bevatron.watch.live_json import read_live
from bevatron.watch.processes import has_ended, start_ticks

RECORD = Path(".snakemake/bevatron/workflow.json")


@dataclass(frozen=True)
class WorkflowRecord:
    """A run of the workflow: its scale and studies, its Snakemake's process, its log, and the targets that it was
    asked for, none where it was to make `all`.
    """

    scale: str
    studies: tuple[str, ...]
    pid: int
    host: str
    ticks: int | None
    started: float
    log: str | None
    targets: tuple[str, ...] = ()

    @property
    def has_ended(self) -> bool | None:
        """Whether its Snakemake has ended; None where that cannot be seen from this machine."""
        return has_ended(self.pid, self.host, self.ticks)


def write_workflow_record(scale: str, studies: list[str], log: str | None, targets: Iterable[str] = ()) -> None:
    """Record this process, which runs the workflow at that scale. Called by the workflow's rules."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    write_live(
        RECORD,
        {
            "scale": scale,
            "studies": studies,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "ticks": start_ticks(os.getpid()),
            "started": time.time(),
            "log": log,
            "targets": sorted(map(str, targets)),
        },
    )


def read_workflow_record(folder: Path) -> WorkflowRecord | None:
    """The record in a workflow's folder; None where there is none, or none that this Bevatron writes."""
    found: dict[str, Any] = read_live(folder / RECORD) or {}
    try:
        studies = tuple(map(str, found["studies"]))
        log = None if found["log"] is None else str(found["log"])
        process = int(found["pid"]), str(found["host"]), found["ticks"]
        targets = tuple(map(str, found.get("targets", ())))
        return WorkflowRecord(str(found["scale"]), studies, *process, float(found["started"]), log, targets)
    except (TypeError, KeyError, ValueError):
        return None
