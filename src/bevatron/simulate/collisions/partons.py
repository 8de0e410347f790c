"""The quarks and gluons near each jet, by which Delphes and its users define the flavour of jets."""

import numpy as np

from bevatron.simulate.collisions.clustering import ClusteredJets
from bevatron.simulate.collisions.particles import Particles
from bevatron.store.shards.columns import Ragged, elements_of

PT_MIN = 1.0  # GeV
ETA_MAX = 2.5
MAX_DELTA_R = 0.8
BEAUTY, GLUON = 5, 21
KINDS = (1, 2, 3, 4, BEAUTY, GLUON)  # d, u, s, c, b, gluon; quarks and antiquarks count alike
FEATURES, UNITS = ("pdg_id", "delta_r"), ("", "")


def select_partons(particles: Particles) -> np.ndarray:
    """Entries of quarks up to beauty and of gluons with pt > PT_MIN and |eta| <= ETA_MAX, anywhere in the record.

    These are the partons of Delphes' module JetFlavorAssociation with the card of Guest et al. (2016). They include
    partons before they radiate or hadronise, and partons from decays of hadrons.
    """
    number = np.abs(particles.pdg_id)
    entry = np.flatnonzero((number <= BEAUTY) & (number > 0) | (number == GLUON))
    pt_squared = particles.px[entry] ** 2 + particles.py[entry] ** 2
    hard = pt_squared > PT_MIN**2
    entry, pt_squared = entry[hard], pt_squared[hard]
    return entry[particles.pz[entry] ** 2 <= np.sinh(ETA_MAX) ** 2 * pt_squared]


def find_partons(particles: Particles, jets: ClusteredJets) -> Ragged:
    """The ΔR of the nearest parton of each kind to each jet, for those nearer than MAX_DELTA_R.

    The values (total, 2) float32 are the kind (|PDG number|, rising within a jet) and ΔR.
    """
    entry = select_partons(particles)
    px, py, pz = (column[entry] for column in (particles.px, particles.py, particles.pz))
    eta, phi = np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)
    kind = np.searchsorted(KINDS, np.abs(particles.pdg_id[entry]))
    cuts = np.searchsorted(entry, particles.offsets)
    parton, pair_cuts = elements_of(jets.event, cuts)  # every parton of each jet's event
    jet = np.repeat(np.arange(len(jets)), np.diff(pair_cuts))
    delta_eta = eta[parton] - jets.eta[jet]
    close = np.flatnonzero(np.abs(delta_eta) < MAX_DELTA_R)  # few are: the rest needs no angles
    parton, jet = parton[close], jet[close]
    delta_phi = np.remainder(phi[parton] - jets.phi[jet] + np.pi, 2 * np.pi) - np.pi
    distance = np.hypot(delta_eta[close], delta_phi)
    near = distance < MAX_DELTA_R
    nearest = np.full(len(jets) * len(KINDS), np.inf)
    np.minimum.at(nearest, jet[near] * len(KINDS) + kind[parton[near]], distance[near])
    row = np.flatnonzero(nearest < np.inf)
    values = np.stack([np.array(KINDS)[row % len(KINDS)], nearest[row]], axis=1).astype(np.float32)
    return Ragged(values, np.searchsorted(row, np.arange(len(jets) + 1) * len(KINDS)))
