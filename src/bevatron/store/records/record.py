"""What all published JSON files have in common: a schema version, a checksum, and errors of one line.

A file is written by `publish_record` and read by `read_record`, and by nothing else. A field that is equal to its
default is not written, so that a file says only what there is to say; all other fields are always there.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.store.files.checksum import CHECKSUM, check_checksum, with_checksum
from bevatron.store.files.publish import publish_json

# Strict: pydantic would take true for 1, '3' for 3 and 3.0 for a whole number.
Whole = Annotated[int, Field(strict=True, ge=0)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
YesNo = Annotated[bool, Field(strict=True)]
MISSING = "missing"  # pydantic's name of the error that a field is not there


class Record(BaseModel):
    """A part of a published file: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedRecord(Record):
    """A whole file."""

    REFUSAL: ClassVar[str]
    """How the one-line error begins for a file that is something else, such as 'is no list of runs'."""

    schema_version: Literal[1] = Field(default=1, description="version of this file's layout")


Published = TypeVar("Published", bound=PublishedRecord)


def publish_record(path: Path, record: PublishedRecord) -> None:
    """Publishes the record with its checksum, atomically; equal records give equal bytes.

    Raises ValueError for NaN and infinities in a part without types, and UserError where the file cannot be written.
    """
    publish_json(path, with_checksum(payload_of(record)))


def payload_of(record: PublishedRecord) -> dict[str, Any]:
    """The content of the record's file, without the checksum."""
    content = record.model_dump(exclude_defaults=True)  # pydantic's mode "json" would make null of NaN
    return {"schema_version": record.schema_version, **content}


def read_record(path: Path, kind: type[Published], command: str) -> Published:
    """The record in `path`.

    command: the one that makes the file. Raises UserError, in one line, for a file that is missing or no JSON, whose
    content does not match its checksum, of another schema version, with a field that is missing, unknown or not what
    it should be, and with NaN or infinities. A file without a checksum, written by hand, is taken as it is.
    """
    path, again = Path(path), f"run `{command}` again"
    try:
        payload = read_json(path)
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except ValueError as error:
        raise UserError(path, f"cannot be read: it is no JSON: {error}", again) from None
    if not isinstance(payload, dict):
        raise UserError(path, f"{kind.REFUSAL}: it holds no mapping", again)
    try:
        check_checksum(payload, path, again)
        _check_version(path, kind, payload, again)
        return kind.model_validate({key: value for key, value in payload.items() if key != CHECKSUM})
    except ValidationError as error:
        raise UserError(path, f"{kind.REFUSAL}: {first_problem(error)}", again) from None
    except RecursionError:
        raise UserError(path, f"{kind.REFUSAL}: it is nested too deeply", again) from None


def read_model_record(path: Path, kind: type[Published], stage: str, study: str, model: str) -> Published:
    """The record in `path` that a stage's command made for a model of a study.

    Raises UserError as `read_record`, and for the record of another study or model.
    """
    command = f"bevatron {stage} {study} {model}"
    record = read_record(path, kind, command)
    check_made_for(path, record, command, study=study, model=model)
    return record


def check_made_for(path: Path, record: PublishedRecord, command: str, **expected: str) -> None:
    """Raises UserError unless the record's fields, such as study and model, have the values expected."""
    for name, value in expected.items():
        found = getattr(record, name)
        if found != value:
            what = "dataset (manifest)" if name == "manifest_sha256" else name
            what = f"was made for the {what} {_format_field(found)}, expected {_format_field(value)}"
            raise UserError(path, what, f"run `{command}` again")


def _format_field(value: str) -> str:
    return f"{value[:12]}…" if len(value) == 64 else format_value(value)


def _check_version(path: Path, kind: type[PublishedRecord], payload: dict[str, Any], again: str) -> None:
    known = kind.model_fields["schema_version"].default
    if "schema_version" not in payload:
        raise UserError(path, f"{kind.REFUSAL}: it has no schema_version", again)
    found = payload["schema_version"]
    if type(found) is not int or found != known:  # true and 1.0 are equal to 1
        what = f"is of schema version {format_value(found)}; this Bevatron reads version {known}"
        raise UserError(path, what, again)


def first_problem(error: ValidationError) -> str:
    """The first of pydantic's complaints in one line: the field, what is wrong, and what was found."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(_step(step) for step in first["loc"])
    what = first["msg"] if first["type"] == MISSING else f"{first['msg']}, found {format_value(first['input'])}"
    return f"{key}: {what}" if key else what


def format_value(value: Any) -> str:
    """The value on one line of 60 characters at most."""
    try:
        text = ascii(value)
    except RecursionError:
        return "values that are nested too deeply"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _step(step: int | str) -> str:
    """A part of a field's place; a key from a hostile file may be long, or hold line breaks."""
    text = str(step)
    return text if len(text) <= 60 and text.isprintable() and text.isascii() else format_value(text)
