"""`metrics.json`: how good one model is on the test split, written by the evaluate stage."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bevatron.errors import UserError
from bevatron.store.files.plain_names import Digest
from bevatron.store.records.folds import Folds
from bevatron.store.records.record import (
    Finite,
    PublishedRecord,
    Record,
    Whole,
    format_value,
    publish_record,
    read_model_record,
)
from bevatron.store.records.runs import RunRecord, TrainingRun, order_runs

Replicas = tuple[Finite | None, ...]
WEIGHTS, HISTORY = "weights.safetensors", "history.csv"


class MetricRecord(Record):
    """One metric and its uncertainty; a number that does not exist is null."""

    value: Finite | None = Field(description="mean over the seeds")
    error: Finite | None = Field(description="standard error of the value, from the test split and from the seeds")
    low: Finite | None = Field(description="lower end of the interval from the test split's size alone")
    high: Finite | None = Field(description="upper end of that interval")
    seed_std: Finite | None = Field(description="standard deviation over the seeds")
    per_seed: tuple[Finite | None, ...] = Field(description="value of each seed; empty where nothing was trained")
    unit: str = Field(default="", description="unit of the value; '' of a pure number")
    per_fold: tuple[Finite | None, ...] = Field(
        default=(), description="of a cross-validation: value on each fold by itself, mean over the seeds"
    )
    fold_std: Finite | None = Field(
        default=None, description="standard deviation of these; no part of the error, as the folds' fits share samples"
    )


class MeasuredRecord(PublishedRecord):
    """What metrics.json and data.json have in common: metrics of one dataset's test split."""

    study: str = Field(description="name of the study")
    task: str = Field(description="kind of the study's task")
    manifest_sha256: Digest = Field(description="identity of the dataset: the manifest's own digest")
    versions: dict[str, str] = Field(description="versions of the packages that measured, by name")
    n_test: Whole = Field(description="samples of the test split")
    n_test_events: Whole = Field(description="independent events of the test split")
    n_test_effective: Finite | None = Field(
        default=None, description="of samples with weights (Σw)² / Σw², by which they fluctuate; null without weights"
    )
    confidence: Finite = Field(gt=0, lt=1, description="confidence of the intervals")
    metrics: dict[str, MetricRecord] = Field(description="metrics by name; the names depend on the task")
    bootstrap: dict[str, Replicas] = Field(
        description="of each metric its values on the bootstrap replicas of the test split, which all metrics share"
    )

    @model_validator(mode="after")
    def _replicas_of_each_metric(self) -> "MeasuredRecord":
        if self.bootstrap.keys() != self.metrics.keys():
            names = sorted(self.bootstrap.keys() ^ self.metrics.keys())
            raise PydanticCustomError(
                "replicas", "metrics and bootstrap differ in {name}", {"name": format_value(names[0])}
            )
        if len({len(replicas) for replicas in self.bootstrap.values()}) > 1:
            raise PydanticCustomError("replicas", "metrics have different numbers of replicas in bootstrap")
        return self


class EvaluatedRun(TrainingRun):
    """A run in metrics.json: as in runs.json, and of its files the digests of two."""

    weights_sha256: Digest = Field(description="SHA-256 of the weights that were evaluated")
    history_sha256: Digest | None = Field(default=None, description="SHA-256 of history.csv, where the run lists one")

    @classmethod
    def of(cls, run: RunRecord) -> "EvaluatedRun":
        """What metrics.json says of a run of runs.json."""
        fields = {name: getattr(run, name) for name in TrainingRun.model_fields}
        return cls(**fields, weights_sha256=run.files[WEIGHTS], history_sha256=run.files.get(HISTORY))


class MetricsRecord(MeasuredRecord):
    """All of metrics.json."""

    REFUSAL: ClassVar[str] = "holds no metrics"

    model: str = Field(description="name of the model in the study")
    title: str = Field(description="the model's title")
    target: str = Field(description="the target that the model was compared with")
    folds: Folds | None = Field(default=None, description="of a cross-validation: the number of folds")
    variation: str = Field(default="", description="name of the systematic variation of the test events")
    nominal_sha256: Digest | None = Field(
        default=None, description="of a variation: identity of the dataset that the networks have learned from"
    )
    parameters: Whole = Field(description="number of the network's weights")
    runs: Annotated[tuple[EvaluatedRun, ...], AfterValidator(order_runs)] = Field(
        description="the runs that were evaluated, in the order of their folds and seeds"
    )
    curves: dict[str, Any] = Field(
        description="what the report's plots are drawn from; free: the keys depend on the task, see "
        "`bevatron.evaluate.tasks`, and a curve that is incomplete costs its own figure alone"
    )


def write_metrics(path: Path, metrics: MetricsRecord) -> None:
    """Publishes metrics.json, atomically."""
    publish_record(path, metrics)


def read_metrics(path: Path, study: str, model: str) -> MetricsRecord:
    """metrics.json of `model` of `study`.

    Raises UserError as `read_model_record`: also for the metrics of another study or model.
    """
    return read_model_record(path, MetricsRecord, "evaluate", study, model)


def check_measured_on(path: Path, record: MeasuredRecord, manifest_sha256: str, command: str) -> None:
    """Raises UserError unless the record was measured on the dataset whose manifest has this digest."""
    if record.manifest_sha256 != manifest_sha256:
        what = f"was measured on another dataset, {record.manifest_sha256[:12]}… (now {manifest_sha256[:12]}…)"
        raise UserError(path, what, f"run `{command}` again, or the workflow")
