"""Which part of the readout an image shows."""

from dataclasses import dataclass
from math import lcm
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.sections.section import Count, Section
from bevatron.prepare.wires.charge import Charge
from bevatron.prepare.wires.drift import drift_time
from bevatron.prepare.wires.planes import ANGLES, extent


class Window(Section):
    """The part of the readout in an image, before pixels are summed."""

    show: Literal["charge", "detector"] = Field(
        default="charge",
        description="'charge': a square around the charge of what is not cosmic, its centre off by a random shift, so "
        "that an image's place tells nothing; 'detector': all wires and one drift time from time 0",
    )
    size: Count = Field(default=576, description="wires and time pixels along a side, of 'charge'")
    shift: Count = Field(
        default=32, description="largest random shift of the centre in either direction, pixels, of 'charge'"
    )

    @model_validator(mode="after")
    def _holds_its_centre(self) -> "Window":
        if self.show == "charge" and 2 * self.shift >= self.size:
            raise ValueError(
                f"shift: must be less than half of size, or the charge leaves the image, "
                f"found {self.shift} and {self.size}"
            )
        return self


class Corners(Protocol):
    """A box by its low and high corner, x, y and z in cm."""

    @property
    def low(self) -> tuple[float, float, float]:
        """The corner of least x, y and z."""
        ...

    @property
    def high(self) -> tuple[float, float, float]:
        """The corner of largest x, y and z."""
        ...


class SourceInBox(Protocol):
    """The options of a source whose particles deposit energy in a box."""

    @property
    def box(self) -> Corners:
        """The box."""
        ...


@dataclass(frozen=True)
class PlaneView:
    """A window on one plane: first time pixel, first wire, height and width."""

    time: int
    wire: int
    height: int
    width: int


def detector_views(low: tuple, high: tuple, options: Any) -> dict[str, PlaneView]:
    """All wires of each plane and one drift time, in images of one shape, rounded up to what the sums divide."""
    multiple = lcm(*(image.rebin for image in options.images.values()))
    drift_pixels = float(drift_time(np.array(high[0] - low[0]), options.drift)) / options.electronics.pixel_time
    extents = {plane: extent(low, high, plane) for plane in ANGLES}
    width = _round_up(max(last - first for first, last in extents.values()), multiple)
    height = _round_up(int(np.ceil(drift_pixels)), multiple)
    return {plane: PlaneView(0, first, height, width) for plane, (first, _) in extents.items()}


def image_side(options: Any, low: tuple, high: tuple) -> tuple[int, int]:
    """Height and width in pixels, before any are summed, of the images that the recipe's options make of a box."""
    window = options.window
    if window.show == "charge":
        return window.size, window.size
    view = detector_views(low, high, options)["y"]
    return view.height, view.width


def charge_views(charge: Charge, window: Window, random: np.random.Generator) -> dict[str, PlaneView]:
    """A square around the mean of the charge, in each plane; around the origin where there is none."""
    total = charge.charge.sum()
    shifts = random.integers(-window.shift, window.shift + 1, 1 + len(ANGLES))

    def first(values: np.ndarray, shift: int) -> int:
        mean = float((values * charge.charge).sum() / total) if total > 0 else 0.0
        return int(np.floor(mean)) + int(shift) - window.size // 2

    time = first(charge.time, shifts[0])
    size = window.size
    return {
        plane: PlaneView(time, first(charge.wire(plane), shift), size, size)
        for plane, shift in zip(ANGLES, shifts[1:], strict=True)
    }


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
