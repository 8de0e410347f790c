"""Types of what is read from a file and becomes a part of a path: it cannot lead out of its folder."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from bevatron.errors import UserError

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in hexadecimal digits")]
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=200, description="a name without a folder")
]
RelativePath = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$",
        max_length=1000,
        description="folders and a name, none of them hidden or '..'",
    ),
]


def inside(folder: Path, name: str) -> Path:
    """`folder`/`name`. Raises UserError for a name that is no relative path of plain names: it could lead elsewhere."""
    try:
        return folder / _RELATIVE.validate_python(name)
    except ValidationError:
        raise UserError(folder, f"{name[:60]!r} cannot be the name of a file in it", "name things plainly") from None


_RELATIVE = TypeAdapter(RelativePath)
