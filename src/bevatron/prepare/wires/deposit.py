"""Charge that arrives at a plane, filled into pixels. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled

REACH = 3.5  # standard deviations; beyond, 0.05 % of the charge go to the outermost pixels
ROOT2 = math.sqrt(2.0)


@compiled
def fill_image(image, time, wire, charge, sigma_time, sigma_wire):
    """Adds clouds of charge (n,) to image (height, width): each a Gaussian in both directions, integrated over pixels.

    time, wire (n,): in pixels from the image's corner; sigmas (n,) in pixels. What falls outside is lost.
    """
    height, width = image.shape
    for i in range(len(charge)):
        st, sw = max(sigma_time[i], 1e-6), max(sigma_wire[i], 1e-6)
        top, bottom = math.floor(time[i] - REACH * st), math.floor(time[i] + REACH * st)
        left, right = math.floor(wire[i] - REACH * sw), math.floor(wire[i] + REACH * sw)
        if bottom < 0 or top >= height or right < 0 or left >= width:
            continue
        before_row = 0.0
        for row in range(top, bottom + 1):
            after_row = 1.0 if row == bottom else 0.5 * (1.0 + math.erf((row + 1 - time[i]) / (ROOT2 * st)))
            fraction = charge[i] * (after_row - before_row)
            before_row = after_row
            if row < 0 or row >= height:
                continue
            before = 0.0
            for column in range(left, right + 1):
                after = 1.0 if column == right else 0.5 * (1.0 + math.erf((column + 1 - wire[i]) / (ROOT2 * sw)))
                if 0 <= column < width:
                    image[row, column] += np.float32(fraction * (after - before))
                before = after
