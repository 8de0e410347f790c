"""The features of each track that networks over tracks read, after those of ATLAS's GN2."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.jets.track_features import SignedTracks

# ATLAS's list (ATL-PHYS-PUB-2022-027, table 1; salt, configs/GN2/GN2.yaml) without numbers of hits, which are not
# simulated. pt, which networks over pairs of tracks compare, and its fraction of the jet's pt are added.
FEATURES = (
    Feature("d0", "mm", "distance to the primary vertex across the beam; > 0: crosses the jet's axis in front of it"),
    Feature("z0_sin_theta", "mm", "the same along the beam, times sin θ; > 0 if z0 (eta_jet - eta_track) is"),
    Feature("delta_phi", "rad", "azimuth at the perigee, from the jet's axis"),
    Feature("delta_eta", "", "pseudorapidity, from the jet's axis"),
    Feature("q_over_p", "1/GeV", "charge over momentum"),
    Feature("sigma_phi", "rad", "error of the azimuth"),
    Feature("sigma_theta", "rad", "error of the angle to the beam"),
    Feature("sigma_q_over_p", "1/GeV", "error of charge over momentum"),
    Feature("d0_significance", "", "d0 over its error, with the primary vertex's"),
    Feature("z0_significance", "", "z0 sin θ over its error, with the primary vertex's"),
    Feature("pt", "GeV", "transverse momentum"),
    Feature("pt_fraction", "", "transverse momentum over the jet's"),
)


def track_inputs(
    tracks: SignedTracks, eta: np.ndarray, jet: np.ndarray, jet_pt: np.ndarray, jet_eta: np.ndarray
) -> np.ndarray:
    """FEATURES of each track, (n, 12). eta and jet (n,): of tracks; jet_pt in GeV and jet_eta (n_jets,): of jets."""
    d0, z0, phi, theta, q_over_p = tracks.parameters.T
    pt = np.sin(theta) / np.abs(q_over_p)
    sigma = np.sqrt(np.diagonal(tracks.covariance, axis1=1, axis2=2))
    sigma_along = along_error(tracks)
    return np.column_stack(
        [
            d0,
            z0 * np.sin(theta),
            phi,
            eta - jet_eta[jet],
            q_over_p,
            sigma[:, 2],
            sigma[:, 3],
            sigma[:, 4],
            tracks.d0_significance,
            z0 * np.sin(theta) / sigma_along,
            pt,
            pt / jet_pt[jet],
        ]
    )


def along_error(tracks: SignedTracks) -> np.ndarray:
    """The error (n,) of z0 sin θ in mm, from the covariance of z0 and θ."""
    z0, theta = tracks.parameters[:, 1], tracks.parameters[:, 3]
    by_z0, by_theta = np.sin(theta), z0 * np.cos(theta)
    variance = (
        by_z0**2 * tracks.covariance[:, 1, 1]
        + 2 * by_z0 * by_theta * tracks.covariance[:, 1, 3]
        + by_theta**2 * tracks.covariance[:, 3, 3]
    )
    return np.sqrt(variance)
