"""How many random numbers the noise of an induction plane takes from an event's stream, which goes on to plane y.

Version 2 of the recipe `lartpc` drew a number for each pixel in which charge gave a signal on its own wire. Images of y
follow from where the planes before it have left the stream. As many numbers are still drawn for u and v, so that images
of y and their training stay as they were; the noise of the pixels that version 3 adds comes from a stream of its own.
When the output of y changes the next time, this module can go.
"""

from functools import lru_cache, partial

import numpy as np

from bevatron.prepare.wires.response import BEFORE, Kernel, apply_response, wire_kernel

WEIGHTING = {"u": (0.43, 1.4, 0.85), "v": (0.34, 0.9, 0.83)}  # of version 2: largest W; rise and fall, µs


def count_noise_draws(
    cells: np.ndarray, plane: str, peaking_time: float, pixel_time: float, margin: int, image: np.ndarray
) -> int:
    """The number of pixels of u or v with a signal in version 2; cells, margin: of `response.apply_response`, emptied;
    image: a buffer, overwritten.
    """
    kernel = _kernel(plane, peaking_time, pixel_time)
    image[:] = 0.0
    apply_response(cells, kernel.first, kernel.values, margin, image)
    return int(np.count_nonzero(image))


@lru_cache
def _kernel(plane: str, peaking_time: float, pixel_time: float) -> Kernel:
    return wire_kernel(partial(_weighting, plane=plane), 0.0, BEFORE, peaking_time, pixel_time)


def _weighting(time: np.ndarray, plane: str) -> np.ndarray:
    largest, rise, fall = WEIGHTING[plane]
    return largest * np.exp(-((time / np.where(time < 0, rise, fall)) ** 2) / 2)
