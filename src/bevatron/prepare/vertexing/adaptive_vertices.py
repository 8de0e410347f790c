"""Secondary vertices of the recipe `jets`: RAVE's adaptive vertex reconstruction, and its fit of a single vertex."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.adaptive_fit import Annealing, fit_adaptive
from bevatron.prepare.vertexing.linearisation_point import find_start
from bevatron.prepare.vertexing.secondary_vertices import NONE, SecondaryVertices
from bevatron.prepare.vertexing.two_track_vertices import PION, add_momentum, clear_momentum

ADAPTIVE_VERTEX = np.dtype(
    [
        ("jet", np.int64),
        ("position", np.float64, (3,)),
        ("covariance", np.float64, (3, 3)),
        ("chi2", np.float64),
        ("ndf", np.float64),
        ("n_tracks", np.int64),
        ("momentum", np.float64, (4,)),
    ]
)
"""A vertex as compiled functions write it, in mm and GeV. n_tracks and momentum are those of all tracks in it."""


def reconstruct_adaptive(
    tracks: Tracks,
    selected: np.ndarray,
    jets: int,
    primary: np.ndarray,
    primary_covariance: np.ndarray | None,
    field: float,
    cuts: AdaptiveCuts,
) -> SecondaryVertices:
    """Finds the secondary vertices of the jets 0 … jets - 1, as RAVE's `avr-primcut:1-seccut:1` and the authors do.

    tracks: jet by jet, with parameters at the beam line; selected (n_tracks,) bool: the tracks to be used; field in
    tesla. Neither a beam spot nor a primary vertex enters the search. As long as a jet has two tracks left:

    1. All remaining tracks are fitted to one vertex (`fit_adaptive`, from `find_start`).
    2. The vertex is kept if at least two tracks have a weight above cuts.significant_weight.
    3. The tracks with a weight above cuts.min_weight are removed. If there are none, those above cuts.low_weight are
       removed. If there are none either, the search ends.

    (RAVE, github WolfgangWaltenberger/rave: AdaptiveVertexReconstructor.cc, ConfigurableAdaptiveReconstructor.cc,
    VertexFactory.h. CMSSW's later version has 1e-5 for the low weight.)

    A track can be part of several vertices: of all in which its weight is above cuts.attach_weight. The field `vertex`
    of the result has the last of them (github dguest/delphes, branch production: HDF5Writer.cc,
    get_sorted_secondary_tracks). With cuts.shared_tracks the track counts in n_tracks and momentum of all of them,
    otherwise in the last one only, so that vertices with one track occur (SecondaryVertexTagging.cc,
    remove_doublecounting, a commit of May 2016). The published data set is older than this commit: the energy
    fractions of a jet's vertices add up to as much as 4.7 in it. Position, covariance, χ² and flight are always those
    of the fit with all tracks. Momenta are taken at the perigee to the beam line, and masses are those of pions.

    The field `flight` is the vector in mm from primary (jets, 3) to the vertex. `significance` is its length over its
    error. The variance is that of the vertex along the flight, plus that of primary_covariance (jets, 3, 3) in mm²
    unless this is None. It is None for the authors' jets, whose collisions are all at the origin
    (decay_length_variance).
    """
    settings = (cuts.primary_cut**2, cuts.secondary_cut**2, cuts.min_weight, cuts.low_weight, cuts.attach_weight)
    return _find_vertices(tracks, selected, jets, primary, primary_covariance, field, cuts, settings, False)


def fit_single_adaptive(
    tracks: Tracks,
    selected: np.ndarray,
    jets: int,
    primary: np.ndarray,
    primary_covariance: np.ndarray | None,
    field: float,
    cuts: AdaptiveCuts,
) -> SecondaryVertices:
    """Fits at most one vertex for each jet to all its selected tracks, as RAVE's `avf-sigmacut:3`.

    Arguments and result are those of `reconstruct_adaptive`. A jet has no vertex if fewer than two tracks have a weight
    above cuts.significant_weight. Tracks with a weight above cuts.member_weight belong to the vertex and count in
    n_tracks and momentum. Both are 0 if there are none.

    Until 2016-03-03 the authors' code computed the expert variables from this vertex. Since then, and so in their
    branch production, it sums over the list of vertices (github dguest/delphes: HDF5Writer.cc, commit fbca1cc).
    """
    settings = (cuts.single_cut**2, cuts.single_cut**2, -1.0, -1.0, cuts.member_weight)
    return _find_vertices(tracks, selected, jets, primary, primary_covariance, field, cuts, settings, True)


def _find_vertices(
    tracks: Tracks,
    selected: np.ndarray,
    jets: int,
    primary: np.ndarray,
    primary_covariance: np.ndarray | None,
    field: float,
    cuts: AdaptiveCuts,
    settings: tuple[float, float, float, float, float],
    is_single: bool,
) -> SecondaryVertices:
    rows = np.flatnonzero(selected)
    first = np.searchsorted(tracks.jet[rows], np.arange(jets + 1))
    records = np.zeros(jets if is_single else len(rows), ADAPTIVE_VERTEX)
    vertex, weight = np.full(len(tracks), NONE), np.zeros(len(tracks))
    annealing = Annealing(**cuts.model_dump(include=set(Annealing._fields)))
    measured = (np.ascontiguousarray(column) for column in (tracks.parameters, tracks.covariance))
    limits = (cuts.significant_weight, *settings)
    count = _find_in_jets(*measured, field, rows, first, limits, is_single, annealing, records, vertex, weight)
    records = records[:count]
    flight = records["position"] - primary[records["jet"]]
    covariance = records["covariance"]
    momentum, n_tracks = records["momentum"], records["n_tracks"]
    if not cuts.shared_tracks:
        momentum = _sum_momenta(tracks, vertex, count)
        n_tracks = np.bincount(vertex[vertex != NONE], minlength=count)
    if primary_covariance is not None:
        covariance = covariance + primary_covariance[records["jet"]]
    squared = (flight**2).sum(axis=1)
    spread = np.sqrt(np.einsum("ni,nij,nj->n", flight, covariance, flight))
    return SecondaryVertices(
        jet=records["jet"],
        position=records["position"],
        covariance=records["covariance"],
        chi2=records["chi2"],
        ndf=records["ndf"],
        momentum=momentum,
        flight=flight,
        significance=np.divide(squared, spread, out=np.zeros(count), where=spread > 0.0),
        n_tracks=n_tracks,
        vertex=vertex,
        weight=weight,
    )


def _sum_momenta(tracks: Tracks, vertex: np.ndarray, n: int) -> np.ndarray:
    """The sums of (px, py, pz, E) over the tracks of each of n vertices, (n, 4) in GeV."""
    used = vertex != NONE
    _, _, phi, theta, q_over_p = tracks.parameters[used].T
    p = 1 / np.abs(q_over_p)
    parts = (p * np.sin(theta) * np.cos(phi), p * np.sin(theta) * np.sin(phi), p * np.cos(theta), np.hypot(p, PION))
    return np.stack([np.bincount(vertex[used], part, minlength=n) for part in parts], axis=1).reshape(n, 4)


@compiled
def _find_in_jets(
    tracks, matrices, field, selected, first, limits, is_single, annealing, records, vertex_of, weight_of
):
    """Finds the vertices of all jets, writes them into records, and returns their number.

    selected[first[jet] : first[jet + 1]] are the rows of a jet's tracks. Writes the number of each track's vertex and
    the track's weight in it into vertex_of and weight_of (n_tracks,).
    """
    significant_weight, first_cut, further_cut, min_weight, low_weight, attach_weight = limits
    longest = 0
    for jet in range(len(first) - 1):
        longest = max(longest, first[jet + 1] - first[jet])
    rows, weight, constraints = np.empty(longest, np.int64), np.empty(longest), np.empty((longest, 10))
    work, position, covariance = np.empty((2, 5)), np.empty(3), np.empty((3, 3))
    count = 0
    for jet in range(len(first) - 1):
        n = first[jet + 1] - first[jet]
        for k in range(n):
            rows[k] = selected[first[jet] + k]
        is_first = True
        while n > 1:
            find_start(tracks, rows, n, field, position)
            chi2_cut = first_cut if is_first else further_cut
            chi2 = fit_adaptive(
                tracks, matrices, field, rows, n, chi2_cut, annealing, position, covariance, weight, constraints, work
            )
            if not chi2 >= 0.0:
                break
            is_first = False
            significant, heaviest, ndf = 0, 0.0, -3.0
            for k in range(n):
                significant += weight[k] > significant_weight
                heaviest = max(heaviest, weight[k])
                ndf += 2 * weight[k]
            if significant > 1:
                vertex = records[count]
                vertex.jet, vertex.chi2, vertex.ndf = jet, chi2, ndf
                vertex.n_tracks = 0
                clear_momentum(vertex.momentum)
                for i in range(3):
                    vertex.position[i] = position[i]
                    for j in range(3):
                        vertex.covariance[i, j] = covariance[i, j]
                for k in range(n):
                    if weight[k] > attach_weight:
                        vertex_of[rows[k]], weight_of[rows[k]] = count, weight[k]
                        vertex.n_tracks += 1
                        add_momentum(tracks[rows[k]], tracks[rows[k]][2], PION, vertex.momentum)
                count += 1
            taken = min_weight if heaviest > min_weight else low_weight
            if is_single or not heaviest > taken:
                break
            left = 0
            for k in range(n):
                if not weight[k] > taken:
                    rows[left] = rows[k]
                    left += 1
            n = left
    return count
