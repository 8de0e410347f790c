"""From the segments of some events to the charge that arrives at the wires, point by point."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.wires.drift import Drift, diffusion_width, drift_time, surviving_fraction
from bevatron.prepare.wires.electronics import Electronics
from bevatron.prepare.wires.planes import PITCH, wire_coordinate
from bevatron.prepare.wires.recombination import escaped_electrons

POINT_FRACTIONS = (0.25, 0.75)  # a segment, no longer than a wire's pitch, is two points


@dataclass(frozen=True)
class Charge:
    """Points of charge (n,), in the order of the segments.

    time: of arrival, in pixels from time 0; y, z: cm; charge: kilo-electrons; sigma_time, sigma_wire: in pixels;
    primary: the rank of the primary in its event; from_neutron: whether a neutron is among the ancestors.
    """

    time: np.ndarray
    y: np.ndarray
    z: np.ndarray
    charge: np.ndarray
    sigma_time: np.ndarray
    sigma_wire: np.ndarray
    primary: np.ndarray
    from_neutron: np.ndarray

    def take(self, rows: np.ndarray | slice) -> "Charge":
        """The points at `rows` (indices, a mask or a slice)."""
        return Charge(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def wire(self, plane: str) -> np.ndarray:
        """The coordinate across the wires of a plane, in pitches."""
        return wire_coordinate(self.y, self.z, plane)


def drift_charge(
    segments: np.ndarray, ids: np.ndarray, wires_at: float, drift: Drift, electronics: Electronics
) -> Charge:
    """The charge of segments (n, 9) and ids (n, 4 or 5) (bevatron.simulate.argon.tracking.event's columns), twice n
    points; the wires are at x = wires_at, cm.
    """
    start, end, path, energy, time = segments[:, :3], segments[:, 3:6], segments[:, 6], segments[:, 7], segments[:, 8]
    charge = (
        escaped_electrons(energy.astype(np.float64), path.astype(np.float64), drift.field)
        / 1000.0
        / len(POINT_FRACTIONS)
    )
    from_neutron = ids[:, 4] > 0 if ids.shape[1] > 4 else np.zeros(len(ids), bool)  # of shards that do not know
    points = (
        np.stack([start + fraction * (end - start) for fraction in POINT_FRACTIONS], 1)
        .reshape(-1, 3)
        .astype(np.float64)
    )
    drifting = drift_time(points[:, 0] - wires_at, drift)
    along = diffusion_width(drifting, drift.diffusion_along) / drift.velocity  # µs
    return Charge(
        time=(np.repeat(time.astype(np.float64), len(POINT_FRACTIONS)) * 1e-3 + drifting) / electronics.pixel_time,
        y=points[:, 1],
        z=points[:, 2],
        charge=np.repeat(charge, len(POINT_FRACTIONS)) * surviving_fraction(drifting, drift),
        sigma_time=np.hypot(along, electronics.shaping) / electronics.pixel_time,
        sigma_wire=diffusion_width(drifting, drift.diffusion_across) / PITCH,
        primary=np.repeat(ids[:, 3], len(POINT_FRACTIONS)),
        from_neutron=np.repeat(from_neutron, len(POINT_FRACTIONS)),
    )
