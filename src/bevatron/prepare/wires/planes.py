"""Three planes of parallel wires, at +60°, -60° and 0° to the vertical."""

from typing import Literal

import numpy as np

PITCH = 0.3  # cm, MicroBooNE
ANGLES = {"u": 60.0, "v": -60.0, "y": 0.0}  # degrees from the vertical, in the plane of y and z

Plane = Literal["u", "v", "y"]


def wire_coordinate(y: np.ndarray | float, z: np.ndarray | float, plane: str) -> np.ndarray:
    """The coordinate across the wires, in pitches: z cos θ - y sin θ. Those of u and v add up to that of y."""
    angle = np.radians(ANGLES[plane])
    return (np.asarray(z) * np.cos(angle) - np.asarray(y) * np.sin(angle)) / PITCH


def extent(low: tuple[float, ...], high: tuple[float, ...], plane: str) -> tuple[int, int]:
    """First and last wire (excluded) that a box with these corners lies in front of."""
    corners = [(y, z) for y in (low[1], high[1]) for z in (low[2], high[2])]
    coordinates = [float(wire_coordinate(y, z, plane)) for y, z in corners]
    return int(np.floor(min(coordinates) + 1e-9)), int(np.ceil(max(coordinates) - 1e-9))
