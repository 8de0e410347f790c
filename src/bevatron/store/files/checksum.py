"""A digest inside a file of plain values (JSON, YAML), by which its readers see a damage that still reads well.

One turned bit makes another number of a number. A file written by hand, or by an older version, has no seal and is
taken as it is; a damage cannot take a seal away and leave a file that can be read, with other values in it.
"""

from pathlib import Path
from typing import Any

from bevatron.config.loading.digest import digest_of
from bevatron.errors import UserError

SEAL = "sha256"


def with_checksum(payload: dict[str, Any]) -> dict[str, Any]:
    """The tree with the digest of its content, which comes first so that a file cut short has it still."""
    content = {key: value for key, value in payload.items() if key != SEAL}
    return {SEAL: digest_of("sealed", content), **content}


def check_checksum(payload: Any, path: Path, todo: str) -> None:
    """Raises UserError, naming `path`, for values that are not those that were sealed."""
    if isinstance(payload, dict) and SEAL in payload and with_checksum(payload)[SEAL] != payload[SEAL]:
        raise UserError(path, "its content does not match its own digest: it was changed or damaged", todo)
