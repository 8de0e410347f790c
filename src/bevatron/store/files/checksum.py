"""A digest inside a file of plain values (JSON, YAML), by which its readers see a damage that still reads well.

One turned bit makes another number of a number. A file written by hand, or by an older version, has no seal and is
taken as it is; a damage cannot take a seal away and leave a file that can be read, with other values in it.
"""

from pathlib import Path
from typing import Any

from bevatron.config.loading.digest import digest_of
from bevatron.errors import UserError

SEAL = "sha256"


def with_checksum(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree with the digest of its content, which comes first so that a file cut short has it still."""
    content = {key: value for key, value in tree.items() if key != SEAL}
    return {SEAL: digest_of("sealed", content), **content}


def check_checksum(tree: Any, path: Path, todo: str) -> None:
    """Raises UserError, naming `path`, for values that are not those that were sealed."""
    if isinstance(tree, dict) and SEAL in tree and with_checksum(tree)[SEAL] != tree[SEAL]:
        raise UserError(path, "its content does not match its own digest: it was changed or damaged", todo)
