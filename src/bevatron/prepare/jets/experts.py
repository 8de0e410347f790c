"""The expert variables of a jet: what decades of tagging have condensed its tracks and vertices to."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.jets.track_features import SignedTracks
from bevatron.prepare.jets.vertex_features import flight_direction
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.secondary_vertices import SecondaryVertices

THRESHOLD = 1.8  # standard deviations (Guest et al. 2016)

JET = (
    Feature("pt", "GeV", "transverse momentum of the generated jet"),
    Feature("eta", "", "pseudorapidity of the generated jet"),
)
FEATURES = (
    *(feature._replace(name=f"jet_{feature.name}") for feature in JET),
    Feature("track_2_d0_significance", "", "d0 over its error, of the track with the second largest |d0 significance|"),
    Feature("track_3_d0_significance", "", "the same of the third track"),
    Feature("track_2_z0_significance", "", "z0 over its error, of the same second track"),
    Feature("track_3_z0_significance", "", "z0 over its error, of the same third track"),
    Feature("n_tracks_over_d0_threshold", "", "tracks with a signed d0 significance above 1.8"),
    Feature("jet_prob", "", "probability that the tracks of a light jet are at least as displaced: Π Σ (-ln Π)^j / j!"),
    Feature("jet_width_eta", "", "sqrt(Σ pt Δeta² / Σ pt) over the jet's visible particles"),
    Feature("jet_width_phi", "rad", "sqrt(Σ pt Δphi² / Σ pt) over the jet's visible particles"),
    Feature("vertex_significance", "", "(Σ d/σ²) / sqrt(Σ 1/σ²) over the vertices' displacements d with errors σ"),
    Feature("n_secondary_vertices", "", "secondary vertices found"),
    Feature("n_secondary_vertex_tracks", "", "tracks that belong to them"),
    Feature("delta_r_vertex", "", "ΔR of the ways to the vertices to the jet's axis, mean weighted by their tracks"),
    Feature("vertex_mass", "GeV", "sum of the vertices' masses (pions): that of the decay chain"),
    Feature("vertex_energy_fraction", "", "energy of the vertices' tracks over that of all tracks of the jet (pions)"),
)
LEADING = (
    Feature("track_1_d0_significance", "", "d0 over its error, of the track with the largest |d0 significance|"),
    Feature("track_1_z0_significance", "", "z0 over its error, of the same track"),
    Feature("n_tracks", "", "tracks found in the jet"),
)


def values_at_rank(values: np.ndarray, order: np.ndarray, first: np.ndarray, rank: int) -> np.ndarray:
    """For each jet the value of its track at `rank` in `order`, 0 where the jet has fewer tracks; (n_jets,).

    first (n_jets + 1,) cuts the order into jets.
    """
    has_rank = np.diff(first) > rank
    at_rank = np.zeros(len(first) - 1)
    at_rank[has_rank] = values[order[first[:-1][has_rank] + rank]]
    return at_rank


def leading_features(tracks: SignedTracks, order: np.ndarray, first: np.ndarray) -> np.ndarray:
    """LEADING of each jet, (n_jets, 3)."""
    values = (tracks.d0_significance, tracks.z0_significance)
    return np.column_stack([*(values_at_rank(value, order, first, 0) for value in values), np.diff(first)])


def expert_features(
    kinematics: tuple[np.ndarray, ...],
    widths: tuple[np.ndarray, np.ndarray],
    probability: np.ndarray,
    tracks: SignedTracks,
    jet: np.ndarray,
    order: np.ndarray,
    first: np.ndarray,
    vertices: SecondaryVertices,
    track_energy: np.ndarray,
) -> np.ndarray:
    """FEATURES of each jet, (n_jets, 16); what a jet does not have is 0.

    kinematics: the jets' pt, eta, phi; widths in eta and phi; their probability and their tracks' energy in GeV;
    all (n_jets,). tracks with the jet (n,) of each, and their order by displacement.
    """
    pt, eta, phi = kinematics
    jets = len(pt)
    d0, z0 = tracks.d0_significance, tracks.z0_significance

    def sum_by_jet(values: np.ndarray) -> np.ndarray:
        return np.bincount(vertices.jet, values, minlength=jets)

    away_eta, away_phi = flight_direction(vertices)
    away = np.hypot(away_eta - eta[vertices.jet], delta_phi(away_phi, phi[vertices.jet]))
    inverse_variance = (vertices.significance / vertices.length) ** 2
    members = sum_by_jet(vertices.n_tracks)
    return np.column_stack(
        [
            pt,
            eta,
            *(values_at_rank(values, order, first, rank) for values in (d0, z0) for rank in (1, 2)),
            np.bincount(jet, d0 > THRESHOLD, minlength=jets),
            probability,
            *widths,
            sum_by_jet(vertices.length * inverse_variance) / np.sqrt(np.maximum(sum_by_jet(inverse_variance), 1e-30)),
            np.bincount(vertices.jet, minlength=jets),
            members,
            sum_by_jet(away * vertices.n_tracks) / np.maximum(members, 1),
            sum_by_jet(vertices.mass),
            sum_by_jet(vertices.momentum[:, 3]) / np.maximum(track_energy, 1e-30),
        ]
    )
