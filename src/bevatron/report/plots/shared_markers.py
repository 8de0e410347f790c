"""Copies of a marker share its path: matplotlib copies it to its last number for each line of a tick, which is 7 % of
the time in which a report is drawn.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.markers import MarkerStyle


@contextmanager
def share_markers() -> Iterator[None]:
    """Within it, a marker that is made of another one has the same path and transformation.

    Nothing changes these in their place: a marker that is turned or scaled gets new ones. Where another version of
    matplotlib copies markers elsewhere, all is as without.
    """
    plain = getattr(MarkerStyle, "_set_marker", None)

    def set_marker(self: MarkerStyle, marker: Any) -> None:
        if isinstance(marker, MarkerStyle):
            self.__dict__ = dict(marker.__dict__)
        elif plain is not None:
            plain(self, marker)

    if plain is not None:
        MarkerStyle._set_marker = set_marker  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        if plain is not None:
            MarkerStyle._set_marker = plain  # pyright: ignore[reportAttributeAccessIssue]
