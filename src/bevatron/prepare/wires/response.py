"""What a wire's amplifier gives for the charge that drifts past it: induced current, and the electronics' pulse.

The current that a moving charge q induces is q dW/dt (S. Ramo, Proc. IRE 27 (1939) 584), W being the wire's weighting
potential where the charge is. On the induction planes u and v, which all charge passes, W rises from 0 and falls to 0
again, on the wire nearest to the charge and on those beside it: the current is bipolar, and its integral is 0. There W
comes from the field of the wires (`field.py`, `induction.py`). On the collection plane y it rises from 0 to 1: the
current is unipolar, and its integral is the charge. We take W(t) = Φ(t / width) for it; 68 % of the charge is induced
within 1.9 µs in the field calculation of arXiv:1802.08709, as its authors ship it (file ub-10-half.json of
github.com/WireCell/wire-cell-data). Left out: how the field depends on the place between two wires, over which W is
averaged; what charge induces on the wires of y beside its own.

The electronics are a semi-Gaussian shaper of fifth order (S. Ohkawa et al., Nucl. Instrum. Meth. 138 (1976) 85), whose
poles are scaled so that the pulse of a point charge rises from 1 % of its peak to the peak within `peaking_time`.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.optimize import brentq
from scipy.special import ndtr

from bevatron.compute.numerics.compiled import compiled
from bevatron.config.sections.section import Positive, Section
from bevatron.prepare.wires.deposit import REACH
from bevatron.prepare.wires.induction import INDUCTION_PLANES, START, WIRES, induced_on_wire

GAIN = 14.0  # mV/fC at the pulse's peak: MicroBooNE's (arXiv:1705.07341, arXiv:1804.02583)
FC_PER_KE = 0.1602176634  # fC in a thousand electrons
FINE = 3  # cells of a pixel along time in which charge is collected before the response is applied
POLES = np.array(
    [-1.4766878, -1.4166647 + 0.5978596j, -1.4166647 - 0.5978596j, -1.2036832 + 1.2994843j, -1.2036832 - 1.2994843j]
)
BEFORE, AFTER = 12.0, 12.0  # µs around the arrival on y; less than a part in 10^4 of the pulse is beyond
STEP = 0.01  # µs, of the table of the response
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


def induced_charge(time: np.ndarray, plane: str, wire: int = 0) -> np.ndarray:
    """W (n,): the fraction of a charge that it has induced until time (n,) µs, at 0 of which it reaches the plane, on
    the wire nearest to it, or on u and v on that `wire` wires beside.
    """
    if plane in INDUCTION_PLANES:
        return induced_on_wire(time, plane, wire)
    return ndtr(time / COLLECTION_WIDTH)


def millivolts(rate: np.ndarray, peaking_time: float) -> np.ndarray:
    """The amplifier's output, mV, of a signal in thousand electrons per µs whose pulse has the integral 1."""
    highest = float(shaper_pulse(np.arange(0.0, 4 * peaking_time, STEP), peaking_time).max())
    return rate * FC_PER_KE * GAIN / highest


class Kernel(NamedTuple):
    """The response in pixels: `values` (FINE, n) of charge that arrives evenly within each cell of pixel 0, in the
    pixels first, first + 1, …; electrons for an electron. On u and v (FINE, n, 2 WIRES + 1), the charge being at the
    wire in the middle.
    """

    first: int
    values: np.ndarray


@lru_cache
def pixel_kernel(plane: str, peaking_time: float, pixel_time: float) -> Kernel:
    """The pulse of a plane, integrated over pixels. The electronics' mean delay is taken off, as calibrations do."""
    if plane not in INDUCTION_PLANES:
        return wire_kernel(partial(induced_charge, plane=plane), 1.0, BEFORE, peaking_time, pixel_time)
    wires = [
        wire_kernel(partial(induced_charge, plane=plane, wire=wire), 0.0, -START, peaking_time, pixel_time)
        for wire in range(WIRES + 1)
    ]
    values = np.stack([wires[abs(wire)].values for wire in range(-WIRES, WIRES + 1)], axis=2)
    return Kernel(wires[0].first, values.astype(np.float32))


def wire_kernel(
    induced: Callable[[np.ndarray], np.ndarray], total: float, before: float, peaking_time: float, pixel_time: float
) -> Kernel:
    """Of one wire; induced: W at times in µs, from 0 at -`before` to `total`, which is the sum of the kernel."""
    time = np.arange(-before - 8.0, AFTER + 8.0, STEP)
    pulse = shaper_pulse(np.arange(0.0, 10.0 * peaking_time, STEP) + STEP / 2, peaking_time) * STEP
    delay = float(np.real((1 / shaper_rates(peaking_time)).sum()))
    charge = np.convolve(induced(time), pulse / pulse.sum())[: len(time)]  # induced until each time
    shifted = time + STEP / 2 - delay
    integral = np.concatenate([[0.0], np.cumsum((charge[1:] + charge[:-1]) / 2)]) * STEP
    first, last = int(np.floor(-before / pixel_time)), int(np.ceil(AFTER / pixel_time))
    edges = np.arange(first, last + 2) * pixel_time
    cell = pixel_time / FINE
    values = []
    for k in range(FINE):
        until = np.interp(edges - k * cell, shifted, integral) - np.interp(edges - (k + 1) * cell, shifted, integral)
        values.append(np.diff(until / cell))
    kernel = np.array(values)
    return Kernel(first, kernel + (total - kernel.sum(1, keepdims=True)) / kernel.shape[1])


def fine_shape(height: int, width: int, pixel_time: float) -> tuple[int, int, int]:
    """Rows, columns of the cells that are needed for an image, and how many pixels of them are before its first row."""
    margin = int(np.ceil(max(BEFORE, AFTER) / pixel_time)) + 1
    return (height + 2 * margin) * FINE, width, margin


def charged_cells(cells: np.ndarray, time: np.ndarray, sigma_time: np.ndarray, margin: int) -> tuple[np.ndarray, int]:
    """The rows of `cells` (rows, width) that can have charge, from a pixel's first cell on, and the margin that they
    have; time, sigma_time (n,): of the charge, in cells.
    """
    if not len(time):
        return cells[:0], margin
    first = max(int(np.floor((time - REACH * sigma_time).min())) // FINE - 1, 0)
    last = max(int(np.floor((time + REACH * sigma_time).max())) + 2, 0)
    return cells[first * FINE : last], margin - first


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
