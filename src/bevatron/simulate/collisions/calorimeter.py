"""Towers of a calorimeter like ATLAS's, as Delphes simulates it, and the jets that are clustered from them."""

from dataclasses import replace

import numpy as np

from bevatron.simulate.collisions.clustering import NEUTRINOS, ClusteredJets, cluster_jets
from bevatron.simulate.collisions.particles import Particles, is_one_of
from bevatron.store.shards.columns import Ragged, elements_of

# The numbers are from the Delphes card of Guest et al. (2016): github.com/dguest/delphes, branch production,
# cards/delphes_tracksmear.tcl. The order of the steps is Delphes' (modules/Calorimeter.cc, ParticlePropagator.cc).
FIELD, RADIUS, HALF_LENGTH = 2.0, 1150.0, 3510.0  # tesla; mm, of the field and so of the calorimeter's inner surface
CURVATURE = 0.299792458e-3  # GeV / (T mm)
FINE, COARSE = 36, 18  # numbers of towers around the beam, of 10 and of 20 degrees
_FINE_EDGES = (-3.2, *(i / 10 for i in range(-25, 27)), 3.3)
_FORWARD = (2.8, 3.0, 3.5, 3.7, 3.9, 4.1, 4.3, 4.5, 4.7, 4.9)
_COARSE_EDGES = (*(-edge for edge in _FORWARD), -3.3, -2.6, 3.2, *_FORWARD)
ETA_EDGES = np.array(sorted({*_FINE_EDGES, *_COARSE_EDGES}))
# The list that has the upper edge of a bin says whether its towers are fine or coarse.
TOWERS_AROUND = np.array([FINE if edge in _FINE_EDGES else COARSE for edge in ETA_EDGES[1:].tolist()])
ELECTROMAGNETIC, NOTHING = (11, 22, 111), (13, *NEUTRINOS)
STRANGE, STRANGE_FRACTION = (310, 3122), 0.3  # K0_S and Λ that did not decay
ECAL_MIN, HCAL_MIN = 0.5, 1.0  # GeV: smallest energies of a tower, which must also exceed one standard deviation


def cluster_calorimeter_jets(
    particles: Particles,
    charges: np.ndarray,
    entries: np.ndarray,
    radius: float,
    pt_min: float,
    random: np.random.Generator,
) -> ClusteredJets:
    """Clusters towers into anti-kT jets with pt > pt_min GeV, and multiplies their four-momenta by `energy_scale`.

    entries (m,): the visible particles; charges (m,): three times their charges. A jet's constituents are the particles
    that hit its towers, in the order of the event record. Jets are ranked by their pt before the scaling.
    """
    towers, hits = measure_towers(particles, charges, entries, random)
    jets = cluster_jets(towers, np.arange(len(towers.px)), radius, pt_min)
    members, offsets = elements_of(jets.constituents.values, hits.offsets)
    first = offsets[jets.constituents.offsets]
    jet = np.repeat(np.arange(len(jets)), np.diff(first))
    entry = hits.values[members]
    scale = energy_scale(jets.pt, jets.eta)
    return replace(
        jets,
        px=jets.px * scale,
        py=jets.py * scale,
        pz=jets.pz * scale,
        energy=jets.energy * scale,
        constituents=Ragged(entry[np.lexsort((entry, jet))], first),
    )


