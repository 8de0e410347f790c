"""Merge one tree of plain values over another."""

from typing import Any


def merge(base: Any, override: Any) -> Any:
    """`override` over `base`: mappings key by key, anything else replaced."""
    if not (isinstance(base, dict) and isinstance(override, dict)):
        return override
    if "kind" in override and override["kind"] != base.get("kind"):
        return override  # another component: the old one's options mean nothing to it
    return {**base, **{k: merge(base[k], v) if k in base else v for k, v in override.items()}}
