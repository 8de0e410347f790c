"""What ends a charged particle's track. Compiled."""

import numpy as np

from bevatron.compute.compiled import compiled
from bevatron.simulate.argon.charged import STOPPED
from bevatron.simulate.argon.decays import decay
from bevatron.simulate.argon.electron_collisions import annihilate, annihilate_at_rest
from bevatron.simulate.argon.nuclear_vertex import BOUND_LIFETIME, CAPTURED, capture_muon, capture_pion, collide
from bevatron.simulate.argon.particles import (
    ANTIMUON,
    MUON,
    MUON_LIFETIME,
    PION_LIFETIME,
    PION_MINUS,
    PION_PLUS,
    POSITRON,
)
from bevatron.simulate.argon.stack import KINETIC, PDG, TIME
from bevatron.simulate.argon.tables import ANNIHILATE, DECAY, NUCLEAR


@compiled
def end(particle, process, mass, work):
    """The last process of a particle, as `follow_charged` returned it."""
    if process == ANNIHILATE:
        annihilate(particle, work)
    elif process == DECAY:
        decay(particle, mass, work)
    elif process == NUCLEAR:
        collide(particle, work)
    elif process == STOPPED:
        stop(particle, mass, work)


@compiled
def stop(particle, mass, work):
    """What a particle does at rest."""
    particle[KINETIC] = 0.0
    pdg = particle[PDG]
    if pdg == POSITRON:
        annihilate_at_rest(particle, work)
    elif pdg == ANTIMUON:
        particle[TIME] += MUON_LIFETIME * np.random.exponential()
        decay(particle, mass, work)
    elif pdg == MUON:
        particle[TIME] += BOUND_LIFETIME * np.random.exponential()
        if np.random.random() < CAPTURED:
            capture_muon(particle, work)
        else:
            decay(particle, mass, work)
    elif pdg == PION_PLUS:
        particle[TIME] += PION_LIFETIME * np.random.exponential()
        decay(particle, mass, work)
    elif pdg == PION_MINUS:
        capture_pion(particle, work)
