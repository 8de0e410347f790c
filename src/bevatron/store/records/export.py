"""`export.json`: the ONNX files of one model, written by the export stage."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from bevatron.config.sections.section import Seed
from bevatron.store.files.plain_names import Digest, FileName
from bevatron.store.records.record import (
    Finite,
    PublishedRecord,
    Record,
    Whole,
    publish_record,
    read_model_record,
)


class AgreementRecord(Record):
    """How far the ONNX model and PyTorch are apart."""

    samples: Whole = Field(description="samples of the test split that were compared")
    largest_difference: dict[str, Finite] = Field(
        min_length=1, description="largest |onnx - torch| / max(1, |torch|), by output"
    )
    tolerance: Finite = Field(description="the largest difference that is allowed")


class ExportedModel(Record):
    """One ONNX file."""

    seed: Seed = Field(description="seed of the run")
    run: Digest = Field(description="identity of the run")
    file: FileName = Field(description="name of the file, beside export.json")
    sha256: Digest = Field(description="SHA-256 of the file")
    inputs: tuple[str, ...] = Field(description="names of the file's inputs, in their order")
    outputs: tuple[str, ...] = Field(description="names of the file's outputs, in their order")
    agreement: AgreementRecord = Field(description="the comparison with PyTorch")


class ExportRecord(PublishedRecord):
    """All of export.json."""

    REFUSAL: ClassVar[str] = "is no list of exports"

    study: str = Field(description="name of the study")
    model: str = Field(description="name of the model in the study")
    manifest_sha256: Digest = Field(description="identity of the dataset: the manifest's own digest")
    exports: tuple[ExportedModel, ...] = Field(min_length=1, description="the files, in the order of their seeds")


def write_export(path: Path, export: ExportRecord) -> None:
    """Publishes export.json, atomically."""
    publish_record(path, export)


def read_export(path: Path, study: str, model: str) -> ExportRecord:
    """export.json of `model` of `study`.

    Raises UserError as `read_model_record`: also for the exports of another study or model.
    """
    return read_model_record(path, ExportRecord, "export", study, model)
