"""The expert variables of a jet's tracks alone: impact parameters, and widths of the jet."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.jets.track_features import SignedTracks

PT_MIN, D0_MAX, ALONG_MAX = 1.0, 1.0, 1.5  # GeV, mm, mm of z0 sin θ: ATLAS's IP3D (arXiv:1512.01094, sec. 3)
THRESHOLD = 1.8  # standard deviations (Guest et al. 2016)
RANKS = (1, 2, 3)

FEATURES = (
    *(
        Feature(f"track_{k}_d0_significance", "", f"d0 over its error, of the track with the {k}. |d0 significance|")
        for k in RANKS
    ),
    *(Feature(f"track_{k}_z0_significance", "", f"z0 over its error, of the same {k}. track") for k in RANKS),
    Feature("n_tracks_over_d0_threshold", "", "tracks with a signed d0 significance above 1.8"),
    Feature("jet_prob", "", "probability that the tracks of a light jet are at least as displaced: Π Σ (-ln Π)^j / j!"),
    Feature("n_impact_tracks", "", "tracks that these variables are made of"),
    Feature("track_width_eta", "", "sqrt(Σ pt Δeta² / Σ pt) over these tracks"),
    Feature("track_width_phi", "rad", "sqrt(Σ pt Δphi² / Σ pt) over these tracks"),
    Feature("track_pt_fraction", "", "Σ pt of these tracks over the jet's pt"),
)


def select_impact_tracks(tracks: SignedTracks) -> np.ndarray:
    """The rows of the tracks that the variables of impact parameters use."""
    d0, z0, _, theta, q_over_p = tracks.parameters.T
    hard = np.sin(theta) > PT_MIN * np.abs(q_over_p)
    return np.flatnonzero(hard & (np.abs(d0) < D0_MAX) & (np.abs(z0 * np.sin(theta)) < ALONG_MAX))


def impact_features(
    tracks: SignedTracks,
    eta: np.ndarray,
    jet: np.ndarray,
    probability: np.ndarray,
    jet_pt: np.ndarray,
    jet_eta: np.ndarray,
) -> np.ndarray:
    """FEATURES of each jet, (n_jets, 12). Significances of tracks that a jet does not have, and widths without tracks,
    are 0.

    tracks: those that `select_impact_tracks` selects, jet by jet, with their signs; eta and jet (n,) of these tracks;
    probability (n_jets,): the `jet_probability` of these tracks; jet_pt in GeV and jet_eta (n_jets,).
    """
    jets = len(jet_pt)
    d0, z0, phi = tracks.d0_significance, tracks.z0_significance, tracks.parameters[:, 2]
    pt = np.sin(tracks.parameters[:, 3]) / np.abs(tracks.parameters[:, 4])
    order = np.lexsort((-np.abs(d0), jet))
    first = np.searchsorted(jet, np.arange(jets + 1))

    def at_rank(values: np.ndarray, rank: int) -> np.ndarray:
        has_rank, found = np.diff(first) >= rank, np.zeros(jets)
        found[has_rank] = values[order[first[:-1][has_rank] + rank - 1]]
        return found

    def sum_by_jet(values: np.ndarray) -> np.ndarray:
        return np.bincount(jet, values, minlength=jets)

    total = sum_by_jet(pt)
    return np.column_stack(
        [
            *(at_rank(values, rank) for values in (d0, z0) for rank in RANKS),
            sum_by_jet(d0 > THRESHOLD),
            probability,
            np.diff(first),
            *(np.sqrt(sum_by_jet(pt * x**2) / np.maximum(total, 1e-9)) for x in (eta - jet_eta[jet], phi)),
            total / jet_pt,
        ]
    )
