"""The decay chain of a jet: vertices along its flight axis, of one track or more."""

from dataclasses import dataclass

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.jets.vertex_finder_options import JetFitterCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.flight_axis_finder import CHAIN, CHAIN_VERTEX, MAX_TRACKS, find_chain
from bevatron.prepare.vertexing.flight_axis_fit import ChainPrior
from bevatron.prepare.vertexing.flight_axis_merging import ChainCuts
from bevatron.prepare.vertexing.pair_cuts import make_pair_cuts
from bevatron.prepare.vertexing.secondary_vertices import NONE
from bevatron.prepare.vertexing.track_momenta import sum_momenta


@dataclass(frozen=True)
class DecayChains:
    """The decay chains of all jets. Fields are arrays of jets, of vertices or of tracks.

    Of each vertex, one jet after the other and by rising distance: jet (n,); distance from the primary vertex along
    the flight axis, signed, and its error (n,) in mm; χ² of its tracks and n_tracks (n,), so 2 n_tracks - 1 degrees of
    freedom; momentum (n, 4) of (px, py, pz, E) in GeV, all tracks pions.

    Of each track: the row of its vertex in this list, or NONE (total,).

    Of each jet: parameters (jets, 5), the primary vertex as fitted (mm), phi and theta of the flight (rad), and their
    covariance (jets, 5, 5), which are those that were given where no track is displaced; chi2 of the fit and n_fitted,
    its tracks (at the primary vertex too), (jets,); n_pairs (jets,), two-track vertices found before the fit.
    """

    jet: np.ndarray
    distance: np.ndarray
    distance_error: np.ndarray
    vertex_chi2: np.ndarray
    n_tracks: np.ndarray
    momentum: np.ndarray
    vertex: np.ndarray
    parameters: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    n_fitted: np.ndarray
    n_pairs: np.ndarray

    def __len__(self) -> int:
        """How many vertices there are."""
        return len(self.jet)

    @property
    def mass(self) -> np.ndarray:
        """Of each vertex, (n,) in GeV; a pion's for one track."""
        energy, size = self.momentum[:, 3], (self.momentum[:, :3] ** 2).sum(axis=1)
        return np.sqrt(np.maximum(energy**2 - size, 0.0))

    @property
    def axis(self) -> np.ndarray:
        """Directions of the flight, (jets, 3)."""
        phi, theta = self.parameters[:, 3], self.parameters[:, 4]
        return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)

    @property
    def position(self) -> np.ndarray:
        """Of each vertex, (n, 3) in mm."""
        return self.parameters[self.jet, :3] + self.distance[:, None] * self.axis[self.jet]

    @property
    def ndf(self) -> np.ndarray:
        """Degrees of freedom of each jet's fit, (jets,)."""
        return 2 * self.n_fitted - np.bincount(self.jet, minlength=len(self.parameters))


def fit_decay_chains(
    tracks: Tracks,
    jets: int,
    chi2_primary: np.ndarray,
    primary: np.ndarray,
    primary_covariance: np.ndarray,
    axis: np.ndarray,
    field: float,
    options: JetFitterCuts,
) -> DecayChains:
    """The chains of the jets 0 … jets - 1, by `flight_axis_finder.find_chain` (JetFitter: Piacquadio and Weiser,
    J. Phys. Conf. Ser. 119 (2008) 032032; its use by ATLAS since 2016: ATL-PHYS-PUB-2018-025).

    tracks: those in jets, jet by jet, to the beam line, with their χ² to the primary vertex chi2_primary (total,), two
    degrees of freedom; primary (jets, 3) and its covariance (jets, 3, 3); axis (jets, 3), the jets' directions. The
    primary vertex should not know of the displaced tracks, or their weight there should be small: otherwise what
    joins it counts twice.
    """
    values = options.model_dump()
    cuts = ChainCuts(**{name: values[name] for name in ChainCuts._fields})
    pair_cuts = make_pair_cuts(options)
    unit = axis / np.sqrt((axis**2).sum(axis=1, keepdims=True))
    phi, theta = np.arctan2(unit[:, 1], unit[:, 0]), np.arctan2(np.hypot(unit[:, 0], unit[:, 1]), unit[:, 2])
    theta_error = np.maximum(options.axis_eta_error * np.sin(theta), 1e-6)  # ∂θ/∂η = -sin θ
    first = np.searchsorted(tracks.jet, np.arange(jets + 1))
    count, chains = np.zeros(jets, np.int64), np.zeros(jets, CHAIN)
    records = np.zeros((jets, MAX_TRACKS), CHAIN_VERTEX)
    vertex, phi_there = np.full(len(tracks), NONE), np.array(tracks.parameters[:, 2])
    measured = (np.ascontiguousarray(column) for column in (tracks.parameters, tracks.covariance))
    known = (np.ascontiguousarray(column) for column in (chi2_primary, primary, primary_covariance, unit))
    weights = (np.linalg.inv(primary_covariance), 1 / options.axis_phi_error**2, 1 / theta_error**2)
    _find_all(*measured, field, first, *known, phi, theta, *weights, cuts, pair_cuts, chains, records, count, vertex,
              phi_there)  # fmt: skip

    is_filled = np.arange(MAX_TRACKS) < count[:, None]
    jet, records = np.repeat(np.arange(jets), count), records[is_filled]
    before = np.concatenate([[0], np.cumsum(count)])[:-1]
    row = np.where(vertex == NONE, NONE, before[tracks.jet] + vertex)
    return DecayChains(
        jet=jet,
        distance=records["distance"],
        distance_error=np.sqrt(records["variance"]),
        vertex_chi2=records["chi2"],
        n_tracks=records["n_tracks"],
        momentum=sum_momenta(tracks, phi_there, row, len(jet)),
        vertex=row,
        **_wrap_angles(chains["shared"], chains["covariance"]),
        chi2=chains["chi2"],
        n_fitted=chains["n_tracks"],
        n_pairs=chains["n_pairs"],
    )


def _wrap_angles(parameters: np.ndarray, covariance: np.ndarray) -> dict[str, np.ndarray]:
    """The same directions with phi in [-π, π) and theta in [0, π]: a fit may leave both, where nothing agrees."""
    phi, theta = parameters[:, 3], np.remainder(parameters[:, 4], 2 * np.pi)
    beyond = theta > np.pi  # the same as 2π - theta on the other side
    phi = np.remainder(phi + np.pi * beyond + np.pi, 2 * np.pi) - np.pi
    wrapped = np.column_stack([parameters[:, :3], phi, np.where(beyond, 2 * np.pi - theta, theta)])
    sign = np.ones_like(parameters)
    sign[beyond, 4] = -1.0
    return {"parameters": wrapped, "covariance": covariance * sign[:, :, None] * sign[:, None, :]}


@compiled
def _find_all(
    tracks, matrices, field, first, chi2_primary, primary, primary_covariance, axis, phi, theta, primary_weight,
    phi_weight, theta_weight, cuts, pair_cuts, chains, records, count, vertex, phi_there,
):  # fmt: skip
    for jet in range(len(count)):
        prior = ChainPrior(primary[jet], primary_weight[jet], phi[jet], theta[jet], phi_weight, theta_weight[jet])
        count[jet] = find_chain(
            tracks, matrices, field, first[jet], first[jet + 1], chi2_primary, prior, primary_covariance[jet],
            axis[jet], cuts, pair_cuts, chains[jet], records[jet], vertex, phi_there,
        )  # fmt: skip
