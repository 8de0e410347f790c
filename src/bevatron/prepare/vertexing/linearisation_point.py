"""The start of an adaptive vertex fit: the mode of the points at which pairs of tracks are nearest. Compiled; mm.

The procedure is RAVE's (CMSSW: FsmwLinearizationPointFinder of 400 pairs, exponent -0.5, fraction 0.4, cut 10 µm,
weights for fewer than 5 points; FsmwModeFinder3d; FsmwClusterizer1D). The nearest points of two helices are found
differently, by Gauss-Newton steps from their perigees to the beam line.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.tracking.helix import CURVATURE

MAX_PAIRS = 400  # largest number of pairs that are used
FRACTION = 0.4  # fraction of the points of an interval that are in the next shorter interval
CUT = 10.0  # µm: scale on which the distance of a pair lowers its weight
WEIGHTED = 5  # with this number of points or more, all have the same weight
MAX_STEPS, CLOSE = 12, 1e-3  # of the search for the nearest points of two tracks; mm: a step this short ends it
HALF_TURN = math.pi  # points farther from a track's perigee are not used


@compiled
def fill_helix(track, field, helix):
    """Writes (x, y, z, phi, curvature, cot theta) of a track (5,) at its perigee to the beam line into helix (6,)."""
    helix[0], helix[1], helix[2] = -track[0] * math.sin(track[2]), track[0] * math.cos(track[2]), track[1]
    sine = math.sin(track[3])
    helix[3], helix[4], helix[5] = track[2], CURVATURE * field * track[4] / sine, math.cos(track[3]) / sine


@compiled
def fill_point(helix, path, point, tangent):
    """Writes the point (3,) at `path` along the helix, in the transverse plane, and its derivative by `path` (3,)."""
    half = helix[4] * path / 2
    chord = path * (1 - half * half / 6) if abs(half) < 1e-4 else path * math.sin(half) / half
    point[0] = helix[0] + chord * math.cos(helix[3] - half)
    point[1] = helix[1] + chord * math.sin(helix[3] - half)
    point[2] = helix[2] + path * helix[5]
    phi = helix[3] - 2 * half
    tangent[0], tangent[1], tangent[2] = math.cos(phi), math.sin(phi), helix[5]


@compiled
def find_nearest(first, second, work, middle):
    """Finds where two helices are nearest; returns their distance there in mm.

    Writes the point halfway between them into middle (3,). The search makes Gauss-Newton steps in the paths along both
    helices, from their perigees. Returns -1 if the helices are parallel, if the search does not converge, or if it goes
    more than half a turn away from a perigee. work (4, 3) is a buffer.
    """
    path_1, path_2 = 0.0, 0.0
    for _ in range(MAX_STEPS):
        fill_point(first, path_1, work[0], work[1])
        fill_point(second, path_2, work[2], work[3])
        along_1, along_2, mixed, size_1, size_2 = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(3):
            away = work[0, i] - work[2, i]
            along_1 += work[1, i] * away
            along_2 += work[3, i] * away
            mixed += work[1, i] * work[3, i]
            size_1 += work[1, i] ** 2
            size_2 += work[3, i] ** 2
        determinant = size_1 * size_2 - mixed * mixed
        if not determinant > 1e-12 * size_1 * size_2:
            return -1.0
        step_1 = (mixed * along_2 - size_2 * along_1) / determinant
        step_2 = (size_1 * along_2 - mixed * along_1) / determinant
        path_1 += step_1
        path_2 += step_2
        if not (abs(first[4] * path_1) < HALF_TURN and abs(second[4] * path_2) < HALF_TURN):
            return -1.0
        if abs(step_1) + abs(step_2) < CLOSE:
            fill_point(first, path_1, work[0], work[1])
            fill_point(second, path_2, work[2], work[3])
            squared = 0.0
            for i in range(3):
                middle[i] = (work[0, i] + work[2, i]) / 2
                squared += (work[0, i] - work[2, i]) ** 2
            return math.sqrt(squared)
    return -1.0


@compiled
def find_mode(values, weights, n, order):
    """The fraction-of-sample mode of values[:n]. Sorts values and weights; order (n + 1,) is a buffer.

    Of all intervals with a fraction FRACTION of the points, the one with the smallest ratio of width to weight is
    chosen, and divided again in the same way, until two points are left. The mode is their weighted mean.
    """
    for k in range(1, n):  # by value, then weight: the same for any order of the pairs
        value, weight = values[k], weights[k]
        rank = k
        while rank > 0 and (values[rank - 1] > value or (values[rank - 1] == value and weights[rank - 1] > weight)):
            values[rank], weights[rank] = values[rank - 1], weights[rank - 1]
            rank -= 1
        values[rank], weights[rank] = value, weight
    if n == 1:
        return values[0]
    order[0] = 0.0
    for k in range(n):
        order[k + 1] = order[k] + weights[k]
    begin, end = 0, n - 1
    while True:
        size = end - begin
        step = max(int((1 + size) * FRACTION), 1)
        best, least = begin, math.inf
        for k in range(begin, begin + size - step + 1):
            width = (values[k + step] - values[k]) / (order[k + step + 1] - order[k])
            if width < least:
                best, least = k, width
        begin, end = best, best + step
        if size < 4:
            break
    total = weights[begin] + weights[end]
    return (weights[begin] * values[begin] + weights[end] * values[end]) / total


@compiled
def find_start(tracks, rows, n, field, position):
    """Writes the start of a fit of tracks[rows[:n]] into position (3,).

    It is the mode, along each axis, of the points at which pairs of tracks are nearest. If there are fewer than
    MAX_PAIRS pairs, all are used. Otherwise the tracks are sorted by falling momentum, and pairs are taken that are
    half the list apart, then those farther apart, then those closer. If no pair has nearest points, the mode of the
    tracks' perigees is taken.
    """
    helices, ranked, momenta = np.empty((n, 6)), np.empty(n, np.int64), np.empty(n)
    for k in range(n):
        momentum = 1 / abs(tracks[rows[k], 4])
        rank = k
        while rank > 0 and momenta[rank - 1] < momentum:
            ranked[rank], momenta[rank] = ranked[rank - 1], momenta[rank - 1]
            rank -= 1
        ranked[rank], momenta[rank] = rows[k], momentum
    for k in range(n):
        fill_helix(tracks[ranked[k]], field, helices[k])
    is_limited = n * (n - 1) // 2 >= MAX_PAIRS
    most = MAX_PAIRS if is_limited else n * (n - 1) // 2
    points, distances, work = np.empty((3, max(most, n))), np.empty(max(most, n)), np.empty((4, 3))
    count = 0
    interval, first, shrinks = n // 2 if is_limited else 1, 0, False
    while count < most and 0 < interval < n:
        distance = find_nearest(helices[first], helices[first + interval], work, position)
        if distance >= 0.0:
            for i in range(3):
                points[i, count] = position[i]
            distances[count] = distance
            count += 1
        first += 1
        if first + interval >= n:
            first = 0
            interval += -1 if shrinks else 1
            if interval == n and is_limited:
                shrinks, interval = True, n // 2 - 1
    if count == 0:
        count = n
        for k in range(n):
            distances[k] = 0.0
            for i in range(3):
                points[i, k] = helices[k, i]
    weights, order = np.empty(count), np.empty(count + 1)
    for i in range(3):
        for k in range(count):
            weights[k] = 1 / math.sqrt(CUT + 1000 * distances[k]) if count < WEIGHTED else 1.0
        position[i] = find_mode(points[i], weights, count, order)
