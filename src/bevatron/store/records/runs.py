"""`runs.json`: the finished trainings of one model, a run for each seed, written by the train stage."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from bevatron.config.sections.section import Name, Seed
from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.store.files.names import fold_folder
from bevatron.store.files.plain_names import Digest, FileName
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.folds import Fold, Folds
from bevatron.store.records.record import (
    Finite,
    PublishedRecord,
    Record,
    Whole,
    YesNo,
    check_made_for,
    publish_record,
    read_model_record,
)

LOADED = ("weights.safetensors", "model.json")  # files of a run that a network is loaded from


class RunEnvironment(Record):
    """What the bits of a run's result depend on beside its settings, data and reading order."""

    device: str = Field(description="name of the GPU, or 'cpu'; of workers with different ones each, joined by ' + '")
    processor: str = Field(description="model of the processor")
    capability: str = Field(description="vector instructions that torch uses on it: 'DEFAULT', 'AVX2', 'AVX512'")
    threads: Whole = Field(description="CPU threads of each worker")
    workers: Whole = Field(description="number of workers that fitted together")
    strategy: str = Field(description="how they shared the work; '' of one worker alone")
    versions: dict[str, str] = Field(description="versions of packages by name; on a GPU of CUDA and cuDNN too")


class TrainingRun(Record):
    """How one seed was trained, and how the fit went."""

    seed: Seed = Field(description="seed of the fit")
    fold: Fold | None = Field(
        default=None, description="of a cross-validation the fold that was left out: no event of it was learned from"
    )
    digest: Digest = Field(description="identity of the run")
    folder: FileName = Field(description="name of the run's folder, beside runs.json")
    versions: dict[str, str] = Field(description="versions of the packages with which the fit ended, by name")
    order: str = Field(description="what the order of the training samples depends on beside the seed")
    environments: tuple[RunEnvironment, ...] = Field(
        min_length=1, description="environments of the fit, in their order; one without an interruption"
    )
    reproducible: YesNo = Field(description="whether the fit can be made again bit for bit in one go")
    members: dict[Name, Digest] = Field(default={}, description="of a committee: SHA-256 of each member's weights")
    epochs: Whole = Field(description="epochs of the fit")
    steps: Whole = Field(description="optimiser steps of the fit")
    best_epoch: Whole = Field(description="epoch with the lowest validation loss")
    best_val_loss: Finite = Field(description="lowest validation loss")
    last_val_loss: Finite = Field(description="validation loss after the last epoch")
    stopped_early: YesNo = Field(description="whether early stopping ended the fit")
    samples: Whole = Field(description="samples of all steps")
    seconds: Finite = Field(description="time in the steps, without validations, in s")
    samples_per_second: Finite = Field(description="samples / seconds")
    data_wait: Finite = Field(description="fraction of the seconds in which the steps waited for data")
    workers: Whole = Field(description="number of workers that fitted together at the end")
    continued: Whole = Field(description="1 of a fit that went on from a checkpoint, else 0")
    n_weights: Whole = Field(description="number of the network's weights")
    auxiliary_losses: dict[Name, Finite] = Field(
        default={}, description="by auxiliary task, its validation loss with the published weights"
    )

    def path_in(self, model_folder: Path) -> Path:
        """The run's folder in that of its model, `models/<model>`."""
        return (model_folder if self.fold is None else model_folder / fold_folder(self.fold)) / self.folder


class RunRecord(TrainingRun):
    """A run in runs.json."""

    files: dict[FileName, Digest] = Field(description="SHA-256 of the files in the run's folder")


AnyRun = TypeVar("AnyRun", bound=TrainingRun)


def order_runs(runs: tuple[AnyRun, ...]) -> tuple[AnyRun, ...]:
    """The runs in the order of their folds and seeds; refuses two of one fold with the same seed or folder, and a list
    without a run.
    """
    if not runs:
        raise PydanticCustomError("no_run", "there is none")
    for what in ("seed", "folder"):
        if len({(run.fold, getattr(run, what)) for run in runs}) != len(runs):
            raise PydanticCustomError("same_run", "two have the same {what}", {"what": what})
    if len({run.fold is None for run in runs}) != 1:
        raise PydanticCustomError("same_run", "some are of a fold, and others of none")
    return tuple(sorted(runs, key=lambda run: (run.fold or 0, run.seed)))


class RunsRecord(PublishedRecord):
    """All of runs.json."""

    REFUSAL: ClassVar[str] = "is no list of runs"

    study: str = Field(description="name of the study")
    model: str = Field(description="name of the model in the study")
    manifest_sha256: Digest = Field(description="identity of the dataset: the manifest's own digest")
    dataset_digest: Digest = Field(description="digest of the settings and the code that the samples depend on")
    settings: dict[str, Any] = Field(
        description="the model's section of the study with the search's values put in, as its configuration class "
        "writes it; its keys depend on the kind of architecture"
    )
    folds: Folds | None = Field(
        default=None, description="of a cross-validation: the number of folds, and the one that was left out"
    )
    runs: Annotated[tuple[RunRecord, ...], AfterValidator(order_runs)] = Field(
        description="the finished trainings, in the order of their seeds"
    )


def write_runs(path: Path, runs: RunsRecord) -> None:
    """Publishes runs.json, atomically."""
    publish_record(path, runs)


def read_runs(path: Path, study: str, model: str) -> RunsRecord:
    """runs.json of `model` of `study`.

    Raises UserError as `read_model_record`: also for the runs of another study or model.
    """
    return read_model_record(path, RunsRecord, "train", study, model)


def load_runs(path: Path, study: str, model: str, manifest_sha256: str) -> RunsRecord:
    """runs.json, whose runs can be loaded: raises UserError as `read_runs`, for runs of another dataset, and where a
    run's weights or description are missing or differ from their SHA-256.
    """
    runs, command = read_runs(path, study, model), f"bevatron train {study} {model}"
    check_made_for(path, runs, command, manifest_sha256=manifest_sha256)
    again = f"run `{command}` again"
    for index, run in enumerate(runs.runs):
        for name in LOADED:
            if name not in run.files:
                raise UserError(path, f"is no list of runs: runs.{index}.files: has no '{name}'", again)
            file = path.parent / run.folder / name
            if not is_file(file):
                raise UserError(file, f"is missing, though {path} lists it", again)
            if sha256_of(file) != run.files[name]:
                raise UserError(file, f"does not match its SHA-256 in {path}: it was changed or damaged", again)
    return runs
