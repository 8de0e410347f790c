"""Where charged particles cross the layers."""

import numpy as np

from bevatron.simulate.tracker.geometry import Tracker


def draw_tracks(random: np.random.Generator, tracker: Tracker, centres: np.ndarray) -> np.ndarray:
    """Crossings (n, layers, 2) [mm] of one track for each bundle: along the rows, in which it bends, and the columns.

    centres (n, 2): those of the bundles in the middle of the detector [mm]. A track is a helix about the field's
    direction, and each layer that it crosses deflects it further out.
    """
    n, layers = len(centres), tracker.layers
    start = centres + tracker.offset * random.standard_normal((n, 2))
    slopes = tracker.angle * random.standard_normal((n, 2))
    inverse_pt = random.uniform(-1.0, 1.0, n) / tracker.min_pt  # charge / pt [1/GeV]
    crossings = cross_layers(tracker.depths, start, slopes, inverse_pt * tracker.bending)
    kinks = tracker.scattering_angle(np.abs(inverse_pt))[:, None, None] * random.standard_normal((n, layers, 2))
    arms = np.maximum(tracker.depths[None, :] - tracker.depths[:, None], 0.0)  # from the layer of a kink outwards
    return crossings + np.einsum("nkc,kd->ndc", kinks, arms)


def cross_layers(depths: np.ndarray, start: np.ndarray, slopes: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Crossings (n, layers, 2) [mm] of helices with planes at `depths` (layers,) [mm].

    start (n, 2): coordinates at depth 0 [mm]; slopes (n, 2): angle in the bending plane [rad], and tangent of the angle
    out of it; curvature (n,): charge over radius [1/mm]. On a circle sin φ = sin φ_0 + curvature × depth; the bending
    coordinate grows by (cos φ_0 - cos φ) / curvature, the other by its tangent times the arc's length.
    """
    sine = np.sin(slopes[:, :1]) + curvature[:, None] * depths
    phi, first = np.arcsin(sine), slopes[:, :1]
    # (cos a - cos b) = 2 sin((b + a) / 2) sin((b - a) / 2), and sin(x) / curvature has a limit for a straight line.
    half = (phi - first) / 2
    straight = np.abs(curvature[:, None] * depths) < 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = 2.0 * np.sin(first + half) * np.sin(half) / curvature[:, None]
        arc = 2.0 * half / curvature[:, None]
    bend = np.where(straight, np.tan(first) * depths, bend)
    arc = np.where(straight, depths / np.cos(first), arc)
    return np.stack([start[:, :1] + bend, start[:, 1:] + slopes[:, 1:] * arc], axis=2)
