"""`preprocessing.json`: what turns files of events into the inputs of a trained model, written by the train stage.

It lies beside runs.json, and in the metadata of ONNX files, so that a model and the files are all that scores need.
"""

import json
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, ValidationError, model_validator

from bevatron.config.loading.code_versions import check_manifest_versions
from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.section import Name
from bevatron.errors import UserError
from bevatron.regular_files import is_there
from bevatron.store.files.checksum import CHECKSUM, check_checksum, with_checksum
from bevatron.store.files.plain_names import Digest
from bevatron.store.records.record import (
    Finite,
    PublishedRecord,
    Record,
    Whole,
    first_problem,
    payload_of,
    publish_record,
    read_model_record,
)
from bevatron.store.shards.contract import GroupInfo, Layout

FILE = "preprocessing.json"
KEPT = {"name", "simulation", "dataset", "task"}


class InputRecord(Record):
    """An input group as the dataset has it."""

    layout: Layout = Field(description="how the group is stored: dense, ragged (lists) or sparse (images)")
    features: tuple[str, ...] = Field(description="names of the features, of images: of the channels")
    units: tuple[str, ...] = Field(description="units of the features")
    shape: tuple[Whole, ...] = Field(description="of one sample (dense, sparse), of one element (ragged)")

    @classmethod
    def of(cls, info: GroupInfo) -> "InputRecord":
        """Of a group of the manifest."""
        return cls(layout=info.layout, features=info.features, units=info.units, shape=info.shape)


class SumRecord(Record):
    """An array of sums over all raw shards."""

    shape: tuple[Whole, ...] = Field(description="of the array")
    values: tuple[Finite, ...] = Field(description="its numbers in C order")

    @model_validator(mode="after")
    def _fills_its_shape(self) -> "SumRecord":
        if len(self.values) != prod(self.shape):
            raise ValueError(f"{len(self.values)} numbers do not fill the shape {self.shape}")
        return self

    @classmethod
    def of(cls, array: np.ndarray) -> "SumRecord":
        """Of an array."""
        return cls(shape=array.shape, values=tuple(map(float, array.ravel())))

    @property
    def array(self) -> np.ndarray:
        """The array, float64."""
        return np.array(self.values, np.float64).reshape(self.shape)


class PreprocessingRecord(PublishedRecord):
    """All of preprocessing.json."""

    REFUSAL: ClassVar[str] = "is no description of a model's inputs"

    study: str = Field(description="name of the study")
    model: str = Field(description="name of the model in the study")
    manifest_sha256: Digest = Field(description="identity of the dataset that the model was trained on")
    dataset_digest: Digest = Field(description="digest of the settings and the code that the samples depend on")
    code_versions: dict[str, Whole] = Field(description="versions of the source, the recipe and the split")
    settings: str = Field(
        description="name, simulation, dataset and task of the study as JSON in a text, as the order of its keys counts"
    )
    groups: dict[Name, InputRecord] = Field(description="the input groups that the model reads")
    target: Name = Field(description="the target that the model has learned")
    parts: tuple[str, ...] = Field(description="names of the target's numbers or labels")
    sums: dict[str, SumRecord] = Field(
        description="sums over all raw shards that the recipe needs, such as for means of missing values"
    )
    threads: Whole = Field(description="CPU threads of the training and the evaluation")

    @staticmethod
    def settings_of(study: DataPart) -> str:
        """The text for `settings`."""
        return json.dumps(study.model_dump(mode="json", include=KEPT), ensure_ascii=False, allow_nan=False)

    def data_part(self, where: Path) -> DataPart:
        """Source, recipe and task as the study had them. Raises UserError where this Bevatron has other code for them,
        or the settings are not those of the dataset.
        """
        check_manifest_versions(where, self.code_versions)
        again = f"run `bevatron train {self.study} {self.model}` again"
        try:
            settings = json.loads(self.settings)
            data = DataPart.model_validate({**settings, "title": self.study, "summary": self.study})
            found = dataset_digest(data)
        except (ValidationError, ValueError, TypeError, RecursionError) as error:
            problem = first_problem(error) if isinstance(error, ValidationError) else str(error).splitlines()[0]
            raise UserError(where, f"{self.REFUSAL}: settings: {problem}", again) from None
        if found != self.dataset_digest:
            what = f"its settings are those of the dataset {found[:12]}…, and it says {self.dataset_digest[:12]}…"
            raise UserError(where, what, again)
        return data


def write_preprocessing(path: Path, record: PreprocessingRecord) -> None:
    """Publishes preprocessing.json, atomically."""
    publish_record(path, record)


def read_preprocessing(path: Path, study: str, model: str) -> PreprocessingRecord:
    """preprocessing.json beside a model's runs.json. Raises UserError as `read_model_record`; for one that is missing
    it says how a model of an earlier Bevatron gets one.
    """
    if not is_there(path):
        todo = f"run `bevatron train {study} {model}`, or the workflow with `--forcerun train`; a model of an earlier "
        todo += "Bevatron gets it so, and no finished fit is repeated"
        raise UserError(path, "is missing", todo)
    return read_model_record(path, PreprocessingRecord, "train", study, model)


def preprocessing_text(record: PreprocessingRecord) -> str:
    """The record as one JSON text with its checksum, for the metadata of an ONNX file."""
    return json.dumps(with_checksum(payload_of(record)), sort_keys=True, ensure_ascii=False, allow_nan=False)


def preprocessing_from(text: str | None, where: Path) -> PreprocessingRecord:
    """The record in the metadata of the ONNX file `where`. Raises UserError where there is none, or a damaged one."""
    again = "run `bevatron export` again"
    if text is None:
        what = "does not say how files become its inputs, as a file of an earlier Bevatron, or of another program"
        raise UserError(where, what, f"{again}, after `bevatron train` if {FILE} is missing beside runs.json")
    try:
        payload: Any = json.loads(text)
        check_checksum(payload, where, again)
        return PreprocessingRecord.model_validate({k: v for k, v in payload.items() if k != CHECKSUM})
    except ValidationError as error:
        raise UserError(where, f"{PreprocessingRecord.REFUSAL}: {first_problem(error)}", again) from None
    except (ValueError, AttributeError, RecursionError):
        raise UserError(where, f"{PreprocessingRecord.REFUSAL}: its metadata are no JSON", again) from None
