"""The tracker of Guest et al. (2016): efficiencies and resolutions in bins of pt and |eta|, as Delphes applies them."""

from functools import cache

import numpy as np

from bevatron.prepare.jets.published_options import PublishedTracking
from bevatron.prepare.tracking.charged_species import ChargedSpecies
from bevatron.prepare.tracking.covariance import covariance, smear
from bevatron.prepare.tracking.detector import PROMPT, Tracks
from bevatron.prepare.tracking.helix import perigee

# github.com/dguest/delphes, branch production: cards/delphes_tracksmear.tcl (propagation, efficiencies) and
# modules/IPCovSmearing.cc (bins, do_low_pt_hack).
RADIUS, HALF_LENGTH = 1150.0, 3510.0  # mm: particles with a track are produced inside of this cylinder
ELECTRON, MUON = 11, 13
PT_EDGES = np.array([10.0, 20.0, 50.0, 100.0, 200.0, 250.0, 500.0, 750.0])  # GeV; there is also a bin below the first
ETA_EDGES = np.array([0.0, 0.4, 0.8, 1.05, 1.5, 1.7, 2.0, 2.25, 2.7])

# Factors on the standard deviations of ATLAS's design, and exponents of their rise with |eta|, so that mean and spread
# of the variances of listed tracks are those of the published file: d0 (1.24 ± 0.69)e-3 mm², z0 0.060 ± 0.076 mm², phi
# (1.24 ± 0.66)e-7, theta 7.1e-8, q/p 7.5e-7 GeV⁻² (first five tracks; github.com/AnnikaStein/
# Adversarial-Training-for-Jet-Tagging, preparations/clean_preprocess.ipynb).
TO_PUBLISHED = np.array([0.667, 0.611, 0.760, 0.530, 0.637])
RISE = np.array([1.5, 1.0, 1.5, 1.0, 1.0])


def published_efficiency(pt: np.ndarray, eta: np.ndarray, species: np.ndarray) -> np.ndarray:
    """The fraction of particles whose track is found, (n,); pt in GeV, species |PDG number|.

    For 0.1 < pt <= 1, 1 < pt <= 100 and pt > 100 it is:

    charged hadrons   0.70, 0.95, 0.95 for |eta| <= 1.5;  0.60, 0.85, 0.85 for |eta| <= 2.5
    electrons         0.73, 0.95, 0.99 for |eta| <= 1.5;  0.50, 0.83, 0.90 for |eta| <= 2.5
    muons             0.75, 0.99, 0.99 for |eta| <= 1.5;  0.70, 0.98, 0.98 for |eta| <= 2.5

    Elsewhere it is 0.
    """
    central, soft = np.abs(eta) <= 1.5, pt <= 1.0
    hadron = _by_region(central, soft, (0.70, 0.95, 0.60, 0.85))
    electron = _by_region(central, soft, (0.73, 0.95, 0.50, 0.83))
    electron = np.where(pt > 100.0, np.where(central, 0.99, 0.90), electron)
    muon = _by_region(central, soft, (0.75, 0.99, 0.70, 0.98))
    found = np.where(species == ELECTRON, electron, np.where(species == MUON, muon, hadron))
    return np.where((pt > 0.1) & (np.abs(eta) <= 2.5), found, 0.0)


def _by_region(central: np.ndarray, soft: np.ndarray, values: tuple[float, float, float, float]) -> np.ndarray:
    return np.where(central, np.where(soft, *values[:2]), np.where(soft, *values[2:]))


