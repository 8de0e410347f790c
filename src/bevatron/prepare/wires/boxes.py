"""Boxes around what an image of the collection plane holds."""

from typing import Literal

import numpy as np
from pydantic import Field

from bevatron.config.sections.section import Count, NonNegative, Section
from bevatron.prepare.wires.charge import Charge
from bevatron.prepare.wires.window import PlaneView

GUN, NEUTRINO, COSMIC = 0, 1, 2  # `origin` of a primary, in bevatron.simulate.argon.tracking.event
CORE = (
    0.01,
    0.99,
)  # quantiles of the charge between which the box lies: photons leave specks far away; neutrons left out


class Boxes(Section):
    """What a box is drawn around. Class -1, and -1 for the corners, mean no box."""

    around: Literal["particles", "interaction"] = Field(
        default="particles",
        description="'particles': each of a gun's particles, its class that of the list of particles; "
        "'interaction': all that comes from a neutrino, class 0",
    )
    max_boxes: Count = Field(default=4, description="most boxes in an image")
    min_charge: NonNegative = Field(
        default=100.0, description="least charge in the image for which there is a box, kilo-electrons"
    )


def find_box(charge: Charge, view: PlaneView, minimum: float) -> np.ndarray | None:
    """(4,): x1, y1, x2, y2 as fractions of the image's width and height; None for too little charge in it."""
    wire, time = charge.wire("y") - view.wire, charge.time - view.time
    inside = (wire >= 0) & (wire < view.width) & (time >= 0) & (time < view.height)
    weight = charge.charge[inside]
    if weight.sum() < max(minimum, 1e-9):
        return None
    x1, x2 = _core_range(wire[inside], weight)
    y1, y2 = _core_range(time[inside], weight)
    corners = np.array([x1 - 1, y1 - 1, x2 + 1, y2 + 1]) / [view.width, view.height, view.width, view.height]
    return np.clip(corners, 0.0, 1.0)


def find_boxes(
    charge: Charge, pdg: np.ndarray, origin: np.ndarray, classes: dict[int, int], view: PlaneView, how: Boxes
) -> np.ndarray:
    """(max_boxes, 5) float32, those with most charge first. pdg, origin (n_primaries,); classes: by PDG code."""
    groups: list[tuple[np.ndarray, int]] = []
    if how.around == "interaction":
        groups.append((np.isin(charge.primary, np.flatnonzero(origin == NEUTRINO)), 0))
    else:
        groups += [(charge.primary == rank, classes[int(pdg[rank])]) for rank in np.flatnonzero(origin == GUN)]
    boxes = []
    for rows, number in groups:
        selected = charge.take(rows & ~charge.from_neutron)
        corners = find_box(selected, view, how.min_charge)
        if corners is not None:
            boxes.append((selected.charge.sum(), [*corners, number]))
    table = np.full((how.max_boxes, 5), -1.0, np.float32)
    for row, (_, box) in enumerate(sorted(boxes, key=lambda entry: -entry[0])[: how.max_boxes]):
        table[row] = box
    return table


def _core_range(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    order = np.argsort(values)
    fraction = np.cumsum(weight[order]) / weight.sum()
    low, high = (values[order][min(np.searchsorted(fraction, q), len(values) - 1)] for q in CORE)
    return float(low), float(high)
