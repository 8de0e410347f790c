"""What the electronics make of the charge that arrives: a pulse's width, noise, dead wires, a threshold."""

import numpy as np
from pydantic import Field
from scipy.special import ndtr, ndtri

from bevatron.config.sections.section import NonNegative, Positive, Real, Section, Seed
from bevatron.raw.split import uniform

STEP = 0.1  # kilo-electrons: a digit


class Electronics(Section):
    """The readout, in terms of charge after deconvolution of the wires' response, which is taken as perfect: the pulses
    of all three planes are Gaussian and positive.
    """

    pixel_time: Positive = Field(
        default=3.0, description="time of a pixel, µs: 3 µs are 3.3 mm of drift, six ticks summed"
    )
    shaping: NonNegative = Field(default=1.0, description="standard deviation of a pulse, µs")
    noise: NonNegative = Field(default=1.0, description="standard deviation of the noise of a pixel, kilo-electrons")
    threshold: NonNegative = Field(default=4.0, description="charge below which a pixel is zero, kilo-electrons")
    dead_fraction: Real = Field(
        default=0.0, ge=0, lt=1, description="fraction of wires that are dead, the same in all events"
    )
    dead_seed: Seed = Field(default=1, description="seed that selects the dead wires")


def dead_wires(numbers: np.ndarray, plane: int, electronics: Electronics) -> np.ndarray:
    """Whether the wires `numbers` (n,) of a plane are dead (n,) bool."""
    mixed = (np.asarray(numbers, np.int64) + 1_000_000) * 3 + plane
    return uniform(mixed.astype(np.uint64) + np.uint64(electronics.dead_seed * 10_000_019)) < electronics.dead_fraction


def read_out_pixels(
    charge: np.ndarray, dead: np.ndarray, electronics: Electronics, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels above the threshold of one plane: index (n,) int64 in C order, rising, and value (n,) float32.

    charge (height, width), kilo-electrons; dead (width,) bool. Noise is drawn where there is charge; of the many empty
    pixels only those are made that it lifts above the threshold, which is the same thing.
    """
    flat = charge.ravel()
    index = np.flatnonzero(flat)
    value = flat[index].astype(np.float64)
    empty = len(flat) - len(index)
    if electronics.noise > 0:
        value += random.normal(0.0, electronics.noise, len(value))
        above = 1.0 - ndtr(electronics.threshold / electronics.noise)
        n = random.binomial(empty, above)
        if n:
            where = random.choice(len(flat), min(4 * n + 16, len(flat)), replace=False)
            where = where[flat[where] == 0][:n]
            noise = electronics.noise * -ndtri(above * random.uniform(1e-12, 1, len(where)))
            index, value = np.concatenate([index, where]), np.concatenate([value, noise])
    digits = np.round(value / STEP)
    selected = np.flatnonzero((value >= electronics.threshold) & (digits > 0) & ~dead[index % len(dead)])
    selected = selected[np.argsort(index[selected])]
    return index[selected], (digits[selected] * STEP).astype(np.float32)
