"""Features of jets for kinematics and observables, without vertices and expert variables."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.jets.track_features import SignedTracks

JET = (
    Feature("pt", "GeV", "transverse momentum of the jet as measured"),
    Feature("eta", "", "pseudorapidity of the jet as measured"),
)
FEATURES = (
    Feature("track_1_d0_significance", "", "d0 over its error, of the track with the largest |d0 significance|"),
    Feature("track_1_z0_significance", "", "z0 over its error, of the same track"),
    Feature("n_tracks", "", "tracks selected in the jet"),
)
PILE_UP = (
    Feature("n_collisions", "", "other collisions in the event, in truth"),
    Feature("n_vertices", "", "collisions found along the beam, the hard one among them"),
)


def leading_features(tracks: SignedTracks, order: np.ndarray, jet: np.ndarray, jets: int) -> np.ndarray:
    """FEATURES of each jet, (jets, 3), 0 without tracks. order (n,): rows by jet, most displaced first; jet (n,)."""
    first = np.searchsorted(jet, np.arange(jets + 1))
    features = np.zeros((jets, len(FEATURES)))
    features[:, 2] = np.diff(first)
    some = np.flatnonzero(features[:, 2])
    rows = order[first[some]]
    features[some, 0], features[some, 1] = tracks.d0_significance[rows], tracks.z0_significance[rows]
    return features
