"""Small files about work that is going on, for whoever watches it: replaced as a whole, and never worth an error."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_live(path: Path, value: dict[str, Any] | list[Any]) -> None:
    """Replace the file by `value` as JSON, in one step. It is not flushed to the disk, and a fault is passed over."""
    part = path.with_name(f"{path.name}.part")  # of one writer: whoever works on a folder holds its lock
    with suppress(OSError, ValueError):
        part.write_text(json.dumps(value, allow_nan=False), encoding="utf-8")
        os.replace(part, path)
