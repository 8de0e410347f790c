"""The charged particles of jets as a tracker would see them: selected, smeared, ordered by displacement."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.direction import delta_phi
from bevatron.prepare.helix import lifetime_sign, perigee
from bevatron.prepare.resolution import resolution
from bevatron.store.columns import Ragged

FEATURES = (
    "d0",  # measured, signed by the jet's axis
    "z0",  # measured, signed by the jet's axis
    "d0_significance",  # d0 / σ(d0)
    "z0_significance",  # z0 / σ(z0)
    "pt",
    "pt_fraction",  # of the jet's pt
    "delta_eta",  # to the jet's axis
    "delta_phi",
    "delta_r",
)
UNITS = ("mm", "mm", "", "", "GeV", "", "", "rad", "")


@dataclass(frozen=True)
class Selection:
    """What the tracker measures: pt above pt_min (GeV), |eta| below eta_max, made within radius_max (mm)."""

    pt_min: float
    eta_max: float
    radius_max: float


@dataclass(frozen=True)
class Constituents:
    """Charged constituents of n jets, flat: jet (total,) counts the jets; momentum (total, 3) in GeV, place
    of production (total, 3) in mm, charge (total,) in e."""

    jet: np.ndarray
    momentum: np.ndarray
    vertex: np.ndarray
    charge: np.ndarray

    @property
    def pt(self) -> np.ndarray:
        return np.hypot(self.momentum[:, 0], self.momentum[:, 1])

    @property
    def eta(self) -> np.ndarray:
        return np.arcsinh(self.momentum[:, 2] / self.pt)

    @property
    def phi(self) -> np.ndarray:
        return np.arctan2(self.momentum[:, 1], self.momentum[:, 0])

    def take(self, rows: np.ndarray) -> "Constituents":
        return Constituents(self.jet[rows], self.momentum[rows], self.vertex[rows], self.charge[rows])


def charged(constituents: Ragged, ids: Ragged) -> Constituents:
    """The charged ones. constituents: values (total, 7) of px, py, pz, energy in GeV and x, y, z in mm; ids:
    values (total, 2) of PDG number and three times the charge."""
    rows = np.flatnonzero(ids.values[:, 1])
    jet = np.repeat(np.arange(len(constituents)), constituents.lengths)[rows]
    values = constituents.values[rows].astype(np.float64)
    return Constituents(jet, values[:, :3], values[:, 4:7], ids.values[rows, 1] / 3.0)


def selected(particles: Constituents, selection: Selection) -> Constituents:
    """Those that leave a track."""
    within = np.hypot(particles.vertex[:, 0], particles.vertex[:, 1]) < selection.radius_max
    seen = (particles.pt > selection.pt_min) & (np.abs(particles.eta) < selection.eta_max) & within
    return particles.take(np.flatnonzero(seen))


def measured(
    particles: Constituents,
    jet_pt: np.ndarray,
    jet_eta: np.ndarray,
    jet_phi: np.ndarray,
    field: float,
    resolution_scale: float,
    random: np.random.Generator,
) -> np.ndarray:
    """The tracks' FEATURES, (total, 9) float64; jets' kinematics (n_jets,), field in T.

    d0 and z0 are the helix's perigee to the beam line plus Gaussian noise of the published resolution;
    direction and pt are taken as generated, as their resolution (1-3 %) tells nothing of the flavour. The
    sign of d0 is that of d0 sin(phi_jet - phi), the sign of z0 that of z0 (eta_jet - eta): positive where the
    track crosses the jet's axis in front of the collision.
    """
    jet, pt, eta = particles.jet, particles.pt, particles.eta
    truth = perigee(particles.momentum, particles.vertex, particles.charge, field)
    sigma = resolution(pt, eta, resolution_scale)
    noise = random.standard_normal((2, len(jet)))
    d0, z0 = truth.d0 + sigma.d0 * noise[0], truth.z0 + sigma.z0 * noise[1]
    seen = type(truth)(d0, z0, truth.phi)
    away_eta, away_phi = eta - jet_eta[jet], delta_phi(particles.phi, jet_phi[jet])
    d0 = np.abs(d0) * lifetime_sign(seen, jet_phi[jet])
    z0 = np.where(z0 * away_eta <= 0.0, np.abs(z0), -np.abs(z0))
    columns = (d0, z0, d0 / sigma.d0, z0 / sigma.z0, pt, pt / jet_pt[jet], away_eta, away_phi)
    return np.column_stack([*columns, np.hypot(away_eta, away_phi)])


def most_displaced(features: np.ndarray, jet: np.ndarray, jets: int, longest: int) -> Ragged:
    """Each jet's tracks by falling |d0 significance|, no more than `longest` of them; values float32.

    features (total, 9) and jet (total,) of all tracks; `jets` is the number of jets.
    """
    order = np.lexsort((-np.abs(features[:, FEATURES.index("d0_significance")]), jet))
    jet = jet[order]
    first = np.searchsorted(jet, np.arange(jets + 1))
    kept = np.arange(len(jet)) - first[jet] < longest
    offsets = np.concatenate([[0], np.cumsum(np.minimum(np.diff(first), longest))]).astype(np.int64)
    return Ragged(features[order[kept]].astype(np.float32), offsets)
