"""What a wire's amplifier gives for the charge that drifts past it: induced current, and the electronics' pulse.

The current that a moving charge q induces is q dW/dt (S. Ramo, Proc. IRE 27 (1939) 584), W being the wire's weighting
potential where the charge is. On the induction planes u and v, which all charge passes, W rises from 0 and falls to 0
again: the current is bipolar, and its integral is 0. On the collection plane y it rises from 0 to 1: the current is
unipolar, and its integral is the charge. The forms of W are ours:

    u, v: W(t) = w exp(-t² / 2 σ²), σ = rise for t < 0 and fall for t > 0;    y: W(t) = Φ(t / width).

The numbers are those of the field calculation behind arXiv:1802.08709, as its authors ship it (file
ub-10-half.json of github.com/WireCell/wire-cell-data), averaged over the places between two wires. W reaches 0.43 on u
and 0.34 on v. It is above half of that for 1.8 µs before and 1.0 µs after on u, for 1.1 and 1.0 µs on v; on y, 68 % of
the charge is induced within 1.9 µs. Left out: what is induced on neighbouring wires, which matters on u, where W begins
10 µs earlier, and how the field depends on the place between wires.

The electronics are a semi-Gaussian shaper of fifth order (S. Ohkawa et al., Nucl. Instrum. Meth. 138 (1976) 85), whose
poles are scaled so that the pulse of a point charge rises from 1 % of its peak to the peak within `peaking_time`.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.optimize import brentq
from scipy.special import ndtr

from bevatron.compute.numerics.compiled import compiled
from bevatron.config.sections.section import Positive, Section

GAIN = 14.0  # mV/fC at the pulse's peak: MicroBooNE's (arXiv:1705.07341, arXiv:1804.02583)
FC_PER_KE = 0.1602176634  # fC in a thousand electrons
FINE = 3  # cells of a pixel along time in which charge is collected before the response is applied
POLES = np.array(
    [-1.4766878, -1.4166647 + 0.5978596j, -1.4166647 - 0.5978596j, -1.2036832 + 1.2994843j, -1.2036832 - 1.2994843j]
)
BEFORE, AFTER = 12.0, 12.0  # µs around the arrival; less than a part in 10^4 of the pulse is beyond
STEP = 0.01  # µs, of the table of the response


class InducedCharge(NamedTuple):
    """W's largest value, and its standard deviations before and after, µs."""

    largest: float
    rise: float
    fall: float


INDUCTION = {"u": InducedCharge(0.43, 1.4, 0.85), "v": InducedCharge(0.34, 0.9, 0.83)}
COLLECTION_WIDTH = 0.95  # µs


class Response(Section):
    """What pixels hold of a wire's signal."""

    signal: Literal["deconvolved", "waveform"] = Field(
        default="deconvolved",
        description="'deconvolved': the charge, as if the response of wires and electronics had been undone perfectly: "
        "Gaussian, positive pulses on all planes; 'waveform': the amplifiers' signal, bipolar on the induction planes "
        "u and v and unipolar on y, in units in which the pulses of y add up to the charge",
    )
    peaking_time: Positive = Field(default=2.0, description="peaking time of the electronics' pulse, µs, of 'waveform'")
    rectify: bool = Field(
        default=True,
        description="pixels of u and v without their sign, of 'waveform': with it, bipolar pulses cancel where pixels "
        "are summed",
    )


@lru_cache
def shaper_rates(peaking_time: float) -> np.ndarray:
    """(5,) complex: the rates of the shaper's exponentials, 1/µs."""
    peak: Any = brentq(lambda t: _pulse(t, -POLES, slope=True), 1.0, 3.0, xtol=1e-12)
    begin: Any = brentq(lambda t: _pulse(t, -POLES) - 0.01 * _pulse(peak, -POLES), 0.0, peak, xtol=1e-12)
    return -POLES * (peak - begin) / peaking_time


def shaper_pulse(time: np.ndarray, peaking_time: float) -> np.ndarray:
    """The pulse of a point charge (n,) at `time` (n,) µs after it, of integral 1, in 1/µs."""
    return np.where(time > 0, _pulse(np.maximum(time, 0.0), shaper_rates(peaking_time)), 0.0)


