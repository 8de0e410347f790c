"""A digest inside a file of plain values (JSON, YAML), by which its readers see a damage that still reads well.

One turned bit makes another number of a number. A file written by hand, or by an older version, has no checksum and is
taken as it is; a damage cannot remove the checksum and leave a file that can be read, with other values in it.
"""

from pathlib import Path
from typing import Any

from bevatron.config.loading.digest import digest_of
from bevatron.errors import UserError

CHECKSUM = "sha256"


def with_checksum(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with the digest of its content, which comes first so that a file cut short has it still."""
    content = {key: value for key, value in payload.items() if key != CHECKSUM}
    return {CHECKSUM: digest_of("sealed", content), **content}


def check_checksum(payload: Any, path: Path, todo: str) -> None:
    """Raises UserError, naming `path`, for values that are not those of which the checksum was made."""
    if isinstance(payload, dict) and CHECKSUM in payload and with_checksum(payload)[CHECKSUM] != payload[CHECKSUM]:
        raise UserError(path, "its content does not match its own digest: it was changed or damaged", todo)