def energy_scale(pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """sqrt((3 - 0.2 |eta|)² / pt + 1) of a jet of towers, pt in GeV: corrects for the energy that towers lose."""
    return np.sqrt((3.0 - 0.2 * np.abs(eta)) ** 2 / pt + 1.0)


def measure_towers(
    particles: Particles, charges: np.ndarray, entries: np.ndarray, random: np.random.Generator
) -> tuple[Particles, Ragged]:
    """The towers of each event with energy, as massless particles, and for each tower the entries that hit it.

    The energies of a tower's electromagnetic and hadronic parts are smeared by log-normal distributions, and set to
    zero below a threshold or below one standard deviation. The direction of a tower is drawn uniformly within it.
    Simplification: particles reach the calorimeter as if all were produced at the collision point.
    """
    eta, phi = position_at_calorimeter(particles, charges, entries)
    eta_bin = np.searchsorted(ETA_EDGES, eta) - 1
    inside = (eta_bin >= 0) & (eta_bin < len(TOWERS_AROUND))
    entries, eta_bin, phi = entries[inside], eta_bin[inside], phi[inside]
    around = TOWERS_AROUND[eta_bin]
    phi_bin = np.minimum(((phi + np.pi) / (2 * np.pi) * around).astype(np.int64), around - 1)
    event = np.repeat(np.arange(particles.events), np.diff(np.searchsorted(entries, particles.offsets)))
    tower = (event * len(TOWERS_AROUND) + eta_bin) * FINE + phi_bin
    order = np.argsort(tower, kind="stable")
    is_first = np.diff(tower[order], prepend=-1) > 0
    key, which = tower[order][is_first], np.empty(len(tower), np.int64)
    which[order] = np.cumsum(is_first) - 1

    electromagnetic, hadronic = energy_fractions(particles.pdg_id[entries])
    energy = particles.energy[entries]
    eta_bin, phi_bin = key // FINE % len(TOWERS_AROUND), key % FINE
    middle = (ETA_EDGES[eta_bin] + ETA_EDGES[eta_bin + 1]) / 2
    total = np.zeros(len(key))
    for fraction, resolution, minimum in (
        (electromagnetic, ecal_resolution, ECAL_MIN),
        (hadronic, hcal_resolution, HCAL_MIN),
    ):
        true = np.bincount(which, energy * fraction, minlength=len(key))
        measured = log_normal(true, resolution(middle, true), random)
        kept = (measured >= minimum) & (measured >= resolution(middle, measured))
        total += np.where(kept, measured, 0.0)
    width = 2 * np.pi / TOWERS_AROUND[eta_bin]
    tower_eta = ETA_EDGES[eta_bin] + np.diff(ETA_EDGES)[eta_bin] * random.random(len(key))
    tower_phi = -np.pi + (phi_bin + random.random(len(key))) * width

    seen = np.flatnonzero(total > 0.0)
    pt = total[seen] / np.cosh(tower_eta[seen])
    nothing = np.zeros(len(seen), np.int64)
    tower_event = key[seen] // (FINE * len(TOWERS_AROUND))
    towers = Particles(
        offsets=np.searchsorted(tower_event, np.arange(particles.events + 1)),
        pdg_id=nothing,
        status=nothing,
        mother=nothing,
        daughter=nothing,
        px=pt * np.cos(tower_phi[seen]),
        py=pt * np.sin(tower_phi[seen]),
        pz=pt * np.sinh(tower_eta[seen]),
        energy=total[seen],
        vertex=np.zeros((len(seen), 3)),
    )
    cuts = np.append(np.flatnonzero(is_first), len(tower))
    positions, offsets = elements_of(seen, cuts)
    return towers, Ragged(entries[order[positions]], offsets)


def position_at_calorimeter(
    particles: Particles, charges: np.ndarray, entries: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Eta and phi (m,) of the points where particles from the origin leave the cylinder with the magnetic field.

    Neutral particles move on straight lines, charged ones on helices. Charged particles that are too soft to reach the
    radius leave at one of the ends.
    """
    px, py, pz = (column[entries] for column in (particles.px, particles.py, particles.pz))
    pt, phi = np.maximum(np.hypot(px, py), 1e-9), np.arctan2(py, px)
    eta = np.arcsinh(pz / pt)
    charged = np.flatnonzero(charges)
    pt, pz, direction = pt[charged], pz[charged], np.sign(charges[charged])
    diameter = 2 * pt / (CURVATURE * FIELD * np.abs(charges[charged]) / 3)
    with np.errstate(divide="ignore"):
        to_radius = np.where(diameter > RADIUS, diameter * np.arcsin(np.minimum(RADIUS / diameter, 1.0)), np.inf)
        to_end = HALF_LENGTH * pt / np.abs(pz)
    path = np.minimum(np.minimum(to_radius, to_end), 1e9)  # across the beam, mm
    angle = path / diameter
    phi[charged] += -direction * angle
    phi = np.remainder(phi + np.pi, 2 * np.pi) - np.pi
    sine = np.sin(angle)
    away = np.maximum(diameter * np.abs(sine), 1e-9)
    turned = charged[sine < 0]
    phi[turned] = np.remainder(phi[turned] + 2 * np.pi, 2 * np.pi) - np.pi
    eta[charged] = np.arcsinh(path * pz / pt / away)
    return eta, phi


def energy_fractions(pdg_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fractions of particles' energies in the electromagnetic and in the hadronic part of a tower, (n,) each."""
    number = np.abs(pdg_id)
    electromagnetic = np.where(is_one_of(number, ELECTROMAGNETIC), 1.0, 0.0)
    electromagnetic[is_one_of(number, STRANGE)] = STRANGE_FRACTION
    hadronic = np.where(is_one_of(number, NOTHING), 0.0, 1.0 - electromagnetic)
    return electromagnetic, hadronic


def ecal_resolution(eta: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Standard deviation in GeV of an electromagnetic energy in GeV."""
    central = np.sqrt((0.0017 * energy) ** 2 + 0.101**2 * energy)
    return np.where(np.abs(eta) <= 3.2, central, np.sqrt((0.035 * energy) ** 2 + 0.285**2 * energy))


def hcal_resolution(eta: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Standard deviation in GeV of a hadronic energy in GeV."""
    barrel = np.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)
    end_cap = np.sqrt((0.05 * energy) ** 2 + 0.706**2 * energy)
    forward = np.sqrt((0.0942 * energy) ** 2 + energy)
    return np.where(np.abs(eta) <= 1.7, barrel, np.where(np.abs(eta) <= 3.2, end_cap, forward))


def log_normal(mean: np.ndarray, sigma: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Values (n,) of log-normal distributions with these means and standard deviations; 0 where the mean is."""
    normal = random.standard_normal(len(mean))  # for all of them, so that no value depends on another's mean
    some = np.flatnonzero(mean > 0.0)
    squared = np.log1p((sigma[some] / mean[some]) ** 2)
    values = np.zeros(len(mean))
    values[some] = mean[some] * np.exp(np.sqrt(squared) * normal[some] - squared / 2)
    return values
