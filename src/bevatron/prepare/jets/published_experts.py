"""The expert variables of Guest et al. (2016): github.com/dguest/delphes, branch production, hl_vars.cc."""

import numpy as np

from bevatron.prepare.jets.feature import Feature
from bevatron.prepare.jets.published_reconstruction import PublishedJets
from bevatron.prepare.jets.vertex_features import flight_direction
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.prepare.vertexing.two_track_vertices import PION

THRESHOLD = 1.8  # standard deviations
MISSING = -1.0  # replaces the infinities of the authors' file, because networks need finite numbers

JET = (
    Feature("pt", "GeV", "transverse momentum of the jet, as the source clustered it"),
    Feature("eta", "", "pseudorapidity of the jet, as the source clustered it"),
)
FEATURES = (
    *(feature._replace(name=f"jet_{feature.name}") for feature in JET),
    Feature("track_2_d0_significance", "", "|d0| over its error, of the track with the second largest |d0|; -1: none"),
    Feature("track_3_d0_significance", "", "the same of the third track"),
    Feature("track_2_z0_significance", "", "|z0| over its error, of the same second track; -1: none"),
    Feature("track_3_z0_significance", "", "the same of the same third track"),
    Feature("n_tracks_over_d0_threshold", "", "tracks with |d0| over its error above 1.8; 0 for a jet of one track"),
    Feature("jet_prob", "", "Π Σ (-ln Π)^j / j!, Π the product of the tracks' probabilities; -1 without tracks"),
    Feature("jet_width_eta", "", "sqrt(Σ pt Δeta² / Σ pt) over the jet's tracks; -1 without"),
    Feature("jet_width_phi", "rad", "sqrt(Σ pt Δphi² / Σ pt) over the jet's tracks; -1 without"),
    Feature(
        "vertex_significance", "", "(Σ L/σ²) / sqrt(Σ 1/σ²) over the vertices' distances L with errors σ; -1: none"
    ),
    Feature("n_secondary_vertices", "", "vertices of the tracks outside of the primary one; -1: none"),
    Feature("n_secondary_vertex_tracks", "", "sum of the vertices' numbers of tracks; -1: no vertex"),
    Feature("delta_r_vertex", "", "ΔR of vertices to the jet's axis, mean weighted by their tracks; -1: none"),
    Feature("vertex_mass", "GeV", "sum of the vertices' masses (pions); -1: no vertex"),
    Feature(
        "vertex_energy_fraction",
        "",
        "sum of the vertices' energies over that of all tracks of the jet (pions); -1: no vertex",
    ),
)
LEADING = (
    Feature("track_1_d0_significance", "", "|d0| over its error, of the track with the largest |d0|; -1: none"),
    Feature("track_1_z0_significance", "", "|z0| over its error, of the same track; -1: none"),
    Feature("n_tracks", "", "tracks of the jet's list"),
)

# ATLAS-CONF-2010-091, from constants_jetprob.hh: the distribution of x = |d0| / σ of prompt tracks is
# p0 exp(-x²/2 p1²) + p2 exp(-x²/2 p3²) + exp(-p4 - p5 x) + exp(-p6 - p7 x)
GAUSSIANS = ((0.32, 0.56), (0.19, 0.89))
EXPONENTIALS = ((3.09, 0.81), (6.07, 0.23))


def track_probability(size: np.ndarray) -> np.ndarray:
    """The authors' probability that a prompt track has a larger |d0| / σ than `size` (n,); it is always below 0.38.

    It is the integral of the distribution above from `size` on. As in the authors' gauss_prob, the integrals of the
    Gaussians are divided by the square root of 2. It is at least 1e-300.
    """
    from scipy.special import erfc

    total = sum(np.sqrt(np.pi) / 2 * norm * width * erfc(size / (np.sqrt(2) * width)) for norm, width in GAUSSIANS)
    total = total + sum(np.exp(-offset - slope * size) / slope for offset, slope in EXPONENTIALS)
    return np.maximum(total, 1e-300)


def published_jet_probability(size: np.ndarray, jet: np.ndarray, jets: int) -> np.ndarray:
    """Π Σ_{k<n} (-ln Π)^k / k! of each jet, (jets,), for n tracks whose probabilities have the product Π.

    It is the regularised incomplete gamma function Q(n, -ln Π), and MISSING without tracks. size, which is |d0| / σ,
    and jet are those of all tracks, (total,).
    """
    from scipy.special import gammaincc

    number = np.bincount(jet, minlength=jets)
    minus_log = np.bincount(jet, -np.log(track_probability(size)), minlength=jets)
    return np.where(number > 0, gammaincc(np.maximum(number, 1), minus_log), MISSING)


