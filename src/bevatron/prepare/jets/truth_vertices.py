"""Numbers the points where the particles of a jet's tracks are produced."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.raw.track_origins import FAKE, PILE_UP
from bevatron.store.shards.columns import Ragged

MERGED = 0.1  # mm: points nearer than this are merged (ATLAS: Athena, TrackTruthDecoratorAlg, truthVertexMergeDistance)
NO_VERTEX = -1


def number_vertices(points: Ragged, origin: np.ndarray) -> np.ndarray:
    """The number of the vertex, in its jet, where the particle of each track is produced; (total,) int32.

    points: values (total, 3) in mm from the hard collision; origin (total,): numbers of
    `bevatron.raw.track_origins.ORIGINS`. Vertex 0 is the hard collision and all points within MERGED of it, decays
    included. The vertices 1, 2, … are numbered in the order of their first tracks. A point belongs to the first vertex
    whose first track's point is within MERGED. Pile-up and fake tracks have NO_VERTEX.
    """
    number = np.full(len(origin), NO_VERTEX, np.int32)
    has_vertex = (origin != PILE_UP) & (origin != FAKE)
    _number_all(np.ascontiguousarray(points.values, np.float64), has_vertex, points.offsets, MERGED**2, number)
    return number


@compiled
def _number_all(points, has_vertex, offsets, merged_squared, number):
    for jet in range(len(offsets) - 1):
        n_vertices = 0
        for i in range(offsets[jet], offsets[jet + 1]):
            if not has_vertex[i]:
                continue
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            if x * x + y * y + z * z < merged_squared:
                number[i] = 0
                continue
            # The first tracks of vertices come before i: the lowest number whose first track is near.
            best, seen = 0, 0
            for j in range(offsets[jet], i):
                if number[j] == seen + 1:  # the first track of vertex `seen` + 1
                    seen += 1
                    dx, dy, dz = points[j, 0] - x, points[j, 1] - y, points[j, 2] - z
                    if dx * dx + dy * dy + dz * dz < merged_squared:
                        best = seen
                        break
            if best == 0:
                n_vertices += 1
                best = n_vertices
            number[i] = best
