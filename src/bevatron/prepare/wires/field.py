"""The fields of three planes of wires in two dimensions: where electrons drift, and the charge that they induce.

All wires are taken as parallel and infinitely long, wire k of each plane at k pitches, which is the approximation of
arXiv:1802.08709 (sec. 2.2) and its Garfield calculation. A wire of radius a, small against the pitch, is a line of
charge λ at its centre: then the potential is known everywhere and only λ is to be solved for, so that no grid is
needed. The cathode, a plane at x = D, is a mirror with opposite charges:

    φ(r) = Σ λ_i G(r, r_i),   G(r, r_i) = -ln |r - r_i| + ln |r - r_i*|,

r_i* being the mirror's image of r_i, and |r_i - r_i| being a on the wire itself. Errors are of order (a / pitch)².

- The drift field has all wires of a plane at its bias voltage; the sum over a plane's wires has a closed form.
- The weighting potential W of a wire has this wire at 1 and all others and the cathode at 0 (S. Ramo, Proc. IRE 27
  (1939) 584): an electron that is where W has some value has induced this fraction of its charge on the wire.

Electrons follow the drift field with the mobility of liquid argon at 89 K as fitted by Y. Li et al., Nucl. Instrum.
Meth. A 816 (2016) 160 (arXiv:1508.07059), without diffusion, to a wire of y.

Lengths are in cm, times in µs, potentials in V. `python -m bevatron.prepare.wires.field` writes the table of
`induction.py` again, in less than a minute.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from bevatron.prepare.wires.planes import PITCH

PLANE_X = {"u": 0.6, "v": 0.3, "y": 0.0}  # 3 mm between planes
BIAS = {"u": -110.0, "v": 0.0, "y": 230.0}  # MicroBooNE's with a drift field of 273 V/cm
RADIUS = 0.0075  # of 150 µm wires
PLANES = tuple(PLANE_X)
MOBILITY = (551.6, 7158.3, 4440.43, 4.29, 43.63, 0.2053)  # a0 to a5 of Li et al., cm²/(V s) and kV/cm
CAPTURE = 0.02  # cm: an electron so near to a wire of y is on it within less than 0.1 µs
LONGEST = 200.0  # µs of a drift line


def drift_speed(field: np.ndarray) -> np.ndarray:
    """cm/µs (n,) in a field (n,) in V/cm, at 89 K."""
    e = np.asarray(field) / 1000.0
    a0, a1, a2, a3, a4, a5 = MOBILITY
    mobility = (a0 + a1 * e + a2 * e**1.5 + a3 * e**2.5) / (1 + a1 / a0 * e + a4 * e**2 + a5 * e**3)
    return mobility * np.asarray(field) * 1e-6


class Path(NamedTuple):
    """Drift lines: time (n,) µs, x and y (n, n_lines) cm; after its end a line stays where it ended, y counting from
    wire 0; passes: the time (n_lines,) at which each line crosses each plane, by plane.
    """

    time: np.ndarray
    x: np.ndarray
    y: np.ndarray
    passes: dict[str, np.ndarray]


class WireField:
    """Wires -reach to reach of each plane, a cathode at x = cathode, cm, and a drift field in V/cm."""

    def __init__(self, reach: int = 60, cathode: float = 10.0, drift_field: float = 273.0):
        self.reach, self.cathode, self.drift_field = reach, cathode, drift_field
        number = np.arange(-reach, reach + 1)
        self._x = np.concatenate([np.full(len(number), PLANE_X[plane]) for plane in PLANES])
        self._y = np.tile(number * PITCH, len(PLANES))

    @cached_property
    def plane_charges(self) -> np.ndarray:
        """λ (3,) of a wire of each plane, V: at their bias, with the drift field before them."""
        x = np.array([PLANE_X[plane] for plane in PLANES])
        matrix = _grid_potential(x[:, None] - x + np.diag([np.nan] * 3), 0.0)
        np.fill_diagonal(matrix, -np.log(2 * np.pi * RADIUS / PITCH))
        matrix -= _grid_potential(2 * self.cathode - x[:, None] - x, 0.0)
        # The cathode's voltage V adds to all potentials: λ = biased - V lifted, and its value gives the drift field.
        biased = np.linalg.solve(matrix, [BIAS[plane] for plane in PLANES])
        lifted = np.linalg.solve(matrix, np.ones(3))
        total = self.drift_field * PITCH / (2 * np.pi)
        return biased - (biased.sum() - total) / lifted.sum() * lifted

    def drift_field_at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """E in V/cm along x and along y, at x and y (n,)."""
        c = 2 * np.pi / PITCH
        along, across = np.zeros_like(x), np.zeros_like(x)
        for charge, plane in zip(self.plane_charges, PLANES, strict=True):
            for sign, at in ((1.0, PLANE_X[plane]), (-1.0, 2 * self.cathode - PLANE_X[plane])):
                u = np.clip(c * (x - at), -500.0, 500.0)
                strength = sign * charge * c / 2 / (np.cosh(u) - np.cos(c * y))
                along += strength * np.sinh(u)
                across += strength * np.sin(c * y)
        return along, across

    @cached_property
    def capacitances(self) -> np.ndarray:
        """λ (n_wires, n_wires) of each wire for 1 V on one of them; its symmetry is Green's reciprocity."""
        dy = (self._y[:, None] - self._y) ** 2
        distance = (self._x[:, None] - self._x) ** 2 + dy
        np.fill_diagonal(distance, RADIUS**2)
        mirrored = (2 * self.cathode - self._x[:, None] - self._x) ** 2 + dy
        return np.linalg.inv(np.log(mirrored / distance) / 2)

    def weighting_potential(self, x: np.ndarray, y: np.ndarray, plane: str, wire: int = 0) -> np.ndarray:
        """W of a wire of a plane at x and y of any shape."""
        column = PLANES.index(plane) * (2 * self.reach + 1) + self.reach + wire
        charges, total = self.capacitances[column], np.zeros(np.shape(x))
        for charge, wire_x, wire_y in zip(charges, self._x, self._y, strict=True):
            dy = (y - wire_y) ** 2
            distance = np.maximum((x - wire_x) ** 2 + dy, RADIUS**2)
            total += charge / 2 * np.log(((2 * self.cathode - wire_x - x) ** 2 + dy) / distance)
        return total

    def drift(self, start_y: np.ndarray, start_x: float = 4.0, step: float = 0.01) -> Path:
        """Lines from x = start_x and y (n_lines,) to the wires of y; fourth-order Runge-Kutta steps of `step` µs.
        ValueError for a line that does not end, such as those which come to rest before a wire of u, at y = 0,
        or between two of y.
        """
        x, y = np.full(len(start_y), start_x), np.array(start_y, np.float64)
        xs, ys, alive = [x], [y], np.ones(len(x), bool)
        while alive.any():
            if len(xs) * step > LONGEST:
                resting = float(np.asarray(start_y)[alive][0])
                raise ValueError(f"drift: the line from y = {resting:g} cm does not end; start beside it")
            new_x, new_y = self._step(x, y, step)
            near = np.hypot(new_x - PLANE_X["y"], new_y - np.round(new_y / PITCH) * PITCH) < CAPTURE
            x, y = np.where(alive, new_x, x), np.where(alive, new_y, y)
            alive &= ~near
            xs.append(x)
            ys.append(y)
        time, all_x = np.arange(len(xs)) * step, np.array(xs)
        passes = {plane: np.array([np.interp(-at, -line, time) for line in all_x.T]) for plane, at in PLANE_X.items()}
        return Path(time, all_x, np.array(ys), passes)

    def _step(self, x: np.ndarray, y: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
        def velocity(at_x: np.ndarray, at_y: np.ndarray) -> np.ndarray:
            field = np.stack(self.drift_field_at(at_x, at_y))
            size = np.maximum(np.hypot(*field), 1e-9)
            return -field / size * drift_speed(size)  # electrons

        one = velocity(x, y)
        two = velocity(*(np.stack([x, y]) + step / 2 * one))
        three = velocity(*(np.stack([x, y]) + step / 2 * two))
        four = velocity(*(np.stack([x, y]) + step * three))
        new_x, new_y = np.stack([x, y]) + step / 6 * (one + 2 * two + 2 * three + four)
        return new_x, new_y


def _grid_potential(x: np.ndarray, y: np.ndarray | float) -> np.ndarray:
    """Of lines of charge 1 at x = 0 and every pitch of y, up to a constant: -ln |2 sin(π (y + i x) / pitch)|."""
    c = 2 * np.pi / PITCH
    decay = np.exp(-np.abs(c * x))
    return -(np.abs(c * x) + np.log(1 - 2 * decay * np.cos(c * y) + decay**2)) / 2


def mean_weighting_potentials(
    field: WireField, plane: str, wires: int, time: np.ndarray, lines: int = 20, step: float = 0.01
) -> np.ndarray:
    """W (n, wires + 1) of the wires 0, 1, … wires beside that in whose cell an electron is, at `time` (n,) µs after it
    passes the plane, averaged over places in the cell and over both sides; 0 once the electron is on a wire of y.
    """
    path = field.drift((np.arange(lines) + 0.5) / lines * PITCH / 2, step=step)  # half a cell; the other is its mirror
    at = time + path.passes[plane].mean()
    rows = np.clip(np.round(at / step).astype(np.int64), 0, len(path.time) - 1)
    x, y = path.x[rows], path.y[rows]
    arrived = (x == path.x[-1]) & (y == path.y[-1])
    mean = []
    for wire in range(wires + 1):
        both = (field.weighting_potential(x, y + side * wire * PITCH, plane) for side in (-1, 1))
        mean.append(np.where(arrived, 0.0, sum(both) / 2).mean(axis=1))
    return np.stack(mean, axis=1)


if __name__ == "__main__":
    from bevatron.prepare.wires.induction import write_table

    write_table()
