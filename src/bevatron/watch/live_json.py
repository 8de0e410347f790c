"""Small JSON files that somebody may be writing, replacing or removing at this moment."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.json_text import parse_json
from bevatron.regular_files import read_text

LIVE_BYTES = 1 << 20


def read_live(path: Path, max_bytes: int = LIVE_BYTES) -> dict[str, Any] | None:
    """The object in the file; None where there is none, or anything else: the next look may find it."""
    with suppress(OSError, ValueError, UserError):
        found = parse_json(read_text(path, max_bytes))
        return found if isinstance(found, dict) else None
    return None


def number(value: Any) -> float | None:
    """The value, if it is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def text(value: Any, default: str = "") -> str:
    """The value, if it is a text."""
    return value if isinstance(value, str) else default
