"""Keeps pairs that look like a V0, a long-lived neutral particle, but are near the primary vertex. Compiled."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.vertexing.two_track_vertices import measure_flight
from bevatron.prepare.vertexing.vertex_fit import fit_vertex


@compiled
def drop_near_v0(
    tracks, matrices, field, pairs, positions, n_pairs, primary, primary_covariance, axis, significance_min, is_v0
):
    """Sets is_v0 (n_pairs,) to False for pairs whose vertex is less than significance_min σ from the primary vertex.

    pairs (n_pairs, 2) are the rows of the tracks, and positions (n_pairs, 3) their vertices in mm, as
    `two_track_vertices.find_pairs` writes them.
    """
    position, covariance, constraints, work = np.empty(3), np.empty((3, 3)), np.empty((2, 10)), np.empty((2, 5))
    for pair in range(n_pairs):
        if not is_v0[pair]:
            continue
        for i in range(3):
            position[i] = positions[pair, i]
        rows = pairs[pair]
        fit_vertex(tracks, matrices, field, rows, 2, position, covariance, constraints, work)
        _, significance, _, _ = measure_flight(position, covariance, primary, primary_covariance, axis)
        is_v0[pair] = significance > significance_min
