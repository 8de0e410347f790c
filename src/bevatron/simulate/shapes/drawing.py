"""Draws coloured shapes: brightness and chroma of every pixel, which the noise is added to."""

from collections.abc import Callable

import numpy as np

from bevatron.simulate.shapes.classes import CLASSES, chroma, hue
from bevatron.simulate.shapes.nuisances import RELIEF, SIDE, Nuisances
from bevatron.simulate.shapes.outlines import OUTLINES, disc

AT_ONCE = 500  # images whose pixels are in memory as float64

# Relief from -1 to 1 with mean square ½, by two phases [rad] along and across.
TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray] | None] = {
    "plain": None,
    "striped": lambda along, across: np.sin(along),
    "chequered": lambda along, across: np.sin(along) * np.sin(across),
}


def draw_shapes(labels: np.ndarray, nuisances: Nuisances, noise: float) -> np.ndarray:
    """Images (n, 3, side, side) float32 from 0 to 1 of classes (n,), numbered as in CLASSES.

    noise: standard deviation in each colour. Each pixel is Y (1 + c) plus noise: the class's colour is in the chroma c
    alone, its shape and texture are in the brightness Y and in where c is the object's.
    """
    images = np.empty((len(labels), 3, SIDE, SIDE), np.float32)
    for start in range(0, len(labels), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        part = nuisances.take(rows)
        images[rows] = _draw(labels[rows], part) + np.float32(noise) * part.noise
    return images


def object_masks(labels: np.ndarray, nuisances: Nuisances) -> np.ndarray:
    """The fraction of each pixel that the object covers: (n, side, side)."""
    columns, rows = _from_centre(nuisances.centre[:, 0], nuisances.centre[:, 1])
    distance = np.hypot(columns, rows)
    angle = np.arctan2(rows, columns) - nuisances.rotation[:, None, None]
    edge = np.empty_like(distance)
    shapes = np.array([kind.shape for kind in CLASSES.values()])[labels]
    for shape, outline in OUTLINES.items():
        is_shape = shapes == shape
        edge[is_shape] = outline(angle[is_shape])
    return _coverage(nuisances.size[:, None, None] * edge - distance)


def _draw(labels: np.ndarray, nuisances: Nuisances) -> np.ndarray:
    """Without noise, (n, 3, side, side) float64."""
    columns, rows = _from_centre((SIDE - 1) / 2, (SIDE - 1) / 2)
    light = 1.0 + (nuisances.light[:, 0, None, None] * columns + nuisances.light[:, 1, None, None] * rows) / (SIDE / 2)
    angle, period, phase, relief = nuisances.background_texture.T[:, :, None, None]
    waves = np.sin(2 * np.pi / period * (np.cos(angle) * columns + np.sin(angle) * rows) + phase)
    brightness = nuisances.background_brightness[:, None, None] * (1.0 + relief * waves)
    length, direction = nuisances.background_chroma.T
    colours = np.broadcast_to((length[:, None] * chroma(direction))[:, :, None, None], (len(labels), 3, SIDE, SIDE))
    for piece in nuisances.clutter.transpose(1, 2, 0):
        column, row, size, level, saturation, direction = piece
        x, y = _from_centre(column, row)
        cover = _coverage(size[:, None, None] * disc(x) - np.hypot(x, y))
        of_piece = (nuisances.background_brightness * level)[:, None, None]
        brightness, colours = _paint(cover, brightness, colours, of_piece, saturation[:, None] * chroma(direction))
    cover = object_masks(labels, nuisances)
    hues = np.array([hue(kind.colour) for kind in CLASSES.values()])[labels] + nuisances.hue_shift
    of_object = nuisances.brightness[:, None, None] * (1.0 + RELIEF * _relief(labels, nuisances))
    brightness, colours = _paint(cover, brightness, colours, of_object, nuisances.saturation[:, None] * chroma(hues))
    length, direction = nuisances.white_balance.T
    colours = colours + (length[:, None] * chroma(direction))[:, :, None, None]
    return (light * brightness)[:, None] * (1.0 + colours)


def _paint(
    cover: np.ndarray, brightness: np.ndarray, colours: np.ndarray, of_object: np.ndarray, chroma_of: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Brightness (n, side, side) and chroma (n, 3, side, side) with an object over them; chroma_of (n, 3)."""
    over = cover[:, None]
    return (1 - cover) * brightness + cover * of_object, (1 - over) * colours + over * chroma_of[:, :, None, None]


def _relief(labels: np.ndarray, nuisances: Nuisances) -> np.ndarray:
    """The texture of each object, (n, side, side), 0 of a plain one."""
    columns, rows = _from_centre(nuisances.centre[:, 0], nuisances.centre[:, 1])
    angle, period, phase = nuisances.texture.T[:, :, None, None]
    along = 2 * np.pi / period * (np.cos(angle) * columns + np.sin(angle) * rows) + phase
    across = 2 * np.pi / period * (np.cos(angle) * rows - np.sin(angle) * columns) + phase
    relief = np.zeros_like(along)
    textures = np.array([kind.texture for kind in CLASSES.values()])[labels]
    for name, texture in TEXTURES.items():
        if texture is not None:
            is_texture = textures == name
            relief[is_texture] = texture(along[is_texture], across[is_texture])
    return relief


def _from_centre(column: np.ndarray | float, row: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of all pixels from centres (n,): each (n, side, side)."""
    pixels = np.arange(SIDE, dtype=np.float64)
    columns = pixels - np.asarray(column, np.float64).reshape(-1, 1, 1)
    rows = pixels[:, None] - np.asarray(row, np.float64).reshape(-1, 1, 1)
    shape = np.broadcast_shapes(columns.shape, rows.shape)
    return np.broadcast_to(columns, shape), np.broadcast_to(rows, shape)


def _coverage(inside: np.ndarray) -> np.ndarray:
    """Fraction of a pixel inside of an edge that runs `inside` pixels beyond its centre: 0 to 1 over one pixel."""
    return np.clip(0.5 + inside, 0.0, 1.0)
