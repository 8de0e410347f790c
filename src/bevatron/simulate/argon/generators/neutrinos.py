"""Charged-current interactions of muon neutrinos in argon: quasi-elastic ones, and the Δ resonance."""

from functools import cache

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.sections.section import NonNegative, Real, Section
from bevatron.simulate.argon.generators import quasi_elastic as qe
from bevatron.simulate.argon.tracking.event import NEUTRINO, Box, Primaries
from bevatron.simulate.argon.tracking.particles import MASSES, NEUTRON, PION_PLUS, PION_ZERO, PROTON, mass_of

PROTONS, NEUTRONS = 18, 22
FERMI_MOMENTUM = 0.251  # GeV/c, E. J. Moniz et al., Phys. Rev. Lett. 26 (1971) 445, calcium
BINDING = 0.030  # GeV, of a nucleon that is knocked out
EXCITATION = 22.0  # MeV: what of it the hole in the Fermi sphere leaves in the nucleus, beyond 8 MeV of separation
DELTA_MASS, DELTA_WIDTH, MAX_DELTA_MASS = 1.232, 0.117, 1.6  # GeV
FLUX_SHAPE, FLUX_SCALE = 4.8, 0.171  # gamma distribution: most likely 0.65, mean 0.82 GeV
MASS = {code: MASSES[code] / 1000 for code in (PROTON, NEUTRON, PION_PLUS, PION_ZERO)}  # GeV
TRIES = 1_000


class Neutrinos(Section):
    """Interactions with a vertex uniform in the box, from a beam along z."""

    fraction: Real = Field(default=0.5, ge=0, le=1, description="fraction of the events that contain an interaction")
    energy: tuple[Real, Real] = Field(default=(200.0, 3000.0), description="range of the neutrino's energy, MeV")
    margin: NonNegative = Field(default=30.0, description="least distance of the vertex from the walls, cm")

    @model_validator(mode="after")
    def _energies_rise(self) -> "Neutrinos":
        low, high = self.energy
        if not 150.0 <= low < high <= 5000.0:
            raise ValueError(
                f"energy: must rise within 150 to 5000 MeV, which the two channels cover, found {low:g} to {high:g}"
            )
        return self


def flux(energy: np.ndarray) -> np.ndarray:
    """Neutrinos per energy, arbitrary unit, at `energy` GeV.

    A gamma distribution with the maximum and the mean of the Booster Neutrino Beam's ν_μ flux (MiniBooNE Collaboration,
    arXiv:0806.1449); the long tail from kaons is left out.
    """
    return energy ** (FLUX_SHAPE - 1) * np.exp(-energy / FLUX_SCALE)


def delta_cross_section(energy: np.ndarray) -> np.ndarray:
    """σ(ν p → μ⁻ Δ⁺⁺) in cm² at `energy` GeV. On a neutron (Δ⁺) it is a third: the weak current is an isovector.

    Saturation and its scale are a fit by least squares to the seven points of G. M. Radecky et al., Phys. Rev. D 25
    (1982) 1161 (ANL, deuterium, mass of πN below 1.4 GeV), which it meets within their errors of 10 to 25 %. It starts
    at 400 MeV, which leaves out the few events between there and the threshold, 277 MeV.
    """
    return 0.72e-38 * np.maximum(0.0, 1 - np.exp(-(energy - 0.4) / 0.85))


