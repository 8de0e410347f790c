"""What charge induces on the wires of u and v, near and far: the weighting potentials of `field.py`, as a table.

`induction_table.csv` has the fraction of its charge that an electron has induced on the wires 0 to 10 beside that in
whose cell it is, at times before and after it passes the plane, averaged over places in the cell. The current is its
slope: bipolar, as it has induced nothing when it has left. What it has induced 24 µs, or 2.6 cm, before it arrives, 3 %
on u and 0.6 % on v, is taken off, evenly less until the arrival; what is farther away is left out.
"""

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np

from bevatron.compute.numerics.compiled import compiled

WIRES = 10  # neighbours on either side, as in arXiv:1802.08709
TABLE = Path(__file__).with_name("induction_table.csv")
START, END, STEP = -24.0, 6.0, 0.1  # µs; by the end, all but a few per cent of the electrons are on wires of y
LEAST = 0.01  # kilo-electrons: less in a cell, a thousandth of the charge together, induces nothing
FAINT = 0.02  # kilo-electrons in a pixel below which a signal is none: a twentieth of the noise, a fifth of a digit
REACH, CATHODE = 120, 40.0  # wires on either side and cm: beyond, W changes by less than 0.001
INDUCTION_PLANES = ("u", "v")


def write_table(path: Path = TABLE) -> None:
    """Computes the table and writes it."""
    from bevatron.prepare.wires.field import WireField, mean_weighting_potentials

    time = np.linspace(START, END, round((END - START) / STEP) + 1)
    field = WireField(REACH, CATHODE)
    columns = [mean_weighting_potentials(field, plane, WIRES, time) for plane in INDUCTION_PLANES]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["time"] + [f"{plane}{wire}" for plane in INDUCTION_PLANES for wire in range(WIRES + 1)])
        for t, row in zip(time, np.concatenate(columns, axis=1), strict=True):
            writer.writerow([f"{t:.1f}"] + [f"{value:.4f}" for value in row])


@lru_cache
def read_table() -> dict[str, np.ndarray]:
    """W (n, WIRES + 1) by plane, and `time` (n,), µs."""
    values = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    planes = np.split(values[:, 1:], len(INDUCTION_PLANES), axis=1)
    return {"time": values[:, 0], **dict(zip(INDUCTION_PLANES, planes, strict=True))}


def induced_on_wire(time: np.ndarray, plane: str, wire: int = 0) -> np.ndarray:
    """W (n,) at `time` (n,) µs of a wire of u or v, `wire` wires from that in whose cell the charge is."""
    table = read_table()
    known = table[plane][:, abs(wire)]
    value = np.interp(time, table["time"], known, left=0.0, right=0.0)
    far = known[0] * np.clip(time / START, 0.0, 1.0)
    return np.where((time > START) & (time < END), value - far, 0.0)


@compiled
def take_charges(cells):
    """Row, column and charge (n,) of the cells (rows, width) with charge, row by row; empties them."""
    n = 0
    for row in range(cells.shape[0]):
        for column in range(cells.shape[1]):
            n += cells[row, column] != 0.0
    rows, columns, charges = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.float32)
    n = 0
    for row in range(cells.shape[0]):
        for column in range(cells.shape[1]):
            if cells[row, column] != 0.0:
                rows[n], columns[n], charges[n] = row, column, cells[row, column]
                cells[row, column] = 0.0
                n += 1
    return rows, columns, charges


@compiled
def add_induced(rows, columns, charges, first, kernel, margin, image):
    """Adds to image (height, width) what charges (n,) in cells induce, on their wire and beside.

    rows, columns, charges (n,): of `take_charges`; kernel (n_cells of a pixel, n_pixels, n_wires): its middle wire is
    that of the charge; first, margin: as of `response.apply_response`.
    """
    height, width = image.shape
    fine, n, n_wires = kernel.shape
    middle = n_wires // 2
    for i in range(len(charges)):
        charge = charges[i]
        if charge < LEAST:
            continue
        pixel, part, column = rows[i] // fine - margin + first, kernel[rows[i] % fine], columns[i]
        left, right = max(0, middle - column), min(n_wires, width + middle - column)
        for k in range(max(0, -pixel), min(n, height - pixel)):
            weights = part[k, left:right]
            pixels = image[pixel + k, column - middle + left : column - middle + right]
            for j in range(len(weights)):  # from 0 on, so that the compiler adds several at once
                pixels[j] += charge * weights[j]


@compiled
def drop_faint(image):
    """Sets pixels of image (height, width) below FAINT to 0: the noise of an empty pixel is drawn in less time."""
    flat = image.ravel()
    for i in range(len(flat)):
        if abs(flat[i]) < FAINT:
            flat[i] = 0.0
