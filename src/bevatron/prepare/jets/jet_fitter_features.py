"""The variables of a jet's decay chain, after ATLAS's JetFitter."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.jet_fitter import DecayChains

MISSING = -1.0  # angles of a jet without a vertex (ATLAS: -10); the other features are 0 then, as in ATLAS's code
FEATURES = (
    Feature("jet_fitter_n_vertices", "", "vertices of two or more tracks (JetFitter_nVTX)"),
    Feature("jet_fitter_n_single_tracks", "", "vertices of one track (JetFitter_nSingleTracks)"),
    Feature("jet_fitter_n_tracks", "", "tracks at vertices of two or more (JetFitter_nTracksAtVtx)"),
    Feature("jet_fitter_n_pairs", "", "two-track vertices before the fit (JetFitter_N2Tpair)"),
    Feature("jet_fitter_mass", "GeV", "mass of the tracks of these vertices, pions (JetFitter_massUncorr)"),
    Feature(
        "jet_fitter_mass_corrected",
        "GeV",
        "sqrt(m² + p²) + p, m that mass, p the sum over vertices of the momentum across the flight (JetFitter_mass)",
    ),
    Feature(
        "jet_fitter_energy_fraction",
        "",
        "energy of the tracks of all vertices over that of all tracks of the jet, pions (JetFitter_energyFraction)",
    ),
    Feature(
        "jet_fitter_significance",
        "",
        "(Σ d/σ²) / sqrt(Σ 1/σ²) over these vertices' distances d with errors σ (JetFitter_significance3d)",
    ),
    Feature(
        "jet_fitter_delta_eta", "", "eta of the sum of all vertices' momenta, minus the jet's (JetFitter_deltaeta)"
    ),
    Feature("jet_fitter_delta_phi", "rad", "azimuth of that sum, minus the jet's (JetFitter_deltaphi)"),
    Feature("jet_fitter_delta_r_flight", "", "ΔR of that sum to the fitted flight (JetFitter_dRFlightDir)"),
)


def jet_fitter_features(
    chains: DecayChains, jet_eta: np.ndarray, jet_phi: np.ndarray, track_energy: np.ndarray
) -> np.ndarray:
    """FEATURES of each jet, (n_jets, 11). track_energy (n_jets,): the energy in GeV of all tracks of each jet.

    As in athena's JetFitterVariablesFactory, vertices behind the primary vertex (d < 0) do not count. Mass and
    significance are those of vertices of two or more tracks, or of one-track vertices if a jet has no others. Unlike
    there, mass and significance are not compressed by an arc tangent, and the energy fraction refers to all tracks.
    """
    jets = len(jet_eta)
    front, several = chains.distance > 0.0, chains.n_tracks > 1
    n_vertices = np.bincount(chains.jet[front & several], minlength=jets)
    main = front & (several | (n_vertices[chains.jet] == 0))

    def sum_by_jet(values: np.ndarray, used: np.ndarray) -> np.ndarray:
        return np.bincount(chains.jet[used], values[used], minlength=jets)

    momentum = chains.momentum
    along = (momentum[:, :3] * chains.axis[chains.jet]).sum(axis=1)
    across = np.sqrt(np.maximum((momentum[:, :3] ** 2).sum(axis=1) - along**2, 0.0))
    total = np.stack([sum_by_jet(momentum[:, i], main) for i in range(4)], axis=1)
    mass = np.sqrt(np.maximum(total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1), 0.0))
    missing_pt = sum_by_jet(across, main)
    inverse_variance = 1 / chains.distance_error**2
    weight = sum_by_jet(inverse_variance, main)
    x, y, z, energy = (sum_by_jet(momentum[:, i], front) for i in range(4))
    has_vertex = energy > 0.0
    eta, phi = np.arcsinh(z / np.where(has_vertex, np.hypot(x, y), 1.0)), np.arctan2(y, x)
    flight_phi = chains.parameters[:, 3]
    flight_eta = np.arctanh(np.clip(np.cos(chains.parameters[:, 4]), -1 + 1e-12, 1 - 1e-12))
    return np.column_stack(
        [
            n_vertices,
            np.bincount(chains.jet[front & ~several], minlength=jets),
            sum_by_jet(chains.n_tracks, front & several),
            chains.n_pairs,
            mass,
            np.hypot(mass, missing_pt) + missing_pt,
            energy / np.where(has_vertex, track_energy, 1.0),
            sum_by_jet(chains.distance * inverse_variance, main) / np.sqrt(np.where(has_vertex, weight, 1.0)),
            np.where(has_vertex, eta - jet_eta, MISSING),
            np.where(has_vertex, delta_phi(phi, jet_phi), MISSING),
            np.where(has_vertex, np.hypot(eta - flight_eta, delta_phi(phi, flight_phi)), MISSING),
        ]
    )
