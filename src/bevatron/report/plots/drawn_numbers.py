"""The numbers that a figure shows, read back from its panels: a table for those who draw it again."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch

from bevatron.csv_text import encode_table, format_rows

HEAD = ("panel", "title", "x axis", "y axis", "series", "kind", "x", "x high", "y", "low", "high")
PIXELS = 1_000  # of an image that is a table, such as a confusion matrix; pictures have more
ROWS = 20_000  # of a figure, beyond which it is a picture

Row = tuple[object, ...]


def drawn_numbers(figure: Figure) -> bytes:
    """CSV of all lines, points, histograms, bands and small matrices of a drawn figure; empty where it has only
    pictures.

    Columns: the panel's number in reading order (a panel of ratios has that of the one above it) and its title, the
    labels of its axes with their units, the series as the legend calls it, its kind, and the numbers: x (of a
    histogram's bin its two edges), y, and the ends of an error bar or a band. Numbers have seven digits; what does not
    exist, as a rejection without background, has no row.
    """
    rows: list[Row] = []
    titles: dict[object, str] = {}  # by cell of the grid, of which a panel and that of its ratios have one
    for axes in figure.axes:
        if not axes.axison or axes.get_label() == "<colorbar>":
            continue
        title = axes.get_title(loc="left") or axes.get_title() or axes.get_title(loc="right")
        cell = axes.get_subplotspec() or axes
        title = titles.setdefault(cell, title)
        below = next((a.get_xlabel() for a in axes.get_shared_x_axes().get_siblings(axes) if a.get_xlabel()), "")
        words = [" ".join(text.split()) for text in (title, axes.get_xlabel() or below, axes.get_ylabel())]
        number = list(titles).index(cell) + 1
        rows += [(number, *words, *row) for row in _rows_of(axes) if _exists(row)]
        if len(rows) > ROWS:
            return b""
    return encode_table(format_rows([HEAD, *rows])) if rows else b""


def _rows_of(axes: Axes) -> Iterator[Row]:
    names = _names_by_colour(axes)
    bars = [c for c in axes.containers if isinstance(c, ErrorbarContainer)]
    parts_of_bars = {id(part) for bar in bars for part in _parts(bar)}
    for bar in bars:
        yield from _error_bars(bar, names)
    for container in (c for c in axes.containers if isinstance(c, BarContainer)):
        yield from _bars(container, names)
    for line in axes.lines:
        if id(line) not in parts_of_bars and type(line) is Line2D and line.get_transform() == axes.transData:
            x, y = (np.asarray(line.get_data(orig=False)[k], float) for k in (0, 1))
            kind = "points" if line.get_linestyle() == "None" else "line"
            series = _series(line, line.get_color(), names)
            yield from ((series, kind, *_numbers(a, None, b)) for a, b in zip(x, y, strict=True))
    for patch in axes.patches:
        if isinstance(patch, StepPatch):
            values, edges, _ = patch.get_data()
            series = _series(patch, patch.get_edgecolor(), names)
            ends = zip(edges, edges[1:], np.asarray(values, float), strict=False)
            yield from ((series, "histogram", *_numbers(low, high, v)) for low, high, v in ends)
    for collection in axes.collections:
        if id(collection) not in parts_of_bars and collection.get_transform() == axes.transData:
            yield from _collection(collection, names)
        elif isinstance(collection, PathCollection):
            points = np.ma.filled(collection.get_offsets(), np.nan)
            series = _series(collection, _colour(collection), names)
            yield from ((series, "points", *_numbers(x, None, y)) for x, y in points)
    for image in axes.images:
        yield from _matrix(image)


def _parts(bar: ErrorbarContainer) -> list[Any]:
    data, caps, bars = bar.lines
    return [data, *caps, *bars]


def _error_bars(bar: ErrorbarContainer, names: dict[str, str]) -> Iterator[Row]:
    data, _, collections = bar.lines
    segments = [s for c in collections for s in c.get_segments() if len(s) == 2 and np.isfinite(s).all()]
    upright = {float(a[0]): sorted((float(a[1]), float(b[1]))) for a, b in segments if a[0] == b[0]}
    level = {float(a[1]): sorted((float(a[0]), float(b[0]))) for a, b in segments if a[0] != b[0]}
    colour = data.get_color() if data is not None else _colour(collections[0]) if collections else ""
    series = _series(bar, colour, names)
    if data is None:
        yield from ((series, "error bar", *_numbers(x, None, None, *ends)) for x, ends in upright.items())
        return
    for x, y in zip(*(np.asarray(data.get_data(orig=False)[k], float) for k in (0, 1)), strict=True):
        if bar.has_yerr or not level:
            yield (series, "points", *_numbers(x, None, y, *upright.get(float(x), (None, None))))
        else:  # values along x, as of bars that lie
            yield (series, "points", *_numbers(x, None, y, *level.get(float(y), (None, None))))


def _bars(container: BarContainer, names: dict[str, str]) -> Iterator[Row]:
    for patch in container.patches:
        series = _series(container, patch.get_facecolor(), names)
        if container.orientation == "horizontal":
            yield (series, "bar", *_numbers(patch.get_width(), None, patch.get_y() + patch.get_height() / 2))
        else:
            x = patch.get_x()
            yield (series, "bar", *_numbers(x, x + patch.get_width(), patch.get_height()))


def _collection(collection: Collection, names: dict[str, str]) -> Iterator[Row]:
    """A band between two curves, of which a polygon goes there along one and back along the other."""
    if not isinstance(collection, PolyCollection):
        return
    series = _series(collection, _colour(collection), names)
    for path in collection.get_paths():
        corners = np.asarray(path.vertices, float)
        n = (len(corners) - 3) // 2
        if n < 1 or len(corners) != 2 * n + 3:
            continue
        there, back = corners[1 : n + 1], corners[n + 2 : 2 * n + 2][::-1]
        if np.array_equal(there[:, 0], back[:, 0]):
            ends = np.sort(np.stack([there[:, 1], back[:, 1]]), axis=0)
            for x, low, high in zip(there[:, 0], *ends, strict=True):
                yield (series, "band", *_numbers(x, None, None, low, high))


def _matrix(image: AxesImage) -> Iterator[Row]:
    values = image.get_array()
    if values is None or values.ndim != 2 or values.size > PIXELS:
        return
    for row, of_row in enumerate(np.ma.filled(values.astype(float), np.nan)):
        yield from ((f"row {row}", "matrix", *_numbers(column, None, v)) for column, v in enumerate(of_row))


def _names_by_colour(axes: Axes) -> dict[str, str]:
    """By colour what the legend calls a series, for those of its parts that have no name."""
    names: dict[str, str] = {}
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        for of in ("get_color", "get_edgecolor"):
            if hasattr(handle, of):
                names.setdefault(_hex(getattr(handle, of)()), label)
                break
        else:
            if isinstance(handle, ErrorbarContainer) and handle.lines[0] is not None:
                names.setdefault(_hex(handle.lines[0].get_color()), label)
    return names


def _series(artist: Any, colour: Any, names: dict[str, str]) -> str:
    label = str(artist.get_label() or "")
    return names.get(_hex(colour), "") if not label or label.startswith("_") else label.strip("\u2060")


def _colour(collection: Collection) -> Any:
    for colours in (collection.get_edgecolor(), collection.get_facecolor()):
        if len(colours):
            return colours[0]
    return ""


def _hex(colour: Any) -> str:
    try:
        return to_hex(colour)
    except ValueError:
        return to_hex(colour[0]) if isinstance(colour, np.ndarray) and len(colour) else ""


def _exists(row: Row) -> bool:
    """Whether a row has a place, and a number there."""
    return row[-5] != "" and any(value != "" for value in row[-3:])


def _numbers(*values: Any) -> Sequence[object]:
    """x, the upper edge, y, and the two ends, as CSV has them; those that do not exist are empty."""
    padded = [*values, *[None] * (5 - len(values))]
    return ["" if v is None or not np.isfinite(v) else float(f"{float(v):.7g}") for v in padded]
