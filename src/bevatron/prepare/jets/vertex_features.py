"""The features of the secondary vertex to which a track belongs."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.secondary_vertices import NONE, SecondaryVertices

FEATURES = (
    Feature("vertex_mass", "GeV", "mass of the vertex's tracks, all taken as pions"),
    Feature("vertex_displacement", "mm", "distance from the primary vertex"),
    Feature("vertex_delta_eta", "", "eta of the way there from the primary vertex, minus the jet's"),
    Feature("vertex_delta_phi", "rad", "azimuth of that way, minus the jet's"),
    Feature("vertex_displacement_significance", "", "displacement over its error, that of both vertices"),
    Feature("vertex_n_tracks", "", "tracks with a weight above one half in its fit"),
    Feature("vertex_energy_fraction", "", "its tracks' energy over that of all tracks of the jet (pions)"),
)


def vertex_features(
    vertices: SecondaryVertices, jet_eta: np.ndarray, jet_phi: np.ndarray, track_energy: np.ndarray
) -> np.ndarray:
    """FEATURES of each vertex, (n, 7). Of jets: eta, phi and the energy of all their tracks in GeV, (n_jets,)."""
    eta, phi = flight_direction(vertices)
    return np.column_stack(
        [
            vertices.mass,
            vertices.length,
            eta - jet_eta[vertices.jet],
            delta_phi(phi, jet_phi[vertices.jet]),
            vertices.significance,
            vertices.n_tracks,
            vertices.momentum[:, 3] / track_energy[vertices.jet],
        ]
    )


def flight_direction(vertices: SecondaryVertices) -> tuple[np.ndarray, np.ndarray]:
    """Eta and phi (n,) of the way from the primary vertex."""
    x, y, z = vertices.flight.T
    return np.arcsinh(z / np.maximum(np.hypot(x, y), 1e-6)), np.arctan2(y, x)


def spread_to_tracks(features: np.ndarray, vertices: SecondaryVertices) -> np.ndarray:
    """The features (n_tracks, 7) of each track's vertex, zeros without one."""
    padded = np.concatenate([features, np.zeros((1, features.shape[1]))])  # NONE is the last row
    return padded[np.where(vertices.vertex == NONE, len(features), vertices.vertex)]