@cache
def resolution_table(low_pt_factor: float = 2.0, scale: float = 1.0) -> np.ndarray:
    """Covariances (9, 8, 5, 5) of (d0, z0, phi, theta, q/p) in bins of pt (the first: below 10 GeV) and |eta|.

    The authors' matrices (IDParametrisierung.root) are not public. Here each matrix is that of ATLAS's design
    (bevatron.prepare.tracking.covariance) at the lower edge of the bin in pt, where most of its tracks are, and at the
    middle of the bin in |eta|, for a positive charge and eta > 0. TO_PUBLISHED and RISE are applied to its five
    standard deviations. As in the authors' code, it is used for both charges and both signs of eta. Below 10 GeV the
    matrix is D C D, where C is the matrix of 10 to 20 GeV, and D is diagonal with low_pt_factor for d0 and z0 and 1 for
    the others.

    The authors apply matrices in ATLAS's convention to a d0 of the opposite sign. Its correlations with the other
    parameters therefore have the opposite sign, here too.
    """
    eta = (ETA_EDGES[:-1] + ETA_EDGES[1:]) / 2
    pt, eta = (grid.ravel() for grid in np.meshgrid(PT_EDGES, eta, indexing="ij"))
    theta, nothing = 2 * np.arctan(np.exp(-eta)), np.zeros(len(pt))
    matrices = covariance(np.stack([nothing, nothing, nothing, theta, np.sin(theta) / pt], axis=1), scale)
    matrices = matrices.reshape(len(PT_EDGES), len(ETA_EDGES) - 1, 5, 5)
    sigma = np.sqrt(np.diagonal(matrices, axis1=2, axis2=3))
    change = TO_PUBLISHED * (sigma / sigma[:, :1]) ** (RISE - 1.0)
    matrices = matrices * change[..., :, None] * change[..., None, :]
    factors = np.array([low_pt_factor, low_pt_factor, 1.0, 1.0, 1.0])
    table = np.concatenate([matrices[:1] * np.outer(factors, factors), matrices])
    mirror = np.array([-1.0, 1.0, 1.0, 1.0, 1.0])
    table = table * np.outer(mirror, mirror)
    table.setflags(write=False)
    return table


def published_covariance(pt: np.ndarray, eta: np.ndarray, options: PublishedTracking) -> np.ndarray:
    """The covariance matrix (n, 5, 5) of each track's bin; pt in GeV. A lower edge belongs to the bin below it."""
    in_eta = np.clip(np.searchsorted(ETA_EDGES, np.abs(eta)) - 1, 0, len(ETA_EDGES) - 2)
    table = resolution_table(options.low_pt_factor, options.resolution_scale)
    return table[np.searchsorted(PT_EDGES, pt), in_eta]


def measure_published(particles: ChargedSpecies, options: PublishedTracking, random: np.random.Generator) -> Tracks:
    """The tracks of `particles`, whose collisions are at the origin.

    A particle that is produced inside of the tracker's cylinder is found with its efficiency. The parameters of its
    helix are exact apart from `published_z0`. They are smeared with the covariance matrix of the true pt and eta, which
    is also the covariance of the track. There is no material, and there are no fake tracks and no pile-up.
    """
    visible = particles.take(np.flatnonzero(_is_inside(particles.vertex)))
    chance = random.random(len(visible.event))
    found = chance < published_efficiency(visible.pt, visible.eta, visible.species)
    visible = visible.take(np.flatnonzero(found))
    truth = perigee(visible.momentum, visible.vertex, visible.charge, options.field).parameters
    truth[:, 1] = published_z0(truth, visible.vertex)
    matrices = published_covariance(visible.pt, visible.eta, options)
    parameters = smear(truth, matrices, random.standard_normal((len(truth), 5)))
    parameters[:, 2] = np.remainder(parameters[:, 2] + np.pi, 2 * np.pi) - np.pi
    parameters[:, 3] = np.clip(parameters[:, 3], 1e-3, np.pi - 1e-3)
    prompt = (visible.vertex**2).sum(axis=1) < PROMPT**2
    return Tracks(np.full(len(truth), -1), visible.event, parameters, matrices, prompt)


def published_z0(parameters: np.ndarray, vertex: np.ndarray) -> np.ndarray:
    """z0 (n,) in mm of tracks with these perigee parameters (n, 5), produced at vertex (n, 3) in mm.

    It is z + (|d0| - r) cot θ, where r is the distance of the vertex from the beam, as in the authors'
    ParticlePropagator.cc. The correct path back to the perigee would be sqrt(r² - d0²). Displaced tracks therefore miss
    their vertex by up to |d0| cot θ along the beam. The z0 significances of the published file are twice those of a
    correct perigee, and also larger than those of this formula.
    """
    return vertex[:, 2] + (np.abs(parameters[:, 0]) - np.hypot(vertex[:, 0], vertex[:, 1])) / np.tan(parameters[:, 3])


def _is_inside(vertex: np.ndarray) -> np.ndarray:
    return (np.hypot(vertex[:, 0], vertex[:, 1]) < RADIUS) & (np.abs(vertex[:, 2]) < HALF_LENGTH)