def track_energy(jets: PublishedJets, n: int, d0_max: float) -> np.ndarray:
    """The energy in GeV, (n,), of all tracks near each of n jets with |d0| <= d0_max mm, taken as pions, of any pt."""
    near = np.abs(jets.tracks.parameters[:, 0]) <= d0_max
    energy = np.hypot(1 / jets.tracks.parameters[near, 4], PION)
    return np.bincount(jets.tracks.jet[near], energy, minlength=n)


def published_experts(
    kinematics: tuple[np.ndarray, np.ndarray, np.ndarray], jets: PublishedJets, energy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """FEATURES (n, 16) and LEADING (n, 3) of each jet. kinematics: pt, eta, phi of jets; energy: of their tracks."""
    of_tracks, leading = _track_experts(kinematics, jets)
    n_listed = np.bincount(jets.tracks.jet[is_listed(jets)], minlength=len(energy))
    expert = np.column_stack([*kinematics[:2], *of_tracks, *_vertex_experts(kinematics, jets, energy)])
    return expert, np.column_stack([*leading, n_listed])


def is_listed(jets: PublishedJets) -> np.ndarray:
    """Whether each track is in its jet's list, (total,) bool: it belongs to the primary or to a secondary vertex."""
    return jets.is_primary | (jets.vertices.vertex >= 0)


def _track_experts(
    kinematics: tuple[np.ndarray, np.ndarray, np.ndarray], jets: PublishedJets
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The eight expert variables of tracks, and the two observables of the leading track, (n,) each."""
    _, eta, phi = kinematics
    n, tracks = len(eta), jets.tracks.take(np.flatnonzero(jets.is_expert))
    sigma = np.sqrt(tracks.covariance[:, [0, 1], [0, 1]])
    size, along = (np.abs(tracks.parameters[:, :2]) / sigma).T
    jet, distance = tracks.jet, np.abs(tracks.parameters[:, 0])
    order = np.lexsort((-distance, jet))  # by |d0| itself, not by its significance
    first = np.searchsorted(jet, np.arange(n + 1))
    number = np.diff(first)

    def at_rank(values: np.ndarray, rank: int) -> np.ndarray:
        found = np.full(n, MISSING)
        has_rank = number > rank
        found[has_rank] = values[order[first[:-1][has_rank] + rank]]
        return found

    def width(away: np.ndarray) -> np.ndarray:
        squared = np.bincount(jet, tracks.pt * away**2, minlength=n)
        total = np.bincount(jet, tracks.pt, minlength=n)
        return np.where(number > 0, np.sqrt(squared / np.where(number > 0, total, 1.0)), MISSING)

    over = np.where(number > 1, np.bincount(jet, size > THRESHOLD, minlength=n), 0.0)
    return [
        *(at_rank(values, rank) for values in (size, along) for rank in (1, 2)),
        over,
        published_jet_probability(size, jet, n),
        width(tracks.eta - eta[jet]),
        width(delta_phi(tracks.parameters[:, 2], phi[jet])),
    ], [at_rank(size, 0), at_rank(along, 0)]


def _vertex_experts(
    kinematics: tuple[np.ndarray, np.ndarray, np.ndarray], jets: PublishedJets, energy: np.ndarray
) -> list[np.ndarray]:
    """The six expert variables of vertices, (n,) each."""
    _, eta, phi = kinematics
    vertices, n = jets.vertices, len(eta)
    jet = vertices.jet

    def sum_by_jet(values: np.ndarray) -> np.ndarray:
        return np.bincount(jet, values, minlength=n)

    away_eta, away_phi = flight_direction(vertices)
    away = np.hypot(away_eta - eta[jet], delta_phi(away_phi, phi[jet]))
    length = np.maximum(vertices.length, 1e-12)
    inverse_variance = (vertices.significance / length) ** 2
    members, number = sum_by_jet(vertices.n_tracks), np.bincount(jet, minlength=n)
    has_vertex = number > 0
    values = [
        sum_by_jet(vertices.length * inverse_variance) / np.sqrt(np.maximum(sum_by_jet(inverse_variance), 1e-30)),
        number,
        members,
        sum_by_jet(away * vertices.n_tracks) / np.maximum(members, 1),
        sum_by_jet(vertices.mass),
        sum_by_jet(vertices.momentum[:, 3]) / np.maximum(energy, 1e-30),
    ]
    return [np.where(has_vertex, value, MISSING) for value in values]