@cache
def spectrum(low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (n,) GeV, and for each the rates of quasi-elastic, Δ⁺⁺ and Δ⁺ events (n, 3), and their running sum."""
    energy = np.linspace(low, high, 281)
    delta = delta_cross_section(energy)
    rates = np.stack(
        [NEUTRONS * np.array([qe.total_cross_section(e) for e in energy]), PROTONS * delta, NEUTRONS * delta / 3], 1
    )
    rates *= flux(energy)[:, None]
    return energy, rates, np.cumsum(rates.sum(1))


def generate_interactions(
    neutrinos: Neutrinos, box: Box, n_events: int, random: np.random.Generator
) -> tuple[Primaries, np.ndarray, np.ndarray]:
    """Primaries, whether each event holds an interaction (n_events,) bool, and the vertices (n_events, 3) cm, zero
    where there is none.

    The struck nucleon is drawn from a Fermi sphere and bound by 30 MeV; its momentum and the neutrino's energy settle
    the rest. Outgoing nucleons below the Fermi momentum are forbidden (Pauli). Pions and nucleons then go through the
    intranuclear cascade, and the nucleus evaporates. Not modelled: two-nucleon currents, other resonances, and deep
    inelastic scattering.
    """
    has_interaction = random.random(n_events) < neutrinos.fraction
    low, high = np.array(box.low) + neutrinos.margin, np.array(box.high) - neutrinos.margin
    vertex = np.where(has_interaction[:, None], random.uniform(low, high, (n_events, 3)), 0.0)
    rows: list[tuple[int, int, np.ndarray]] = []
    for event in np.flatnonzero(has_interaction):
        particles = leave_argon(generate_interaction(neutrinos, random), random)
        rows += [(int(event), pdg, momentum) for pdg, momentum in particles]
    event = np.array([row[0] for row in rows], np.int64)
    return (
        Primaries(
            event=event,
            pdg=np.array([row[1] for row in rows], np.int32),
            origin=np.full(len(rows), NEUTRINO, np.int32),
            position=vertex[event],
            time=np.zeros(len(rows)),
            momentum=1000.0 * np.array([row[2] for row in rows]).reshape(-1, 3),
        ),
        has_interaction,
        vertex,
    )


def leave_argon(particles: list[tuple[int, np.ndarray]], random: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """The muon, which comes first, and what leaves the nucleus in place of the hadrons, in the same form."""
    from bevatron.simulate.argon.hadronic.final_state import leave_nucleus

    codes = np.array([code for code, _ in particles[1:]], np.int64)
    momentum = 1000.0 * np.array([p for _, p in particles[1:]])
    size, mass = np.linalg.norm(momentum, axis=1), np.array([MASSES[int(code)] for code in codes])
    kinetic = size**2 / (np.sqrt(size**2 + mass**2) + mass)
    directions = momentum / np.where(size > 0, size, 1.0)[:, None]
    directions[size == 0] = 0.0, 0.0, 1.0
    out = np.zeros((64, 5))
    n = leave_nucleus(codes, kinetic, directions, EXCITATION, int(random.integers(2**32)), out)
    after = [particles[0]]
    for code, energy, *direction in out[:n].tolist():
        of_code = mass_of(int(code)) or 0.0
        after.append((int(code), np.sqrt(energy * (energy + 2.0 * of_code)) / 1000.0 * np.array(direction)))
    return after


def generate_interaction(neutrinos: Neutrinos, random: np.random.Generator) -> list[tuple[int, np.ndarray]]:
    """The particles of one interaction, still in the nucleus: PDG code and momentum (3,) GeV of the muon, the nucleon
    and perhaps a pion.
    """
    energies, rates, cumulative = spectrum(*(e / 1000 for e in neutrinos.energy))
    for _ in range(TRIES):
        k = int(np.searchsorted(cumulative, random.random() * cumulative[-1]))
        channel = int(np.searchsorted(np.cumsum(rates[k]), random.random() * rates[k].sum()))
        target = 2212 if channel == 1 else 2112
        particles = _try_interaction(energies[k], target, resonant=channel > 0, random=random)
        if particles is not None:
            return particles
    raise RuntimeError("no interaction is allowed at these energies")  # unreachable above 150 MeV


def _try_interaction(energy: float, target: int, resonant: bool, random: np.random.Generator):
    """One try at given energy; None where threshold or Pauli forbids it."""
    fermi = FERMI_MOMENTUM * np.cbrt(random.random()) * _sample_direction(random)
    neutrino = np.array([energy, 0.0, 0.0, energy])
    struck = np.array([np.sqrt(MASS[target] ** 2 + fermi @ fermi) - BINDING, *fermi])
    total = neutrino + struck
    s, mass2 = _square(total), _square(struck)
    recoil = _sample_delta_mass(np.sqrt(max(s, 0.0)) - qe.MUON_MASS, random) if resonant else MASS[2212]
    if recoil is None or (q2s := qe.q2_limits(s, np.sqrt(mass2), recoil)) is None:
        return None
    effective = (s - mass2) / (2 * np.sqrt(mass2))
    grid = np.linspace(*q2s, 201)
    density = (1 + grid / 0.71) ** -4 if resonant else qe.cross_section(np.maximum(grid, 0.0), effective)
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    q2 = np.interp(random.random() * cumulative[-1], cumulative, grid)
    muon = _sample_muon(neutrino, total, s, recoil, q2, random)
    recoiling = total - muon
    if not resonant:
        if np.linalg.norm(recoiling[1:]) < FERMI_MOMENTUM:
            return None
        return [(13, muon[1:]), (2212, recoiling[1:])]
    nucleon, pion = _sample_charges(target, random)
    first, second = _decay_two_body(recoiling, MASS[nucleon], MASS[pion], random)
    if np.linalg.norm(first[1:]) < FERMI_MOMENTUM:
        return None
    return [(13, muon[1:]), (nucleon, first[1:]), (pion, second[1:])]


def _sample_delta_mass(maximum: float, random: np.random.Generator) -> float | None:
    """From a Breit-Wigner between the threshold of πN and the heaviest that the energy allows."""
    low, high = MASS[2112] + MASS[211] + 1e-3, min(maximum, MAX_DELTA_MASS)
    if high <= low:
        return None
    a, b = (np.arctan(2 * (edge - DELTA_MASS) / DELTA_WIDTH) for edge in (low, high))
    return DELTA_MASS + DELTA_WIDTH / 2 * np.tan(random.uniform(a, b))


def _sample_charges(target: int, random: np.random.Generator) -> tuple[int, int]:
    """Nucleon and pion: Δ⁺⁺ → p π⁺; Δ⁺ → p π⁰ in two cases of three, else n π⁺ (isospin)."""
    if target == 2212:
        return 2212, 211
    return (2212, 111) if random.random() < 2 / 3 else (2112, 211)


def _sample_muon(neutrino: np.ndarray, total: np.ndarray, s: float, recoil: float, q2: float, random) -> np.ndarray:
    """Four-momentum of the muon at Q², whose azimuth around the neutrino's direction in the rest frame is drawn."""
    root = np.sqrt(s)
    energy = (s + qe.MUON_MASS**2 - recoil**2) / (2 * root)
    momentum = np.sqrt(max(energy**2 - qe.MUON_MASS**2, 0.0))
    incoming = _boost(neutrino, -total[1:] / total[0])
    cosine = np.clip((2 * incoming[0] * energy - qe.MUON_MASS**2 - q2) / (2 * incoming[0] * momentum), -1, 1)
    axis = incoming[1:] / np.linalg.norm(incoming[1:])
    side = np.cross(axis, [1.0, 0, 0] if abs(axis[0]) < 0.9 else [0, 1.0, 0])
    side /= np.linalg.norm(side)
    phi, sine = random.uniform(0, 2 * np.pi), np.sqrt(1 - cosine**2)
    direction = cosine * axis + sine * (np.cos(phi) * side + np.sin(phi) * np.cross(axis, side))
    return _boost(np.array([energy, *(momentum * direction)]), total[1:] / total[0])


def _decay_two_body(parent: np.ndarray, first: float, second: float, random: np.random.Generator):
    """Two bodies of these masses, isotropic in the parent's rest frame; energies adapt to the parent's mass."""
    mass = np.sqrt(max(_square(parent), (first + second) ** 2))
    energy = (mass**2 + first**2 - second**2) / (2 * mass)
    momentum = np.sqrt(max(energy**2 - first**2, 0.0)) * _sample_direction(random)
    one = _boost(np.array([energy, *momentum]), parent[1:] / parent[0])
    return one, parent - one


def _boost(vector: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """A four-vector seen from a frame in which what was at rest moves with `velocity`."""
    beta2 = velocity @ velocity
    if beta2 == 0:
        return vector
    gamma = 1 / np.sqrt(1 - beta2)
    along = velocity @ vector[1:]
    space = vector[1:] + velocity * ((gamma - 1) * along / beta2 + gamma * vector[0])
    return np.array([gamma * (vector[0] + along), *space])


def _square(vector: np.ndarray) -> float:
    return vector[0] ** 2 - vector[1:] @ vector[1:]


def _sample_direction(random: np.random.Generator) -> np.ndarray:
    cosine, phi = random.uniform(-1, 1), random.uniform(0, 2 * np.pi)
    sine = np.sqrt(1 - cosine**2)
    return np.array([sine * np.cos(phi), sine * np.sin(phi), cosine])
