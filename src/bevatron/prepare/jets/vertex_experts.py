"""The expert variables of the vertices of jets amid pile-up: those of JetFitter and of SV1."""

from dataclasses import replace

import numpy as np

from bevatron.prepare.jets import inclusive_features, jet_fitter_features
from bevatron.prepare.jets.feature import make_group
from bevatron.prepare.jets.jets_amid_pile_up import JetsAmidPileUp
from bevatron.prepare.jets.vertex_finder_options import InclusiveVertexCuts, JetFitterCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.inclusive_vertex import find_inclusive_vertices
from bevatron.prepare.vertexing.jet_fitter import DecayChains, fit_decay_chains
from bevatron.prepare.vertexing.two_track_vertices import PION
from bevatron.store.shards.columns import Dense, Group

SINGLE = "jet_fitter_n_single_tracks"


def vertex_groups(
    measured: JetsAmidPileUp,
    jet_eta: np.ndarray,
    jet_phi: np.ndarray,
    field: float,
    chain_cuts: JetFitterCuts,
    inclusive_cuts: InclusiveVertexCuts,
) -> dict[str, Group]:
    """The groups `jet_fitter`, `jet_fitter_pairs` and `inclusive_vertex` of jets with these directions (n_jets,).

    jet_fitter_pairs has the features of the same chains without the vertices of one track. Neither finder uses tracks
    that point to another collision: those with a |d0| significance below pileup_d0_significance and a |z0| significance
    above pileup_z0_significance of `inclusive_cuts`. field is in tesla.
    """
    of_other = (np.abs(_significance(measured.tracks, 0)) < inclusive_cuts.pileup_d0_significance) & (
        np.abs(_significance(measured.tracks, 1)) > inclusive_cuts.pileup_z0_significance
    )
    rows, n_jets = np.flatnonzero(~of_other), len(jet_eta)
    tracks = measured.at_beam.take(rows)
    axis = np.stack([np.cos(jet_phi), np.sin(jet_phi), np.sinh(jet_eta)], axis=1)
    axis /= np.cosh(jet_eta)[:, None]
    known = (measured.chi2_primary[rows], measured.primary, measured.primary_covariance, axis, field)
    chains = fit_decay_chains(tracks, n_jets, *known, chain_cuts)
    inclusive = find_inclusive_vertices(tracks, n_jets, *known, inclusive_cuts)
    energy = np.bincount(tracks.jet, np.hypot(1 / tracks.parameters[:, 4], PION), minlength=n_jets)

    names = [feature.name for feature in jet_fitter_features.FEATURES]
    no_single = np.array([name != SINGLE for name in names])
    without = tuple(feature for feature in jet_fitter_features.FEATURES if feature.name != SINGLE)
    of_chains, of_pairs = (
        jet_fitter_features.jet_fitter_features(some, jet_eta, jet_phi, energy)
        for some in (chains, _without_single_tracks(chains))
    )
    of_inclusive = inclusive_features.inclusive_features(inclusive, jet_eta, jet_phi, energy)
    return {
        "jet_fitter": make_group(Dense(of_chains), jet_fitter_features.FEATURES),
        "jet_fitter_pairs": make_group(Dense(of_pairs[:, no_single]), without),
        "inclusive_vertex": make_group(Dense(of_inclusive), inclusive_features.FEATURES),
    }


def _significance(tracks: Tracks, parameter: int) -> np.ndarray:
    return tracks.parameters[:, parameter] / np.sqrt(tracks.covariance[:, parameter, parameter])


def _without_single_tracks(chains: DecayChains) -> DecayChains:
    """The chains with their vertices of two or more tracks only. The fields of tracks are not changed to match."""
    several = chains.n_tracks > 1
    names = ("jet", "distance", "distance_error", "vertex_chi2", "n_tracks", "momentum")
    return replace(chains, **{name: getattr(chains, name)[several] for name in names})
