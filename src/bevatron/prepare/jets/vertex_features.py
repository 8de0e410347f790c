"""The features of secondary vertices."""

import numpy as np

from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.secondary_vertices import SecondaryVertices


def vertex_features(
    vertices: SecondaryVertices, jet_eta: np.ndarray, jet_phi: np.ndarray, track_energy: np.ndarray
) -> np.ndarray:
    """`published_features.VERTEX_FEATURES` of each vertex, (n, 7). Of jets (n_jets,): eta, phi and the energy of all
    their tracks in GeV.
    """
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
