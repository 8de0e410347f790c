"""`search.json`: the learning curves of a search's trials, written by the search stage."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from bevatron.config.sections.section import Count
from bevatron.store.files.plain_names import Digest
from bevatron.store.records.record import (
    Finite,
    PublishedRecord,
    Record,
    Whole,
    publish_record,
    read_model_record,
)

Status = Literal["finished", "stopped early", "diverged", "out of memory", "failed"]
SearchFile = Literal["trials.csv", "search.png"]


class TrialRecord(Record):
    """One trial that has ended."""

    trial: Count = Field(description="number of the trial")
    values: dict[str, JsonValue] = Field(description="the values tried, by dotted key; their types are the settings'")
    epoch: tuple[Whole | Finite, ...] = Field(description="epochs after which the trial was validated")
    val_loss: tuple[Whole | Finite, ...] = Field(description="validation loss after each of them")
    status: Status = Field(description="how the trial ended")


class SearchRecord(PublishedRecord):
    """All of search.json."""

    REFUSAL: ClassVar[str] = "is no result of a search"

    study: str = Field(description="name of the study")
    model: str = Field(description="name of the model in the study")
    digest: Digest = Field(description="identity of the search")
    order: str = Field(description="what the order of the training samples depends on beside the seed")
    space: dict[str, dict[str, JsonValue]] = Field(
        description="what was searched, by dotted key: each distribution as its configuration class writes it"
    )
    trials: tuple[TrialRecord, ...] = Field(description="the trials in the order of their numbers")
    files: dict[SearchFile, Digest] = Field(description="SHA-256 of the search's table and figure, beside this file")


def write_search(path: Path, search: SearchRecord) -> None:
    """Publishes search.json, atomically."""
    publish_record(path, search)


def read_search(path: Path, study: str, model: str) -> SearchRecord:
    """search.json of `model` of `study`.

    Raises UserError as `read_model_record`: also for the search of another study or model.
    """
    return read_model_record(path, SearchRecord, "search", study, model)
