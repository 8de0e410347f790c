"""Decay products of generated heavy hadrons, counted in the generator's records."""

from dataclasses import dataclass

import numpy as np

from bevatron.simulate.collisions.hadrons import decay_vertex, find_weakly_decaying
from bevatron.simulate.collisions.particles import Particles

STRANGE = (310, 130, 3122, 3112, 3222, 3312, 3322, 3334)  # hadrons whose decays an experiment may keep apart
STRANGE_CHARGED = (3112, 3222, 3312, 3334)
CHARMONIA = (441, 443, 445, 10441, 10443, 20443, 100441, 100443)
D_STAR = 413
MAX_GENERATIONS = 60  # between a particle and a hadron from which it comes


@dataclass(frozen=True)
class HadronDecays:
    """Weakly decaying b and c hadrons, one row each.

    quark (n,): 5 or 4; pdg_id (n,), without its sign; energy and pt (n,) in GeV; pseudorapidity eta (n,); length (n,):
    proper decay length in µm; from_b (n,) bool: whether a c hadron comes from a b hadron. Numbers of decay products:
    charged (n,), all charged particles; charged_without (n,), those that do not come from K⁰, Λ and other weakly
    decaying strange hadrons; electrons, muons (n,), direct daughters only; charm (n,), charm quarks and antiquarks from
    a b hadron, with 2 for charmonium.
    """

    quark: np.ndarray
    pdg_id: np.ndarray
    energy: np.ndarray
    pt: np.ndarray
    eta: np.ndarray
    length: np.ndarray
    from_b: np.ndarray
    charged: np.ndarray
    charged_without: np.ndarray
    electrons: np.ndarray
    muons: np.ndarray
    charm: np.ndarray

    def take(self, rows: np.ndarray) -> "HadronDecays":
        """The hadrons at `rows` (indices or bool)."""
        return HadronDecays(*(column[rows] for column in self.__dict__.values()))

    @classmethod
    def concatenate(cls, parts: list["HadronDecays"]) -> "HadronDecays":
        """One after the other."""
        return cls(*(np.concatenate(columns) for columns in zip(*(p.__dict__.values() for p in parts), strict=True)))


def count_decays(particles: Particles, charge: np.ndarray) -> HadronDecays:
    """The weakly decaying heavy hadrons of a batch; charge (total,): three times each entry's electric charge."""
    found = find_weakly_decaying(particles)
    order = np.argsort(found.entry)
    entry, quark = found.entry[order], found.quark[order]
    n, number = len(entry), np.abs(particles.pdg_id)
    mother = particles.offsets[particles.event] + particles.mother
    is_b, is_heavy, is_strange = (np.zeros(len(number), bool) for _ in range(3))
    is_b[entry[quark == 5]] = True
    is_heavy[entry] = True
    is_strange[np.isin(number, STRANGE)] = True

    def count_by_hadron(entries: np.ndarray, ancestor: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Of each hadron how many of the entries have it as the ancestor that was found."""
        has = np.flatnonzero(ancestor >= 0)
        has = has[is_heavy[ancestor[has]]]
        return np.bincount(np.searchsorted(entry, ancestor[has]), None if weight is None else weight[has], minlength=n)

    def counts_of(kind: np.ndarray, without: np.ndarray | None = None) -> np.ndarray:
        """Charged particles from hadrons `kind`; not followed through hadrons `without`, which count themselves."""
        stop = kind if without is None else kind | without
        ends = (particles.status > 0) & (charge != 0)
        if without is not None:
            ends |= np.isin(number, STRANGE_CHARGED)
        ends = np.flatnonzero(ends)
        return count_by_hadron(ends, find_ancestor(ends, mother, stop))

    is_c = is_heavy & ~is_b
    b = quark == 5
    hadron_mother = find_ancestor(entry, mother, is_b)
    onium = np.flatnonzero(np.isin(number, CHARMONIA) & ~np.isin(number[mother], CHARMONIA))
    open_charm = entry[~b]
    charm = count_by_hadron(open_charm, hadron_mother[~b]) + 2 * count_by_hadron(
        onium, find_ancestor(onium, mother, is_b)
    )
    momentum = np.stack([particles.px, particles.py, particles.pz], axis=1)[entry]
    squared = (momentum**2).sum(1)
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    mass = np.sqrt(np.maximum(particles.energy[entry] ** 2 - squared, 0.0))
    way = np.linalg.norm(decay_vertex(particles, entry) - particles.vertex[entry], axis=1)
    leptons = {kind: np.flatnonzero(number == kind) for kind in (11, 13)}
    return HadronDecays(
        quark=quark,
        pdg_id=number[entry],
        energy=particles.energy[entry],
        pt=pt,
        eta=np.arcsinh(momentum[:, 2] / np.maximum(pt, 1e-9)),
        length=1000.0 * way * mass / np.sqrt(np.maximum(squared, 1e-30)),
        from_b=hadron_mother >= 0,
        charged=np.where(b, counts_of(is_b), counts_of(is_c)),
        charged_without=np.where(b, counts_of(is_b, is_strange), counts_of(is_c, is_strange)),
        electrons=count_by_hadron(leptons[11], mother[leptons[11]]),
        muons=count_by_hadron(leptons[13], mother[leptons[13]]),
        charm=charm,
    )


def find_ancestor(entries: np.ndarray, mother: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each of the entries the nearest one before it in its line of mothers that is `wanted` (total,) bool; −1 where
    there is none. mother (total,): the entry of each entry's first mother, itself or an event's first entry at the end.
    """
    ancestor = np.full(len(entries), -1, np.int64)
    row, current = np.arange(len(entries)), mother[entries]
    for _ in range(MAX_GENERATIONS):
        hit = wanted[current]
        ancestor[row[hit]] = current[hit]
        following = mother[current]
        on = ~hit & (following != current)
        if not on.any():
            break
        row, current = row[on], following[on]
    return ancestor


def d_star_energies(particles: Particles) -> np.ndarray:
    """Energies of all D*(2010)± in GeV."""
    return particles.energy[np.abs(particles.pdg_id) == D_STAR]
