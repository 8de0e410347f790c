"""Hits in the pixels: of one track, or of as many tracks as there are layers, and noise."""

from dataclasses import dataclass

import numpy as np

from bevatron.simulate.tracker.geometry import Tracker
from bevatron.simulate.tracker.tracks import draw_tracks


@dataclass(frozen=True)
class Hits:
    """Pixels that are hit: event, layer, row and column of each, (total,) int64, sorted, none twice."""

    event: np.ndarray
    layer: np.ndarray
    row: np.ndarray
    column: np.ndarray


def draw_hits(
    random: np.random.Generator, tracker: Tracker, is_track: np.ndarray, efficiency: float, noise: float
) -> Hits:
    """Hits of n events; is_track (n,): whether all crossings of an event belong to one track.

    Else each layer has the crossing of another track of the same bundle, so that layer by layer nothing differs.
    efficiency: probability that a crossing is seen; noise: mean number of further hits in a layer.
    """
    n, layers, size = len(is_track), tracker.layers, tracker.size
    centres = tracker.centre * random.standard_normal((n, 2))
    tracks = np.stack([draw_tracks(random, tracker, centres) for _ in range(layers)])  # (tracks, n, layers, 2)
    each = np.arange(layers)
    from_many = tracks[each, :, each].transpose(1, 0, 2)
    crossings = np.where(is_track[:, None, None], tracks[0], from_many)
    pixels = np.floor(crossings / tracker.pitch + size / 2).astype(np.int64)
    seen = (random.random((n, layers)) < efficiency) & ((pixels >= 0) & (pixels < size)).all(axis=2)
    event, layer = np.nonzero(seen)
    counts = random.poisson(noise, (n, layers))
    n_noise = int(counts.sum())
    of_noise = np.repeat(np.arange(n * layers), counts.ravel())
    row, column = random.integers(0, size, (2, n_noise))
    flat = np.concatenate(
        [
            ((event * layers + layer) * size + pixels[event, layer, 0]) * size + pixels[event, layer, 1],
            (of_noise * size + row) * size + column,
        ]
    )
    flat = np.unique(flat)
    return Hits(*(x.astype(np.int64) for x in np.unravel_index(flat, (n, layers, size, size))))
