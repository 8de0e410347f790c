"""The origins of generated particles, in the classes of ATLAS's flavour tagging."""

import numpy as np

from bevatron.raw.track_origins import FROM_B, FROM_BC, FROM_C, OTHER_SECONDARY, PRIMARY
from bevatron.simulate.collisions.hadrons import find_weakly_decaying
from bevatron.simulate.collisions.particles import Particles

# Strange hadrons that decay weakly, and the τ: K0_S, K0_L, K±, Λ, Σ±, Ξ, Ω.
LONG_LIVED = (15, 130, 310, 321, 3112, 3122, 3222, 3312, 3322, 3334)
_BEAUTY, _CHARM, _LONG_LIVED = 1, 2, 4  # bits for the kinds of ancestors


def find_origins(particles: Particles, entry: np.ndarray) -> np.ndarray:
    """The origin of each entry (n,), int8 numbers of `bevatron.raw.track_origins.ORIGINS`.

    Ancestors are followed along the first mother up to a parton or the beams, because decays have one mother. Beauty
    and charm hadrons count if they decay weakly (`find_weakly_decaying`). A pion from B** → B π is therefore primary,
    as it is produced at the primary vertex. The classes are:

    - FROM_BC: a beauty and a charm hadron are among the ancestors.
    - FROM_B: a beauty hadron, and no charm hadron.
    - FROM_C: a charm hadron, and no beauty hadron.
    - OTHER_SECONDARY: a strange hadron or a τ, and neither a beauty nor a charm hadron. The decay products of a K0_S
      from a beauty hadron are thus FROM_B or FROM_BC.
    - PRIMARY: none of these.

    Tracks of the classes PILE_UP and FAKE do not come from particles of the event.
    """
    mark = np.zeros(len(particles.pdg_id), np.int8)
    heavy = find_weakly_decaying(particles)
    mark[heavy.entry] = np.where(heavy.quark == 5, _BEAUTY, _CHARM)
    mark[np.isin(np.abs(particles.pdg_id), LONG_LIVED)] |= _LONG_LIVED

    ancestors = np.zeros(len(entry), np.int8)
    start = particles.offsets[np.searchsorted(particles.offsets, entry, side="right") - 1]
    at, active = np.asarray(entry), np.arange(len(entry))
    # A chain of mothers is not longer than the longest event. This limit also ends a record that is circular.
    for _ in range(int(np.diff(particles.offsets).max(initial=0))):
        up = particles.mother[at]
        goes_on = (up > 0) & ~is_parton(particles.pdg_id[start[active] + up])
        at, active = start[active[goes_on]] + up[goes_on], active[goes_on]
        if len(active) == 0:
            break
        ancestors[active] |= mark[at]

    beauty, charm = ancestors & _BEAUTY > 0, ancestors & _CHARM > 0
    heavy_origin = np.select([beauty & charm, beauty, charm], [FROM_BC, FROM_B, FROM_C], PRIMARY)
    secondary = (heavy_origin == PRIMARY) & (ancestors & _LONG_LIVED > 0)
    return np.where(secondary, OTHER_SECONDARY, heavy_origin).astype(np.int8)


def is_parton(pdg_id: np.ndarray) -> np.ndarray:
    """Whether PDG numbers are those of quarks, gluons, diquarks, or a generator's internal entries (90 to 99)."""
    number = np.abs(pdg_id)
    diquark = (number > 1000) & (number < 10_000) & (number // 10 % 10 == 0)
    return (number <= 8) | (number == 21) | diquark | ((number >= 90) & (number <= 99))
