"""Digests and seeds that follow from what they stand for, on every machine alike."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel


def canonical(value: Any) -> str:
    """One JSON text for one value: sorted keys, no spaces, sections as mappings. NaN and infinities are refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain, allow_nan=False)


def digest_of(*values: Any) -> str:
    """SHA-256 of the values' canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def seed_of(*values: Any) -> int:
    """A 63-bit seed for a random number generator; equal values give equal seeds, others independent ones."""
    return int(digest_of(*values)[:16], 16) >> 1


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"a digest of {type(value).__name__} is not defined")
