"""Single particles, or a few at once, of a chosen kind and energy: what a test beam would be, inside the argon."""

from typing import Literal

import numpy as np
from pydantic import Field, FiniteFloat, model_validator

from bevatron.config.sections.section import Integer, NonNegative, Real, Section
from bevatron.simulate.argon.tracking.event import GUN, Box, Primaries
from bevatron.simulate.argon.tracking.particles import mass_of

Particle = Literal[
    "electron", "positron", "photon", "muon", "antimuon", "pion_minus", "pion_plus", "pion_zero", "proton"
]
PDG: dict[Particle, int] = {
    "electron": 11,
    "positron": -11,
    "photon": 22,
    "muon": 13,
    "antimuon": -13,
    "pion_minus": -211,
    "pion_plus": 211,
    "pion_zero": 111,
    "proton": 2212,
}
LOWEST, HIGHEST = 0.1, 10_000.0  # MeV of kinetic energy: what the transport's tables hold, for a gun

Range = tuple[float, float]
Axis = tuple[FiniteFloat, FiniteFloat, FiniteFloat]


class Gun(Section):
    """Particles that start somewhere in the argon and fly anywhere, or into a cone."""

    particles: list[Particle] = Field(description="kinds, in the order of their class numbers", min_length=1)
    kinetic_energy: Range = Field(default=(100.0, 1000.0), description="drawn uniformly in between, MeV")
    per_event: tuple[Integer, Integer] = Field(
        default=(1, 1),
        description="number of particles of an event, drawn uniformly in between; of one, kinds take turns",
    )
    axis: Axis = Field(default=(0.0, 0.0, 1.0), description="axis of the cone of directions: x, y, z")
    half_angle: Real = Field(
        default=180.0, gt=0, le=180, description="half the cone's opening, degrees; 180: isotropic"
    )
    margin: NonNegative = Field(default=30.0, description="least distance of the start from the walls, cm")

    @model_validator(mode="after")
    def _is_possible(self) -> "Gun":
        low, high = self.kinetic_energy
        if not LOWEST <= low <= high <= HIGHEST:
            raise ValueError(
                f"kinetic_energy: must rise within {LOWEST:g} to {HIGHEST:g} MeV, which the transport's tables hold, "
                f"found {low:g} to {high:g}"
            )
        if not 1 <= self.per_event[0] <= self.per_event[1] <= 100:
            raise ValueError(f"per_event: must rise within 1 to 100, found {self.per_event[0]} to {self.per_event[1]}")
        if not any(self.axis):
            raise ValueError("axis: must have a length")
        if len(set(self.particles)) < len(self.particles):
            raise ValueError(f"particles: one stands twice in {', '.join(self.particles)}")
        return self


def generate_shots(
    gun: Gun, box: Box, first: int, n_events: int, random: np.random.Generator
) -> tuple[Primaries, np.ndarray]:
    """The particles of `n_events` events numbered from `first` in their shard, and of each event the kind of its first.

    With one particle an event, event k is of kind k modulo the number of kinds, so that classes are of equal size.
    """
    counts = random.integers(gun.per_event[0], gun.per_event[1] + 1, n_events)
    event = np.repeat(np.arange(n_events), counts)
    n = len(event)
    if gun.per_event == (1, 1):
        kind = (first + event) % len(gun.particles)
    else:
        kind = random.integers(0, len(gun.particles), n)
    pdg = np.array([PDG[name] for name in gun.particles], np.int32)[kind]
    low, high = np.array(box.low) + gun.margin, np.array(box.high) - gun.margin
    kinetic = random.uniform(*gun.kinetic_energy, n)
    primaries = Primaries(
        event=event,
        pdg=pdg,
        origin=np.full(n, GUN, np.int32),
        position=random.uniform(low, high, (n, 3)),
        time=np.zeros(n),
        momentum=momentum_of(pdg, kinetic)[:, None] * sample_cone(np.array(gun.axis), gun.half_angle, n, random),
    )
    return primaries, kind[np.searchsorted(event, np.arange(n_events))]


def masses_of(pdg: np.ndarray) -> np.ndarray:
    """Masses (n,) MeV of particles that the transport knows."""
    codes, index = np.unique(pdg, return_inverse=True)
    return np.array([mass_of(int(code)) for code in codes], np.float64)[index]


def momentum_of(pdg: np.ndarray, kinetic: np.ndarray) -> np.ndarray:
    """Momentum (n,) MeV at kinetic energies (n,) MeV."""
    mass = masses_of(pdg)
    return np.sqrt(kinetic * (kinetic + 2 * mass))


def kinetic_of(pdg: np.ndarray, momentum: np.ndarray) -> np.ndarray:
    """Kinetic energy (n,) MeV of momenta (n, 3) MeV."""
    mass = masses_of(pdg)
    return np.sqrt((momentum**2).sum(1) + mass**2) - mass


def sample_cone(axis: np.ndarray, half_angle: float, n: int, random: np.random.Generator) -> np.ndarray:
    """Unit vectors (n, 3), uniform in solid angle around `axis` up to `half_angle` degrees."""
    w = axis / np.linalg.norm(axis)
    u = np.cross(w, [1.0, 0, 0] if abs(w[0]) < 0.9 else [0, 1.0, 0])
    u /= np.linalg.norm(u)
    cosine = random.uniform(np.cos(np.radians(half_angle)), 1.0, n)
    phi = random.uniform(0, 2 * np.pi, n)
    sine = np.sqrt(1 - cosine**2)
    return (sine * np.cos(phi))[:, None] * u + (sine * np.sin(phi))[:, None] * np.cross(w, u) + cosine[:, None] * w
