"""What the electronics make of the charge that arrives: a pulse's width, noise, dead wires, a threshold."""

import numpy as np
from pydantic import Field
from scipy.special import ndtr, ndtri

from bevatron.config.sections.section import Count, NonNegative, Positive, Real, Section, Seed
from bevatron.prepare.wires.noise import coherent_noise, noise_above
from bevatron.raw.split import uniform

STEP = 0.1  # kilo-electrons: a digit


class Electronics(Section):
    """The readout: noise, dead wires and a threshold, in terms of charge."""

    pixel_time: Positive = Field(
        default=3.0, description="time of a pixel, µs: 3 µs are 3.3 mm of drift, six ticks summed"
    )
    shaping: NonNegative = Field(default=1.0, description="standard deviation of a pulse, µs, of deconvolved signals")
    noise: NonNegative = Field(default=1.0, description="standard deviation of the noise of a pixel, kilo-electrons")
    coherent_noise: NonNegative = Field(
        default=0.0,
        description="standard deviation of the noise of a pixel that all wires of a board share, beside `noise`, "
        "kilo-electrons",
    )
    coherent_time: Positive = Field(default=5.0, description="correlation time of that noise, µs: below 30 kHz")
    board: Count = Field(default=48, description="neighbouring wires of a plane that share electronics")
    threshold: NonNegative = Field(default=4.0, description="charge below which a pixel is zero, kilo-electrons")
    dead_fraction: Real = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="fraction of wires that are dead, the same in all events; about a tenth in MicroBooNE, "
        "arXiv:1705.07341",
    )
    dead_block: Count = Field(default=16, description="neighbouring wires that die together: the channels of a chip")
    dead_seed: Seed = Field(default=1, description="seed that selects the dead wires")


def dead_wires(numbers: np.ndarray, plane: int, electronics: Electronics) -> np.ndarray:
    """Whether the wires `numbers` (n,) of a plane are dead (n,) bool: whole blocks of `dead_block` wires are.

    It follows from number, plane and `dead_seed` alone, so that a wire is dead in all events, shards and windows.
    """
    block = np.asarray(numbers, np.int64) // electronics.dead_block
    mixed = (block + 1_000_000) * 3 + plane
    return uniform(mixed.astype(np.uint64) + np.uint64(electronics.dead_seed * 10_000_019)) < electronics.dead_fraction


def read_out_pixels(
    charge: np.ndarray,
    dead: np.ndarray,
    electronics: Electronics,
    random: np.random.Generator,
    first_wire: int = 0,
    signed: bool = False,
    draws: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels above the threshold of one plane: index (n,) int64 in C order, rising, and value (n,) float32.

    charge (height, width), kilo-electrons; dead (width,) bool; first_wire: the number of the first, which says which
    wires share a board; signed: the threshold is on the size of a signal that has both signs. Noise is drawn where
    there is charge; of the many empty pixels only those are made that it lifts above the threshold, which is the same
    thing. draws: how many of the numbers for pixels with a signal `random` gives, whatever their number; the others are
    of a stream that it spawns (`noise_draws.py`); None: all.
    """
    flat = charge.ravel()
    height, width = charge.shape
    index = np.flatnonzero(flat)
    value = flat[index].astype(np.float64)
    if electronics.coherent_noise > 0 or (signed and electronics.noise > 0):
        boards = (first_wire + np.arange(width)) // electronics.board
        boards -= boards[0]
        correlation = np.exp(-electronics.pixel_time / electronics.coherent_time)
        shared = coherent_noise(height, boards[-1] + 1, electronics.coherent_noise, correlation, random)
        value += shared[index // width, boards[index % width]] + _own_noise(
            len(value), draws, electronics.noise, random
        )
        where, noise = noise_above(shared, boards, electronics.noise, electronics.threshold, signed, random)
        empty = flat[where] == 0
        index, value = np.concatenate([index, where[empty]]), np.concatenate([value, noise[empty]])
    elif electronics.noise > 0:
        value += random.normal(0.0, electronics.noise, len(value))
        above = 1.0 - ndtr(electronics.threshold / electronics.noise)
        n = random.binomial(len(flat) - len(index), above)
        if n:
            where = random.choice(len(flat), min(4 * n + 16, len(flat)), replace=False)
            where = where[flat[where] == 0][:n]
            noise = electronics.noise * -ndtri(above * random.uniform(1e-12, 1, len(where)))
            index, value = np.concatenate([index, where]), np.concatenate([value, noise])
    digits = np.round(value / STEP)
    size, size_digits = (np.abs(value), np.abs(digits)) if signed else (value, digits)
    selected = np.flatnonzero((size >= electronics.threshold) & (size_digits > 0) & ~dead[index % width])
    selected = selected[np.argsort(index[selected])]
    return index[selected], (digits[selected] * STEP).astype(np.float32)


def _own_noise(n: int, draws: int | None, sigma: float, random: np.random.Generator) -> np.ndarray:
    if draws is None:
        return random.normal(0.0, sigma, n)
    noise, further = random.normal(0.0, sigma, draws), random.spawn(1)[0]
    return np.concatenate([noise, further.normal(0.0, sigma, max(n - draws, 0))])[:n]
