"""The inclusive secondary vertex of a jet: one vertex of all its displaced tracks."""

from dataclasses import dataclass

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.jets.vertex_finder_options import InclusiveVertexCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.inclusive_finder import InclusiveCuts, find_inclusive
from bevatron.prepare.vertexing.pair_cuts import make_pair_cuts
from bevatron.prepare.vertexing.secondary_vertices import NONE
from bevatron.prepare.vertexing.track_momenta import sum_momenta
from bevatron.prepare.vertexing.two_track_vertices import VERTEX


@dataclass(frozen=True)
class InclusiveVertices:
    """The vertices of all jets that have one. Every field is an array.

    For each vertex: jet (n,), in rising order; position (n, 3) in mm and covariance (n, 3, 3) in mm²; chi2, ndf (n,);
    momentum (n, 4), the sum of (px, py, pz, E) in GeV, with all tracks taken as pions; flight (n, 3) in mm from the
    primary vertex, and its significance (n,); n_tracks (n,); n_pairs (n,), the number of two-track seeds. For each
    track: vertex (total,), the row of its vertex, or NONE.
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
    n_pairs: np.ndarray
    vertex: np.ndarray

    def __len__(self) -> int:
        """How many jets have a vertex."""
        return len(self.jet)

    @property
    def mass(self) -> np.ndarray:
        """The mass of each vertex, (n,) in GeV."""
        energy, size = self.momentum[:, 3], (self.momentum[:, :3] ** 2).sum(axis=1)
        return np.sqrt(np.maximum(energy**2 - size, 0.0))

    @property
    def length(self) -> np.ndarray:
        """The length of the flight to each vertex, (n,) in mm."""
        return np.sqrt((self.flight**2).sum(axis=1))


def find_inclusive_vertices(
    tracks: Tracks,
    jets: int,
    chi2_primary: np.ndarray,
    primary: np.ndarray,
    primary_covariance: np.ndarray,
    axis: np.ndarray,
    field: float,
    options: InclusiveVertexCuts,
) -> InclusiveVertices:
    """Finds the inclusive vertices of the jets 0 … jets - 1, with `inclusive_finder.find_inclusive`.

    This follows ATLAS's SV1 (ATL-PHYS-PUB-2017-011; V. Kostyukhin, VKalVrt, ATL-PHYS-2003-031), but without its use of
    the detector's material and hits, and without the dependence of cuts on pt. The arguments are those of
    `jet_fitter.fit_decay_chains`.
    """
    values = options.model_dump()
    cuts = InclusiveCuts(**{name: values[name] for name in InclusiveCuts._fields})
    pair_cuts = make_pair_cuts(options)
    first = np.searchsorted(tracks.jet, np.arange(jets + 1))
    n_pairs, records = np.zeros(jets, np.int64), np.zeros(jets, VERTEX)
    is_member, phi = np.zeros(len(tracks), bool), np.array(tracks.parameters[:, 2])
    measured = (np.ascontiguousarray(column) for column in (tracks.parameters, tracks.covariance))
    known = (np.ascontiguousarray(column) for column in (chi2_primary, primary, primary_covariance, axis))
    _find_all(*measured, field, first, *known, cuts, pair_cuts, records, n_pairs, is_member, phi)

    jet = np.flatnonzero(n_pairs)
    row_of = np.full(jets, NONE)
    row_of[jet] = np.arange(len(jet))
    row = np.full(len(tracks), NONE)
    row[is_member] = row_of[tracks.jet[is_member]]
    records = records[jet]
    return InclusiveVertices(
        jet=jet,
        position=records["position"],
        covariance=records["covariance"],
        chi2=records["chi2"],
        ndf=records["ndf"],
        momentum=sum_momenta(tracks, phi, row, len(jet)),
        flight=records["position"] - primary[jet],
        significance=records["significance"],
        n_tracks=np.bincount(row[is_member], minlength=len(jet)),
        n_pairs=n_pairs[jet],
        vertex=row,
    )


@compiled
def _find_all(
    tracks, matrices, field, first, chi2_primary, primary, primary_covariance, axis, cuts, pair_cuts, records, n_pairs,
    is_member, phi,
):  # fmt: skip
    for jet in range(len(n_pairs)):
        n_pairs[jet] = find_inclusive(
            tracks, matrices, field, first[jet], first[jet + 1], chi2_primary, primary[jet], primary_covariance[jet],
            axis[jet], cuts, pair_cuts, records[jet], is_member, phi,
        )  # fmt: skip
