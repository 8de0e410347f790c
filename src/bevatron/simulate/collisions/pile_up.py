"""Pile-up: other collisions of the same proton bunches are added to events with jets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from bevatron.simulate.collisions.clustering import select_visible
from bevatron.simulate.collisions.particles import Particles
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, elements_of

PT_MIN = 0.5  # GeV: softer charged particles curl up in the field, softer neutral ones are below the cells' noise
ETA_MAX = 2.9  # the cone of a jet at the edge of the tracker ends here
TRACKER_ETA = 2.5
VERTEX_PT_MIN = 1.0  # GeV, of particles far from all jets, which are needed only to find the collisions
AREA = 2 * TRACKER_ETA * 2 * np.pi  # area in eta and phi in which the density is measured
MUON, ELECTROMAGNETIC = 13, (11, 22)
LIST_FEATURES, LIST_UNITS = ("px", "py", "pz", "energy", "x", "y", "z"), ("GeV",) * 4 + ("mm",) * 3
ID_FEATURES, ID_UNITS = ("pdg_id", "charge_thirds", "collision"), ("", "e/3", "")
ENERGY_FEATURES = tuple(f"{kind}_{axis}" for kind in ("em", "hadronic") for axis in ("px", "py", "pz", "energy"))
EVENT_FEATURES, EVENT_UNITS = ("n_collisions", "em_density", "hadronic_density"), ("", "GeV", "GeV")


@dataclass(frozen=True)
class CollisionPool:
    """Visible particles of minimum-bias collisions, one collision after the other.

    offsets (n_collisions + 1,) divide the particles into collisions; momentum (total, 4): px, py, pz, energy in GeV;
    vertex (total, 3): point of production, in mm from their own collision; eta, phi, pt (total,); pdg_id and
    charge_thirds (total,) int32. All particles have pt > PT_MIN and |eta| < ETA_MAX.
    """

    offsets: np.ndarray
    momentum: np.ndarray
    vertex: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    pt: np.ndarray
    pdg_id: np.ndarray
    charge_thirds: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1


def pool_collisions(batches: Iterable[Particles], charges: Callable[[np.ndarray], np.ndarray]) -> CollisionPool:
    """The pool of all events in `batches`. charges: gives three times the electric charge of PDG numbers (n,)."""
    lengths, columns = [np.zeros(1, np.int64)], []
    for particles in batches:
        entry = select_visible(particles, ETA_MAX)
        entry = entry[np.hypot(particles.px[entry], particles.py[entry]) > PT_MIN]
        lengths.append(np.diff(np.searchsorted(entry, particles.offsets)))
        momentum = np.column_stack(
            [axis[entry] for axis in (particles.px, particles.py, particles.pz, particles.energy)]
        )
        pdg_id = particles.pdg_id[entry]
        columns.append((momentum, particles.vertex[entry], pdg_id, charges(pdg_id)))
    momentum, vertex, pdg_id, thirds = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    px, py, pz, _ = momentum.T
    pt = np.hypot(px, py)
    offsets = np.cumsum(np.concatenate(lengths))
    return CollisionPool(offsets, momentum, vertex, np.arcsinh(pz / pt), np.arctan2(py, px), pt, pdg_id, thirds)


@dataclass(frozen=True)
class _Overlaid:
    """Particles of the pile-up collisions of some events.

    For each particle: event, the number of its collision in the event, and its row in the pool, all (total,); turn
    (total,), the angle in rad by which it is rotated around the beam; side (total,), -1 if it is mirrored along the
    beam, else 1. For each event: n_collisions (n_events,).
    """

    event: np.ndarray
    collision: np.ndarray
    row: np.ndarray
    turn: np.ndarray
    side: np.ndarray
    n_collisions: np.ndarray


def add_pile_up(
    samples: Samples, pool: CollisionPool, mean: float, radius: float, random: np.random.Generator
) -> Samples:
    """The jets of `event_jets` with input groups for pile-up. The jets of an event must be adjacent.

    Each event gets a Poisson number of collisions with the mean `mean`. They are drawn from the pool, rotated around
    the beam by a random angle, and mirrored along it at random. Positions are relative to the particle's own collision:
    the recipe draws where along the beam each collision happens. The jets stay those of the hard collision. Pile-up
    neither makes new jets nor merges jets. New input groups:

    pile_up, pile_up_ids: charged particles with |eta| < 2.5 within ΔR < `radius` of a jet, listed with the nearest jet.
    pile_up_spectators, pile_up_spectator_ids: other charged particles with pt > VERTEX_PT_MIN, listed with the event's
        first jet. The ids are PDG number, three times the charge, and the number of the collision in its event.
    pile_up_energy: the summed four-momenta, in GeV, of electrons and photons, and of hadrons, within ΔR < `radius` of
        the jet, (n, 8).
    pile_up_event: the number of pile-up collisions of the event, and the pt in GeV per unit of area in eta and phi of
        the same two kinds of particles at |eta| < 2.5, (n, 3).
    """
    kinematics = samples.inputs["jet"].column
    assert isinstance(kinematics, Dense)
    jet_eta, jet_phi = kinematics.values[:, 1:3].astype(np.float64).T
    new = np.diff(samples.targets["event"].astype(np.int64), prepend=-1) != 0
    jet_event, first_jets = np.cumsum(new) - 1, np.flatnonzero(new)
    n_events = len(first_jets)
    overlaid = _draw_collisions(n_events, pool, mean, random)
    row = overlaid.row
    eta = pool.eta[row] * overlaid.side
    phi = pool.phi[row] + overlaid.turn

    jet, pairs = elements_of(overlaid.event, np.append(first_jets, len(samples)))  # every jet of a particle's event
    particle = np.repeat(np.arange(len(row)), np.diff(pairs))
    delta_eta = eta[particle] - jet_eta[jet]
    near = np.flatnonzero(np.abs(delta_eta) < radius)
    particle, jet, delta_eta = particle[near], jet[near], delta_eta[near]
    delta_phi = np.remainder(phi[particle] - jet_phi[jet] + np.pi, 2 * np.pi) - np.pi
    distance = np.hypot(delta_eta, delta_phi)
    inside = np.flatnonzero(distance < radius)
    particle, jet, distance = particle[inside], jet[inside], distance[inside]

    nearest = np.lexsort((distance, particle))
    nearest = nearest[np.diff(particle[nearest], prepend=-1) != 0]
    owner = np.full(len(row), -1)
    owner[particle[nearest]] = jet[nearest]
    charged = (pool.charge_thirds[row] != 0) & (np.abs(eta) < TRACKER_ETA)
    members = np.flatnonzero(charged & (owner >= 0))
    members = members[np.argsort(owner[members], kind="stable")]
    others = np.flatnonzero(charged & (owner < 0) & (pool.pt[row] > VERTEX_PT_MIN))
    kinds = _kinds_of(pool.pdg_id[row])
    per_jet = overlaid.n_collisions[jet_event]
    event_values = np.column_stack([per_jet, *(d[jet_event] for d in _densities(overlaid, pool, eta, kinds))])
    inputs = {
        **_lists("pile_up", overlaid, pool, members, np.bincount(owner[members], minlength=len(samples))),
        **_lists(
            "pile_up_spectators", overlaid, pool, others,
            np.where(new, np.bincount(overlaid.event[others], minlength=n_events)[jet_event], 0),
        ),
        "pile_up_energy": Group(
            Dense(_cone_energies(overlaid, pool, kinds, particle, jet, len(samples)).astype(np.float32)),
            ENERGY_FEATURES,
            ("GeV",) * 8,
        ),
        "pile_up_event": Group(Dense(event_values.astype(np.float32)), EVENT_FEATURES, EVENT_UNITS),
    }  # fmt: skip
    return replace(samples, inputs=samples.inputs | inputs)


def _draw_collisions(n_events: int, pool: CollisionPool, mean: float, random: np.random.Generator) -> _Overlaid:
    n_collisions = random.poisson(mean, n_events)
    total = int(n_collisions.sum())
    chosen = random.integers(len(pool), size=total)
    turn, side = random.uniform(-np.pi, np.pi, total), random.choice([-1.0, 1.0], total)
    row, cuts = elements_of(chosen, pool.offsets)
    event = np.repeat(np.arange(n_events), n_collisions)
    collision = np.arange(total) - np.repeat(np.cumsum(n_collisions) - n_collisions, n_collisions)
    which = np.repeat(np.arange(total), np.diff(cuts))
    return _Overlaid(event[which], collision[which], row, turn[which], side[which], n_collisions)


def _kinds_of(pdg_id: np.ndarray) -> np.ndarray:
    """The kind of each particle: 0 electrons and photons, 1 hadrons, 2 muons, which leave no energy in calorimeters."""
    number = np.abs(pdg_id)
    return np.where(number == MUON, 2, np.where(np.isin(number, ELECTROMAGNETIC), 0, 1))


def _turned(overlaid: _Overlaid, pool: CollisionPool, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four-momenta (n, 4) and positions (n, 3) of the pile-up particles at `some`, rotated and mirrored.

    The rotation is around the beam, and the mirror is the plane z = 0. Both leave the beams unchanged.
    """
    row, side = overlaid.row[some], overlaid.side[some]
    cosine, sine = np.cos(overlaid.turn[some]), np.sin(overlaid.turn[some])
    px, py, pz, energy = pool.momentum[row].T
    x, y, z = pool.vertex[row].T
    momentum = np.column_stack([cosine * px - sine * py, sine * px + cosine * py, side * pz, energy])
    return momentum, np.column_stack([cosine * x - sine * y, sine * x + cosine * y, side * z])


