"""The state of the workflow at one moment, as plain values: what the screen shows and `--json` prints."""

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class StageState:
    """Jobs of one stage of a study. `queued` ones wait in the batch system; `waiting` ones have not been started."""

    stage: str
    total: int
    done: int
    running: int
    queued: int
    failed: int
    waiting: int


@dataclass(frozen=True)
class StudyState:
    """A study. missing: why it is left out; seconds_left: of its jobs one after the other; unknown_jobs: how many of
    them are not in that, for want of a measured rate.
    """

    study: str
    missing: str | None
    stages: tuple[StageState, ...]
    seconds_left: float
    unknown_jobs: int

    @property
    def counts(self) -> dict[str, int]:
        """Jobs of all stages, by state."""
        names = ("total", "done", "running", "queued", "failed", "waiting")
        return {name: sum(getattr(stage, name) for stage in self.stages) for name in names}


@dataclass(frozen=True)
class WorkflowState:
    """The last run of Snakemake in this folder.

    state: "running", "finished", "failed", "stopped" (by a signal, or its process is gone) or "not started"; steps_done
    and steps: as Snakemake counts them; seconds_left: wall time, None when nothing is left to run; unknown_jobs: how
    many jobs are not in that.
    """

    state: str
    scale: str
    host: str | None
    pid: int | None
    log: str | None
    steps_done: int
    steps: int
    seconds_left: float | None
    unknown_jobs: int


@dataclass(frozen=True)
class TrainingState:
    """A training that is going on, or has failed or was interrupted. fold: of a cross-validation, the one that is left
    out; losses are in the task's unit; updated: seconds since 1970; data_wait: fraction of the time in steps spent
    waiting for data.
    """

    study: str
    model: str
    seed: int
    fold: int | None
    state: str
    epoch: float | None
    epochs: int | None
    train_loss: float | None
    val_loss: float | None
    best_val_loss: float | None
    samples_per_second: float | None
    data_wait: float | None
    seconds_left: float | None
    updated: float | None
    host: str
    error: str | None


@dataclass(frozen=True)
class SearchState:
    """A search that is going on, or was interrupted; state: which of the two."""

    study: str
    model: str
    state: str
    trials: int
    ended: int
    running: int
    best_trial: int | None
    best_val_loss: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class DashboardState:
    """A Ray dashboard: its address on `host`, the file of the token it asks for, and the command that forwards it;
    metrics: host:port of each node's metrics.
    """

    study: str
    model: str
    url: str
    token_file: str | None
    host: str
    tunnel: str
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class FailureState:
    """A job that failed. lines: the last ones of its log."""

    rule: str
    study: str
    item: str
    log: str | None
    message: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """The whole workflow. time: seconds since 1970; folder: that in which the workflow runs."""

    time: float
    folder: str
    workflow: WorkflowState
    studies: tuple[StudyState, ...]
    trainings: tuple[TrainingState, ...]
    searches: tuple[SearchState, ...]
    ray_dashboards: tuple[DashboardState, ...]
    failures: tuple[FailureState, ...]

    def as_payload(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @property
    def is_over(self) -> bool:
        """Whether nothing runs any more."""
        return self.workflow.state in ("finished", "failed", "stopped")
