"""The decay chain of a jet: vertices along its flight axis, with one track or more each (JetFitter)."""

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
    """The decay chains of all jets. Every field is an array over vertices, tracks or jets.

    For each vertex, jet by jet and in the order of rising distance: jet (n,); distance (n,) in mm from the primary
    vertex along the flight axis, with a sign, and distance_error (n,); vertex_chi2 (n,) of its tracks, with 2 n_tracks
    - 1 degrees of freedom; n_tracks (n,); momentum (n, 4), the sum of (px, py, pz, E) in GeV, with all tracks taken as
    pions.

    For each track: vertex (total,), the row of its vertex, or NONE.

    For each jet: parameters (jets, 5), the fitted primary vertex in mm, and phi and theta of the flight in rad, with
    their covariance (jets, 5, 5); both are as given to the fit if no track is displaced. chi2 (jets,) of the fit;
    n_fitted (jets,), the number of tracks in it, including those at the primary vertex; n_pairs (jets,), the number of
    two-track vertices found before the fit.
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
        """The number of vertices of all jets."""
        return len(self.jet)

    @property
    def mass(self) -> np.ndarray:
        """The mass of each vertex, (n,) in GeV; the mass of a pion for a vertex of one track."""
        energy, size = self.momentum[:, 3], (self.momentum[:, :3] ** 2).sum(axis=1)
        return np.sqrt(np.maximum(energy**2 - size, 0.0))

    @property
    def axis(self) -> np.ndarray:
        """Unit vectors along the flight, (jets, 3)."""
        phi, theta = self.parameters[:, 3], self.parameters[:, 4]
        return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)

    @property
    def position(self) -> np.ndarray:
        """The position of each vertex, (n, 3) in mm."""
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
    """Finds the decay chains of the jets 0 … jets - 1, with `flight_axis_finder.find_chain`.

    This follows JetFitter (Piacquadio and Weiser, J. Phys. Conf. Ser. 119 (2008) 032032; its use by ATLAS since 2016:
    ATL-PHYS-PUB-2018-025).

    tracks: those in jets, jet by jet, with parameters at the beam line; chi2_primary (total,): their χ² to the primary
    vertex, with two degrees of freedom; primary (jets, 3) in mm and its covariance (jets, 3, 3) in mm²; axis (jets, 3):
    the directions of the jets; field in tesla. The primary vertex should be fitted without the displaced tracks, or
    with small weights for them. Otherwise tracks that join it in the fit count twice.
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
    """The same directions with phi in [-π, π) and theta in [0, π]: a fit whose tracks do not agree may leave both."""
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
