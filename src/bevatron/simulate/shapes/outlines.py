"""Outlines of shapes as a distance from the centre that depends on the direction; all enclose the same area."""

from collections.abc import Callable

import numpy as np

INNER = 0.45  # of a star: radius of its inner corners over that of its tips


def disc(angle: np.ndarray) -> np.ndarray:
    """Radius of a disc with area 1, by direction [rad]."""
    return np.full_like(angle, np.sqrt(1.0 / np.pi))


def polygon(angle: np.ndarray, corners: int) -> np.ndarray:
    """Distance to the edge of a regular polygon with area 1, by direction [rad]; a corner is at angle 0.

    Edges have the distance a from the centre, with area n a² tan(π / n).
    """
    apothem = np.sqrt(1.0 / (corners * np.tan(np.pi / corners)))
    from_edge = np.mod(angle, 2 * np.pi / corners) - np.pi / corners
    return apothem / np.cos(from_edge)


def star(angle: np.ndarray, tips: int = 5) -> np.ndarray:
    """Distance to the edge of a star with area 1, by direction [rad]; a tip is at angle 0.

    Between the tip (R, 0) and the inner corner r at π / n the edge is straight; the 2 n triangles have the area
    n R r sin(π / n).
    """
    sector = np.pi / tips
    tip = np.sqrt(1.0 / (tips * INNER * np.sin(sector)))
    folded = np.abs(np.mod(angle + sector, 2 * sector) - sector)  # 0 at a tip, π / n at an inner corner
    inner = INNER * tip
    return tip * inner * np.sin(sector) / (tip * np.sin(folded) + inner * np.sin(sector - folded))


OUTLINES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "disc": disc,
    "square": lambda angle: polygon(angle, 4),
    "triangle": lambda angle: polygon(angle, 3),
    "star": star,
}
