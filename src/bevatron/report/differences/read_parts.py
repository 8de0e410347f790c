"""Reading files that another Bevatron may have written: whole, or refused in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bevatron.config.sections.section import Name
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.report.differences.recorded import RecordedPart
from bevatron.store.files.checksum import check_checksum
from bevatron.store.records.record import first_problem

GET_AGAIN = "copy the report again, or run `bevatron report-study` again"
_NAME = TypeAdapter(Name)
AnyPart = TypeVar("AnyPart", bound=RecordedPart)


def is_study_name(name: str) -> bool:
    """Whether a folder's name can be that of a study."""
    try:
        return bool(_NAME.validate_python(name))
    except ValidationError:
        return False


def read_mapping(path: Path, check: Callable[[Any, Path, str], None] = check_checksum) -> dict[str, Any]:
    """The mapping of a JSON file, whose checksum is checked; raises UserError for anything else."""
    try:
        payload = read_json(path)
    except FileNotFoundError:
        raise UserError(path, "is missing", GET_AGAIN) from None
    except ValueError as error:
        raise UserError(path, f"cannot be read: it is no JSON: {error}", GET_AGAIN) from None
    if not isinstance(payload, dict):
        raise UserError(path, "holds no mapping", GET_AGAIN)
    try:
        check(payload, path, GET_AGAIN)
    except RecursionError:
        raise UserError(path, "is nested too deeply", GET_AGAIN) from None
    return payload


def parse(path: Path, kind: type[AnyPart], payload: dict[str, Any]) -> AnyPart:
    """The payload's known parts; raises UserError for one that is not what it should be."""
    try:
        return kind.model_validate(payload)
    except ValidationError as error:
        raise UserError(path, f"cannot be compared: {first_problem(error)}", GET_AGAIN) from None
    except RecursionError:
        raise UserError(path, "is nested too deeply", GET_AGAIN) from None
