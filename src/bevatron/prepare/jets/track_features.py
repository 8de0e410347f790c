"""The signs and the order of the tracks of a jet."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.tracking.helix import lifetime_sign


@dataclass(frozen=True)
class SignedTracks:
    """Tracks whose d0 and z0 have signs relative to their jets: parameters (n, 5), covariance (n, 5, 5)."""

    parameters: np.ndarray
    covariance: np.ndarray

    @property
    def d0_significance(self) -> np.ndarray:
        """d0 over its error, (n,)."""
        return self.parameters[:, 0] / np.sqrt(self.covariance[:, 0, 0])

    @property
    def z0_significance(self) -> np.ndarray:
        """z0 over its error, (n,)."""
        return self.parameters[:, 1] / np.sqrt(self.covariance[:, 1, 1])


def sign_tracks(tracks: Tracks, jet_eta: np.ndarray, jet_phi: np.ndarray) -> SignedTracks:
    """Tracks with d0 and z0 signed relative to their jets, and phi relative to the jet's axis.

    d0 is positive if the track crosses the jet's axis in front of the primary vertex, and z0 if z0 (eta of the jet -
    eta of the track) is. A sign that changes multiplies its row and column of the covariance by -1. jet_eta, jet_phi:
    (n_jets,).
    """
    d0, z0, phi = tracks.parameters[:, 0], tracks.parameters[:, 1], tracks.parameters[:, 2]
    sign = np.ones((len(tracks), 5))
    sign[:, 0] = lifetime_sign(d0, phi, jet_phi[tracks.jet]) * np.where(d0 < 0.0, -1.0, 1.0)
    in_front = z0 * (jet_eta[tracks.jet] - tracks.eta) >= 0.0
    sign[:, 1] = np.where(in_front, 1.0, -1.0) * np.where(z0 < 0.0, -1.0, 1.0)
    parameters = tracks.parameters * sign
    parameters[:, 2] = delta_phi(phi, jet_phi[tracks.jet])
    return SignedTracks(parameters, tracks.covariance * sign[:, :, None] * sign[:, None, :])


def order_by_displacement(significance: np.ndarray, jet: np.ndarray) -> np.ndarray:
    """The order (n,) of tracks by jet and falling |d0 significance|."""
    return np.lexsort((-np.abs(significance), jet))
