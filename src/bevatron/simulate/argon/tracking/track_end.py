"""What ends a charged particle's track. Compiled."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.electron_collisions import annihilate, annihilate_at_rest
from bevatron.simulate.argon.hadronic.decays import decay
from bevatron.simulate.argon.tracking.charged import OVER, STOPPED
from bevatron.simulate.argon.tracking.particles import (
    ANTIMUON,
    MUON,
    MUON_LIFETIME,
    PION_LIFETIME,
    PION_MINUS,
    PION_PLUS,
    POSITRON,
)
from bevatron.simulate.argon.tracking.stack import KINETIC, PDG, TIME
from bevatron.simulate.argon.tracking.tables import ANNIHILATE, DECAY

PION_CAPTURE, MUON_CAPTURE = 6, 7  # by nuclei, beside the processes

# Of negative muons in argon: Suzuki, Measday and Roalsvig, Phys. Rev. C 35 (1987) 2212: lifetime, Huff factor.
BOUND_LIFETIME, HUFF = 537.0, 0.988  # ns
CAPTURED = 1.0 - BOUND_LIFETIME * HUFF / MUON_LIFETIME  # 0.76


@compiled
def end_track(particle, process, mass, work):
    """Makes the last process of a particle, as `follow_charged` returned it; returns a process of nuclei, else OVER."""
    if process == STOPPED:
        process = sample_process_at_rest(particle)
        if process == ANNIHILATE:
            annihilate_at_rest(particle, work)
            return OVER
    if process == ANNIHILATE:
        annihilate(particle, work)
        return OVER
    if process == DECAY:
        decay(particle, mass, work)
        return OVER
    return process


@compiled
def sample_process_at_rest(particle):
    """Samples what a stopped particle does, and when."""
    particle[KINETIC] = 0.0
    pdg = particle[PDG]
    if pdg == POSITRON:
        return ANNIHILATE
    if pdg == ANTIMUON:
        particle[TIME] += MUON_LIFETIME * np.random.exponential()
        return DECAY
    if pdg == MUON:
        particle[TIME] += BOUND_LIFETIME * np.random.exponential()
        return MUON_CAPTURE if np.random.random() < CAPTURED else DECAY
    if pdg == PION_PLUS:
        particle[TIME] += PION_LIFETIME * np.random.exponential()
        return DECAY
    return PION_CAPTURE if pdg == PION_MINUS else OVER
