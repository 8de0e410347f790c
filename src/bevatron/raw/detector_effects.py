"""What a simulated detector does to an event, effect by effect: what a recipe offers so that it can be seen."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bevatron.raw.comparison import Comparison


@dataclass(frozen=True)
class EffectImage:
    """An image of one event with one effect. extent: x and y of the left, right, lower and upper edge; shape: rows and
    columns, the lowest row first; index, value: the pixels that are not 0, in C order; unit: of a pixel.
    """

    title: str
    x: str
    y: str
    unit: str
    extent: tuple[float, float, float, float]
    shape: tuple[int, int]
    index: list[int]
    value: list[float]

    @classmethod
    def of(
        cls, title: str, labels: tuple[str, str, str], extent: tuple[float, float, float, float], image: np.ndarray
    ) -> "EffectImage":
        """The same of an array (rows, columns), rounded to three decimals; labels: of x, y, and the unit."""
        index = np.flatnonzero(image)
        value = [round(float(v), 3) for v in image.ravel()[index]]
        return cls(title, *labels, extent, (image.shape[0], image.shape[1]), index.tolist(), value)


@dataclass(frozen=True)
class DetectorEffects:
    """One event's images, then panels with curves; caption: of all of them."""

    caption: str
    images: list[EffectImage]
    panels: list[Comparison]

    def to_json(self) -> dict[str, Any]:
        """Dictionaries and lists, as JSON holds them."""
        return asdict(self)