def induced_current(time: np.ndarray, plane: str) -> np.ndarray:
    """dW/dt (n,) in 1/µs of a charge that reaches the plane at time 0; time (n,) µs."""
    if plane in INDUCTION:
        largest, rise, fall = INDUCTION[plane]
        sigma = np.where(time < 0, rise, fall)
        return -largest * time / sigma**2 * np.exp(-((time / sigma) ** 2) / 2)
    return np.exp(-((time / COLLECTION_WIDTH) ** 2) / 2) / np.sqrt(2 * np.pi) / COLLECTION_WIDTH


def induced_charge(time: np.ndarray, plane: str) -> np.ndarray:
    """W (n,), the integral of `induced_current` up to time (n,) µs."""
    if plane in INDUCTION:
        largest, rise, fall = INDUCTION[plane]
        return largest * np.exp(-((time / np.where(time < 0, rise, fall)) ** 2) / 2)
    return ndtr(time / COLLECTION_WIDTH)


def millivolts(rate: np.ndarray, peaking_time: float) -> np.ndarray:
    """The amplifier's output, mV, of a signal in thousand electrons per µs whose pulse has the integral 1."""
    highest = float(shaper_pulse(np.arange(0.0, 4 * peaking_time, STEP), peaking_time).max())
    return rate * FC_PER_KE * GAIN / highest


class Kernel(NamedTuple):
    """The response in pixels: `values` (FINE, n) of charge that arrives evenly within each cell of pixel 0, in the
    pixels first, first + 1, …; electrons for an electron.
    """

    first: int
    values: np.ndarray


@lru_cache
def pixel_kernel(plane: str, peaking_time: float, pixel_time: float) -> Kernel:
    """The pulse of a plane, integrated over pixels. The electronics' mean delay is taken off, as calibrations do."""
    time = np.arange(-BEFORE - 8.0, AFTER + 8.0, STEP)
    pulse = shaper_pulse(np.arange(0.0, 10.0 * peaking_time, STEP) + STEP / 2, peaking_time) * STEP
    delay = float(np.real((1 / shaper_rates(peaking_time)).sum()))
    charge = np.convolve(induced_charge(time, plane), pulse / pulse.sum())[: len(time)]  # induced until each time
    shifted = time + STEP / 2 - delay
    integral = np.concatenate([[0.0], np.cumsum((charge[1:] + charge[:-1]) / 2)]) * STEP
    first, last = int(np.floor(-BEFORE / pixel_time)), int(np.ceil(AFTER / pixel_time))
    edges = np.arange(first, last + 2) * pixel_time
    cell = pixel_time / FINE
    values = []
    for k in range(FINE):
        until = np.interp(edges - k * cell, shifted, integral) - np.interp(edges - (k + 1) * cell, shifted, integral)
        values.append(np.diff(until / cell))
    kernel = np.array(values)
    total = 0.0 if plane in INDUCTION else 1.0
    return Kernel(first, kernel + (total - kernel.sum(1, keepdims=True)) / kernel.shape[1])


def fine_shape(height: int, width: int, pixel_time: float) -> tuple[int, int, int]:
    """Rows, columns of the cells that are needed for an image, and how many pixels of them are before its first row."""
    margin = int(np.ceil(max(BEFORE, AFTER) / pixel_time)) + 1
    return (height + 2 * margin) * FINE, width, margin


@compiled
def apply_response(cells, first, kernel, margin, image):
    """Adds the signals of the charge in `cells` (rows, width) to image (height, width), and empties the cells."""
    height, width = image.shape
    n = kernel.shape[1]
    for row in range(cells.shape[0]):
        pixel = row // FINE - margin + first
        part = kernel[row % FINE]
        for column in range(width):
            charge = cells[row, column]
            if charge != 0.0:
                cells[row, column] = 0.0
                for k in range(max(0, -pixel), min(n, height - pixel)):
                    image[pixel + k, column] += np.float32(charge * part[k])


def _residues(rates: np.ndarray) -> np.ndarray:
    differences = rates[None, :] - rates[:, None] + np.eye(len(rates))
    return rates.prod() / differences.prod(1)


def _pulse(time: np.ndarray | float, rates: np.ndarray, slope: bool = False) -> np.ndarray:
    factors = _residues(rates) * (-rates if slope else 1.0)
    return np.real(np.exp(-np.asarray(time)[..., None] * rates) @ factors)
