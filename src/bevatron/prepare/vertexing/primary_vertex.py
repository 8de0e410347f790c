"""The primary vertex: an adaptive fit of the tracks of an event."""

from dataclasses import dataclass

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.prepare.jets.jet_options import BeamSpot
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.tracking.transport import add_normal, chi_squared, clear_normal, fill_constraint, invert

CHI2_CUT = 9.0  # at which a track's weight is one half
TEMPERATURES = (256.0, 64.0, 16.0, 4.0, 1.0)
FROM_START = (4.0, 1.0)  # if the start is known: with higher ones a larger collision some mm away attracts the fit


@dataclass(frozen=True)
class PrimaryVertices:
    """The primary vertices of n events, and the impact parameters of all their tracks.

    For each event: position (n, 3) in mm, covariance (n, 3, 3) in mm², chi2 (n,) and ndf (n,). For each track: weight
    (total,) in the fit; impact (total, 2), d0 and z0 in mm to the vertex that is fitted without the track; added
    (total, 2, 2) in mm², the contribution of that vertex's uncertainty to the covariance of d0 and z0.
    """

    position: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    ndf: np.ndarray
    weight: np.ndarray
    impact: np.ndarray
    added: np.ndarray


def fit_primary_vertices(
    tracks: Tracks, events: int, beam: BeamSpot, field: float, start_z: np.ndarray | None = None
) -> PrimaryVertices:
    """The primary vertex of each event 0 … events - 1.

    This is a weighted least-squares fit of the residuals (d, z) of the tracks. The beam spot enters as a further
    measurement, which matters across the beam. The weight of a track is 1 / (1 + exp((χ² - 9) / 2T)), where T falls
    from 256 to 1 (adaptive vertex fit: Waltenberger, Frühwirth, Vanlaer, J. Phys. G 34 (2007) N343). Tracks of decays
    therefore have little influence. The fit starts at the median z0. If `start_z` (events,) in mm is given, it starts
    there, and T falls from 4 to 1. Within the beam spot helices are taken as straight lines, which is right to 1e-7 mm.
    An event without tracks has its vertex at the centre of the beam spot. Each event has one vertex: with pile-up, pass
    only the tracks near the collision that is wanted.

    The impact parameters of a track refer to the vertex fitted without it: the track's term is subtracted from the
    normal equations. Otherwise the track would pull the vertex to itself, and the errors of both would be correlated.
    """
    order = np.lexsort((tracks.parameters[:, 1], tracks.event))
    first = np.searchsorted(tracks.event[order], np.arange(events + 1))
    middle = order[np.minimum((first[:-1] + first[1:]) // 2, max(len(order) - 1, 0))] if len(order) else None
    if start_z is None:
        start = np.zeros(events) if middle is None else np.where(np.diff(first) > 0, tracks.parameters[middle, 1], 0.0)
    else:
        start = np.where(np.diff(first) > 0, start_z, 0.0)
    vertices = PrimaryVertices(
        position=np.zeros((events, 3)),
        covariance=np.zeros((events, 3, 3)),
        chi2=np.zeros(events),
        ndf=np.zeros(events),
        weight=np.zeros(len(tracks)),
        impact=np.zeros((len(tracks), 2)),
        added=np.zeros((len(tracks), 2, 2)),
    )
    sigma = np.array([beam.sigma_x, beam.sigma_y, beam.sigma_z])
    measured = (np.ascontiguousarray(tracks.parameters), np.ascontiguousarray(tracks.covariance))
    results = (
        vertices.position,
        vertices.covariance,
        vertices.chi2,
        vertices.ndf,
        vertices.weight,
        vertices.impact,
        vertices.added,
    )
    temperatures = np.array(TEMPERATURES if start_z is None else FROM_START)
    _fit_all(*measured, order, first, start, 1 / sigma**2, field, temperatures, *results)
    return vertices


@compiled
def _fit_all(
    tracks, matrices, order, first, start, prior, field, temperatures,
    position, covariance, chi2, ndf, weight, impact, added,
):  # fmt: skip
    longest = 0
    for event in range(len(start)):
        longest = max(longest, first[event + 1] - first[event])
    constraints, jacobian = np.empty((longest, 10)), np.empty((2, 5))
    normal, right, matrix, without = np.empty((3, 3)), np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    offset = np.empty(3)
    for event in range(len(start)):
        low, n = first[event], first[event + 1] - first[event]
        for k in range(n):
            track = order[low + k]
            fill_constraint(tracks[track], matrices[track], field, 0.0, 0.0, start[event], jacobian, constraints[k])
        for axis in range(3):
            offset[axis] = 0.0  # from (0, 0, start)
        for step in range(2 * len(temperatures) + 8):
            temperature = temperatures[min(step // 2, len(temperatures) - 1)]
            clear_normal(normal, right)
            for axis in range(3):
                normal[axis, axis] = prior[axis]
            right[2] = -prior[2] * start[event]
            for k in range(n):
                distance = chi_squared(constraints[k], offset[0], offset[1], offset[2])
                weight[order[low + k]] = 1 / (1 + np.exp(min((distance - CHI2_CUT) / (2 * temperature), 500.0)))
                add_normal(constraints[k], weight[order[low + k]], normal, right)
            invert(normal, matrix)
            moved = 0.0
            for i in range(3):
                new = matrix[i, 0] * right[0] + matrix[i, 1] * right[1] + matrix[i, 2] * right[2]
                moved = max(moved, abs(new - offset[i]))
                offset[i] = new
            if step >= 2 * len(temperatures) and moved < 1e-6:
                break
        for axis in range(3):
            for other in range(3):
                covariance[event, axis, other] = matrix[axis, other]
            position[event, axis] = offset[axis] + (start[event] if axis == 2 else 0.0)
            chi2[event] += prior[axis] * position[event, axis] ** 2
        for k in range(n):
            track = order[low + k]
            chi2[event] += weight[track] * chi_squared(constraints[k], offset[0], offset[1], offset[2])
            ndf[event] += 2 * weight[track]
            _remove_track(constraints[k], weight[track], offset, normal, without, matrix, impact[track], added[track])


@compiled
def _remove_track(values, weight, position, normal, reduced, matrix, impact, added):
    """Writes a track's impact parameters to the vertex without it, and that vertex's part of their covariance."""
    h = np.zeros((2, 3))
    h[0, 0], h[0, 1], h[1, 0], h[1, 1], h[1, 2] = values[2], values[3], values[4], values[5], -1.0
    residual, pull = np.empty(2), np.zeros(3)
    for row in range(2):
        residual[row] = values[row] + h[row, 0] * position[0] + h[row, 1] * position[1] + h[row, 2] * position[2]
    g_d = values[6] * residual[0] + values[7] * residual[1]
    g_z = values[7] * residual[0] + values[8] * residual[1]
    for i in range(3):
        pull[i] = weight * (h[0, i] * g_d + h[1, i] * g_z)
        for j in range(3):
            mixed = values[7] * (h[0, i] * h[1, j] + h[1, i] * h[0, j])
            reduced[i, j] = normal[i, j] - weight * (
                values[6] * h[0, i] * h[0, j] + mixed + values[8] * h[1, i] * h[1, j]
            )
    invert(reduced, matrix)
    for row in range(2):
        impact[row] = residual[row]
        for i in range(3):
            for j in range(3):
                impact[row] += h[row, i] * matrix[i, j] * pull[j]
        for other in range(2):
            added[row, other] = 0.0
            for i in range(3):
                for j in range(3):
                    added[row, other] += h[row, i] * matrix[i, j] * h[other, j]