def _lists(
    name: str, overlaid: _Overlaid, pool: CollisionPool, some: np.ndarray, lengths: np.ndarray
) -> dict[str, Group]:
    """The particles at `some`, jet by jet, as groups; lengths (n_jets,)."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.concatenate(_turned(overlaid, pool, some), axis=1).astype(np.float32)
    row = overlaid.row[some]
    ids = np.column_stack([pool.pdg_id[row], pool.charge_thirds[row], overlaid.collision[some]]).astype(np.int32)
    ids_name = "pile_up_ids" if name == "pile_up" else "pile_up_spectator_ids"
    return {
        name: Group(Ragged(values, offsets), LIST_FEATURES, LIST_UNITS),
        ids_name: Group(Ragged(ids, offsets), ID_FEATURES, ID_UNITS),
    }


def _cone_energies(
    overlaid: _Overlaid, pool: CollisionPool, kinds: np.ndarray, particle: np.ndarray, jet: np.ndarray, n_jets: int
) -> np.ndarray:
    """Sums of four-momenta over pairs of a particle and a jet, by kind, (n_jets, 8). A particle may be in two jets."""
    momentum, _ = _turned(overlaid, pool, particle)
    sums = np.empty((n_jets, 8))
    for kind in (0, 1):
        of_kind = kinds[particle] == kind
        for axis in range(4):
            sums[:, 4 * kind + axis] = np.bincount(jet[of_kind], momentum[of_kind, axis], minlength=n_jets)
    return sums


def _densities(
    overlaid: _Overlaid, pool: CollisionPool, eta: np.ndarray, kinds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pt per unit of area at |eta| < TRACKER_ETA of electrons and photons, and of hadrons, (n_events,) each."""
    central, n_events = np.abs(eta) < TRACKER_ETA, len(overlaid.n_collisions)
    first, second = (
        np.bincount(overlaid.event[of_kind], pool.pt[overlaid.row[of_kind]], minlength=n_events) / AREA
        for of_kind in (np.flatnonzero(central & (kinds == kind)) for kind in (0, 1))
    )
    return first, second
