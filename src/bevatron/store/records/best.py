"""`best.yaml`: the values that a search found, as training and report read them."""

from pathlib import Path
from typing import Any

import yaml

from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.errors import UserError
from bevatron.regular_files import read_text
from bevatron.store.files.checksum import check_checksum


def read_best(path: Path, command: str) -> dict[str, Any]:
    """The content of best.yaml; its `values` are a mapping by dotted key.

    command: the one that makes the file. Raises UserError, in one line, for a file that is missing or no YAML, whose
    content does not match its checksum, and that has no values.
    """
    again = f"run `{command}` again"
    try:
        payload = parse_yaml(read_text(path))
    except FileNotFoundError:
        raise UserError(path, "is missing", f"run `{command}`, or the workflow") from None
    except UnicodeDecodeError as error:
        raise UserError(path, f"is not UTF-8 text: {error.reason} at byte {error.start}", again) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise UserError(where, f"is not YAML: {getattr(error, 'problem', error)}", again) from None
    check_checksum(payload, path, again)
    if not isinstance(payload, dict) or not isinstance(payload.get("values"), dict):
        raise UserError(path, "is no result of a search: it has no mapping 'values'", again)
    return payload
