"""How many random numbers the noise of an induction plane takes from an event's stream, which goes on to plane y.

Version 2 of the recipe `lartpc` drew a number for each pixel in which charge gave a signal on its own wire. Images of y
follow from where the planes before it have left the stream. As many numbers are still drawn for u and v, so that images
of y and their training stay as they were; the noise of the pixels that version 3 adds comes from a stream of its own.
When the output of y changes the next time, this module can go.
"""

from functools import lru_cache, partial

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.wires.response import BEFORE, FINE, Kernel, wire_kernel

WEIGHTING = {"u": (0.43, 1.4, 0.85), "v": (0.34, 0.9, 0.83)}  # of version 2: largest W; rise and fall, µs


def count_noise_draws(
    charges: tuple[np.ndarray, np.ndarray, np.ndarray],
    plane: str,
    peaking_time: float,
    pixel_time: float,
    margin: int,
    buffer: np.ndarray,
) -> int:
    """The number of pixels of u or v with a signal in version 2; charges: of `induction.take_charges`; margin: of
    `response.apply_response`; buffer: an image of zeros, which it is again afterwards.
    """
    kernel = _kernel(plane, peaking_time, pixel_time)
    return _count_pixels(*charges, kernel.first, kernel.values, margin, buffer)


@compiled
def _count_pixels(rows, columns, charges, first, kernel, margin, image):
    """The sums are those of version 2 to the last bit, as some are 0 by chance."""
    height, n = image.shape[0], kernel.shape[1]
    for i in range(len(charges)):
        pixel, part = rows[i] // FINE - margin + first, kernel[rows[i] % FINE]
        for k in range(max(0, -pixel), min(n, height - pixel)):
            image[pixel + k, columns[i]] += np.float32(charges[i] * part[k])
    found = 0
    for i in range(len(charges)):
        pixel = rows[i] // FINE - margin + first
        for k in range(max(0, -pixel), min(n, height - pixel)):
            if image[pixel + k, columns[i]] != 0.0:
                found += 1
                image[pixel + k, columns[i]] = 0.0
    return found


@lru_cache
def _kernel(plane: str, peaking_time: float, pixel_time: float) -> Kernel:
    return wire_kernel(partial(_weighting, plane=plane), 0.0, BEFORE, peaking_time, pixel_time)


def _weighting(time: np.ndarray, plane: str) -> np.ndarray:
    largest, rise, fall = WEIGHTING[plane]
    return largest * np.exp(-((time / np.where(time < 0, rise, fall)) ** 2) / 2)
