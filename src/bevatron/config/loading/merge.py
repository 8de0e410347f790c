"""Merge one tree of plain values over another."""

from typing import Any


def merge(base: Any, overlay: Any) -> Any:
    """`overlay` over `base`: mappings key by key, anything else replaced."""
    if not (isinstance(base, dict) and isinstance(overlay, dict)):
        return overlay
    if "kind" in overlay and overlay["kind"] != base.get("kind"):
        return overlay  # another component: the old one's options mean nothing to it
    return {**base, **{k: merge(base[k], v) if k in base else v for k, v in overlay.items()}}
