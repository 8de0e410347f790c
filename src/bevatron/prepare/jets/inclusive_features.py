"""The variables of a jet's inclusive secondary vertex, after ATLAS's SV1."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.inclusive_vertex import InclusiveVertices

MISSING = -1.0  # all variables of a jet without a vertex (ATLAS: -100 for lengths, 0 for the significance)
FEATURES = (
    Feature("sv1_mass", "GeV", "mass of the vertex's tracks, all taken as pions (SV1_masssvx)"),
    Feature("sv1_energy_fraction", "", "their energy over that of all tracks of the jet, pions (SV1_efracsvx)"),
    Feature("sv1_n_pairs", "", "two-track vertices that it is made from (SV1_N2Tpair)"),
    Feature("sv1_n_tracks", "", "tracks of the vertex (SV1_NGTinSvx)"),
    Feature("sv1_length_across", "mm", "distance from the primary vertex across the beam (SV1_Lxy)"),
    Feature("sv1_length", "mm", "distance from the primary vertex (SV1_L3d)"),
    Feature("sv1_significance", "", "that distance over its error, that of both vertices (SV1_significance3d)"),
    Feature("sv1_delta_r", "", "ΔR of the way from the primary vertex to the jet's axis (SV1_deltaR)"),
)


def inclusive_features(
    vertices: InclusiveVertices, jet_eta: np.ndarray, jet_phi: np.ndarray, track_energy: np.ndarray
) -> np.ndarray:
    """FEATURES of each jet, (n_jets, 8). Of jets: eta, phi and the energy of all their tracks in GeV, (n_jets,)."""
    jet = vertices.jet
    x, y, z = vertices.flight.T
    across = np.hypot(x, y)
    eta, phi = np.arcsinh(z / np.maximum(across, 1e-6)), np.arctan2(y, x)
    features = np.full((len(jet_eta), len(FEATURES)), MISSING)
    features[jet] = np.column_stack(
        [
            vertices.mass,
            vertices.momentum[:, 3] / track_energy[jet],
            vertices.n_pairs,
            vertices.n_tracks,
            across,
            vertices.length,
            vertices.significance,
            np.hypot(eta - jet_eta[jet], delta_phi(phi, jet_phi[jet])),
        ]
    )
    return features
