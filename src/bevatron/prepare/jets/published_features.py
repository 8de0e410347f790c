"""The lists of the published data set: the tracks of each jet, and for each track the vertex to which it belongs."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.jets.published_experts import is_listed
from bevatron.prepare.jets.published_reconstruction import PublishedJets
from bevatron.prepare.jets.vertex_features import vertex_features
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.two_track_vertices import PION
from bevatron.store.shards.columns import Ragged

PARAMETERS = (
    Feature("d0", "mm", "distance to the collision across the beam, of the sign of (x × p)_z at the perigee"),
    Feature("z0", "mm", "z of the perigee"),
    Feature("phi", "rad", "azimuth at the perigee, minus the jet's"),
    Feature("theta", "rad", "angle to the beam, minus the jet's"),
    Feature("q_over_p", "1/GeV", "charge over momentum"),
)
PAIRS = tuple((i, j) for i in range(5) for j in range(i, 5))  # of the covariance


def _term(i: int, j: int) -> Feature:
    first, second = PARAMETERS[i], PARAMETERS[j]
    unit = f"{first.unit}²" if i == j else f"{first.unit} {second.unit}"
    what = f"variance of {first.name}" if i == j else f"covariance of {first.name} and {second.name}"
    return Feature(f"cov_{first.name}_{second.name}", unit, what)


TRACK_FEATURES = (
    *PARAMETERS,
    *(_term(i, j) for i, j in PAIRS),
    Feature("vertex_weight", "", "weight in the fit of the primary or secondary vertex to which it belongs"),
)
VERTEX_FEATURES = (
    Feature("vertex_mass", "GeV", "mass of the vertex's tracks, all taken as pions"),
    Feature("vertex_displacement", "mm", "distance from the collision; 0 for the primary vertex"),
    Feature("vertex_delta_eta", "", "eta of the vertex, minus the jet's; 0 for the primary vertex"),
    Feature("vertex_delta_phi", "rad", "azimuth of the vertex, minus the jet's; 0 for the primary vertex"),
    Feature("vertex_displacement_significance", "", "displacement over its error; 0 for the primary vertex"),
    Feature("vertex_n_tracks", "", "its tracks; of the primary vertex those of this jet"),
    Feature("vertex_energy_fraction", "", "its tracks' energy over that of all tracks of the jet (pions)"),
)


def listed_tracks(jets: PublishedJets, n: int, maximum: int) -> Ragged:
    """The rows of the tracks in each jet's list, by falling |d0| / σ, at most `maximum` (arXiv:1607.08633, sec. IV)."""
    rows = np.flatnonzero(is_listed(jets))
    tracks = jets.tracks
    size = np.abs(tracks.parameters[rows, 0]) / np.sqrt(tracks.covariance[rows, 0, 0])
    rows = rows[np.lexsort((-size, tracks.jet[rows]))]
    first = np.searchsorted(tracks.jet[rows], np.arange(n + 1))
    lengths = np.diff(first)
    rank = np.arange(len(rows)) - np.repeat(first[:-1], lengths)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, maximum))]).astype(np.int64)
    return Ragged(rows[rank < maximum], offsets)


def published_track_features(jets: PublishedJets, rows: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """TRACK_FEATURES of the tracks at `rows`, (m, 21); eta and phi (n,) of the jets."""
    jet = jets.tracks.jet[rows]
    parameters = jets.tracks.parameters[rows]
    covariance = jets.tracks.covariance[rows].copy()
    parameters[:, 0] *= -1.0  # the file's sign is Delphes', the opposite of ATLAS's
    covariance[:, 0, :] *= -1.0
    covariance[:, :, 0] *= -1.0
    parameters[:, 2] = delta_phi(parameters[:, 2], phi[jet])
    parameters[:, 3] -= 2 * np.arctan(np.exp(-eta[jet]))
    terms = [covariance[:, i, j] for i, j in PAIRS]
    weight = np.where(jets.is_primary[rows], jets.primary_weight[rows], jets.vertices.weight[rows])
    return np.column_stack([parameters, *terms, weight])


def published_vertex_features(
    jets: PublishedJets, rows: np.ndarray, eta: np.ndarray, phi: np.ndarray, energy: np.ndarray
) -> np.ndarray:
    """VERTEX_FEATURES of the vertex of each track at `rows`, (m, 7). eta, phi and energy of tracks: for jets, (n,).

    For tracks of the primary vertex these are the features of the jet's own primary tracks (the authors'
    sv_from_rave_pv). Its direction is undefined: NaN in the authors' file, and 0 here, which is about the mean by which
    they replace it.
    """
    secondary = vertex_features(jets.vertices, eta, phi, np.maximum(energy, 1e-30))
    primary = _primary_pseudo_vertices(jets, len(eta), energy)
    features = primary[jets.tracks.jet[rows]]
    belongs = ~jets.is_primary[rows]
    features[belongs] = secondary[jets.vertices.vertex[rows[belongs]]]
    return features


def _primary_pseudo_vertices(jets: PublishedJets, n: int, energy: np.ndarray) -> np.ndarray:
    """VERTEX_FEATURES of the primary tracks of each of n jets, (n, 7)."""
    rows = np.flatnonzero(jets.is_primary)
    _, _, phi, theta, q_over_p = jets.tracks.parameters[rows].T
    p, jet = 1 / np.abs(q_over_p), jets.tracks.jet[rows]
    pt = p * np.sin(theta)
    parts = (pt * np.cos(phi), pt * np.sin(phi), p * np.cos(theta), np.hypot(p, PION))
    px, py, pz, total = (np.bincount(jet, part, minlength=n) for part in parts)
    mass = np.sqrt(np.maximum(total**2 - px**2 - py**2 - pz**2, 0.0))
    nothing, members = np.zeros(n), np.bincount(jet, minlength=n)
    return np.column_stack([mass, nothing, nothing, nothing, nothing, members, total / np.maximum(energy, 1e-30)])
