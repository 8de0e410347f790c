"""Secondary vertices: the points inside of jets where particles decayed."""

from dataclasses import dataclass

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.jets.jet_options import VertexCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.track_momenta import sum_momenta
from bevatron.prepare.vertexing.vertex_finder import VERTEX, FinderCuts, find_in_jet

NONE = -1
TEMPERATURES = (8.0, 4.0, 2.0, 1.0)


@dataclass(frozen=True)
class SecondaryVertices:
    """Vertices of all jets, one after the other, each jet's in the order in which they are found.

    jet (n,); position (n, 3) in mm and covariance (n, 3, 3); chi2, ndf (n,); momentum (n, 4) of (px, py, pz, E) in
    GeV, all tracks pions; flight (n, 3) from the primary vertex in mm and its significance (n,); n_tracks (n,).
    And for each track: the row of its vertex in this list or NONE, and its weight there, (total,).
    """

    jet: np.ndarray
    position: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    ndf: np.ndarray
    momentum: np.ndarray
    flight: np.ndarray
    significance: np.ndarray
    n_tracks: np.ndarray
    vertex: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.jet)

    @property
    def mass(self) -> np.ndarray:
        """(n,) in GeV."""
        energy, size = self.momentum[:, 3], (self.momentum[:, :3] ** 2).sum(axis=1)
        return np.sqrt(np.maximum(energy**2 - size, 0.0))

    @property
    def length(self) -> np.ndarray:
        """Of the flight, (n,) in mm."""
        return np.sqrt((self.flight**2).sum(axis=1))


def find_secondary_vertices(
    tracks: Tracks,
    jets: int,
    chi2_primary: np.ndarray,
    primary: np.ndarray,
    primary_covariance: np.ndarray,
    axis: np.ndarray,
    field: float,
    options: VertexCuts,
) -> SecondaryVertices:
    """The vertices of the jets 0 … jets - 1, by `vertex_finder.find_in_jet`.

    tracks: those in jets, jet by jet, with their χ² to the primary vertex chi2_primary (total,); primary (jets, 3)
    and its covariance (jets, 3, 3); axis (jets, 3), the jets' directions.
    """
    cuts = FinderCuts(**options.model_dump())
    first = np.searchsorted(tracks.jet, np.arange(jets + 1))
    count = np.zeros(jets, np.int64)
    records = np.zeros((jets, cuts.max_vertices), VERTEX)
    vertex, weight = np.full(len(tracks), NONE), np.zeros(len(tracks))
    phi = np.array(tracks.parameters[:, 2])
    measured = (np.ascontiguousarray(column) for column in (tracks.parameters, tracks.covariance))
    known = (np.ascontiguousarray(column) for column in (chi2_primary, primary, primary_covariance, axis))
    temperatures = np.array(TEMPERATURES)
    _find_all(*measured, field, first, *known, cuts, temperatures, count, records, vertex, weight, phi)

    is_filled = np.arange(cuts.max_vertices) < count[:, None]
    jet = np.repeat(np.arange(jets), count)
    before = np.concatenate([[0], np.cumsum(count)])[:-1]
    row = np.where(vertex == NONE, NONE, before[tracks.jet] + vertex)
    records = records[is_filled]
    return SecondaryVertices(
        jet=jet,
        position=records["position"],
        covariance=records["covariance"],
        chi2=records["chi2"],
        ndf=records["ndf"],
        momentum=sum_momenta(tracks, phi, row, len(jet)),
        flight=records["position"] - primary[jet],
        significance=records["significance"],
        n_tracks=np.bincount(row[row != NONE], minlength=len(jet)),
        vertex=row,
        weight=weight,
    )


@compiled
def _find_all(
    tracks, matrices, field, first, chi2_primary, primary, primary_covariance, axis, cuts, temperatures,
    count, records, vertex, weight, phi,
):  # fmt: skip
    for jet in range(len(count)):
        count[jet] = find_in_jet(
            tracks, matrices, field, first[jet], first[jet + 1], chi2_primary, primary[jet], primary_covariance[jet],
            axis[jet], cuts, temperatures, records[jet], vertex, weight, phi,
        )  # fmt: skip
