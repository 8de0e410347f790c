"""The ten classes of coloured shapes: each is a shape, a texture and a colour, and nothing else."""

from typing import NamedTuple

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])  # brightness of red, green and blue (ITU-R BT.601), as in the recipe `images`


class ShapeClass(NamedTuple):
    """shape, texture: names in `outlines.OUTLINES` and `drawing.TEXTURES`; colour: index in red, green, blue."""

    shape: str
    texture: str
    colour: int


RED, GREEN, BLUE = range(3)

CLASSES: dict[str, ShapeClass] = {
    "red_disc": ShapeClass("disc", "plain", RED),
    "green_disc": ShapeClass("disc", "plain", GREEN),
    "red_square": ShapeClass("square", "plain", RED),
    "green_square": ShapeClass("square", "plain", GREEN),
    "red_striped_square": ShapeClass("square", "striped", RED),
    "blue_striped_square": ShapeClass("square", "striped", BLUE),
    "blue_triangle": ShapeClass("triangle", "plain", BLUE),
    "blue_striped_triangle": ShapeClass("triangle", "striped", BLUE),
    "blue_star": ShapeClass("star", "plain", BLUE),
    "blue_chequered_star": ShapeClass("star", "chequered", BLUE),
}


def pairs_by(part: str) -> list[tuple[str, str]]:
    """Pairs of classes that differ in this part alone: 'shape', 'texture' or 'colour'."""
    names = list(CLASSES)
    return [
        (a, b)
        for k, a in enumerate(names)
        for b in names[k + 1 :]
        if [key for key in ShapeClass._fields if getattr(CLASSES[a], key) != getattr(CLASSES[b], key)] == [part]
    ]


def chroma(angle: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3) in red, green, blue that leave the brightness as it is, by their angle in that plane [rad].

    Angle 0 is towards red. A brightness Y and a vector c with LUMA · c = 0 make the pixel Y (1 + c), whose brightness
    is Y again, as the numbers of LUMA add up to one.
    """
    first = np.array([1.0, 0.0, 0.0]) - LUMA[0]  # LUMA · (e - LUMA[e]) = LUMA[e] - LUMA[e] = 0
    first /= np.linalg.norm(first)
    second = np.cross(LUMA / np.linalg.norm(LUMA), first - LUMA * (LUMA @ first) / (LUMA @ LUMA))
    return np.cos(angle)[..., None] * first + np.sin(angle)[..., None] * second


def hue(colour: int) -> float:
    """The angle of red, green or blue for `chroma`: where the projection of this colour on the plane points [rad]."""
    towards = -LUMA[colour] * np.ones(3)
    towards[colour] += 1.0
    first, second = chroma(np.array([0.0, np.pi / 2]))
    return float(np.arctan2(towards @ second, towards @ first))
