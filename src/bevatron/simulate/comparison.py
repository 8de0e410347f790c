"""A simulation beside published numbers: what a source offers so that its physics can be checked by eye."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Curve:
    """Points with errors (ours, from the source) or without (published, with their source)."""

    label: str
    x: list[float]
    y: list[float]
    error: list[float] | None = None
    published: bool = False


@dataclass(frozen=True)
class Comparison:
    """One panel: its name, the axes with their units, and its curves.

    caption: what was done, and the published numbers' source; log_x, log_y: logarithmic axes; line: published curves
    are drawn as lines rather than points.
    """

    name: str
    caption: str
    x: str
    y: str
    curves: list[Curve]
    log_x: bool = False
    log_y: bool = False
    line: bool = False

    def to_json(self) -> dict[str, Any]:
        """The panel and its curves as dictionaries and lists, as JSON holds them."""
        return asdict(self)
