"""Images from a column of arrays."""

from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import WHERE
from bevatron.simulate.mapping.options import TableGroup
from bevatron.store.shards.columns import Dense, Group


def make_images(name: str, group: TableGroup, columns: dict[str, Any], entry: np.ndarray, place: str) -> Group:
    """Images (n, channels, height, width) float32 of the group `name`; entry: which entry of the file each is of.

    Raises UserError for a column of another shape, and for values that are no finite numbers of 32 bits.
    """
    where = f"{WHERE}.groups.{name}.column"
    values = columns[group.column or ""]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        raise UserError(where, f"'{group.column}' holds no arrays of numbers of one shape", "choose another column")
    expected = 3 if group.channels == "none" else 4
    if values.ndim != expected:
        shape = " × ".join(map(str, values.shape[1:])) or "one number"
        raise UserError(where, f"'{group.column}' has {shape} in each sample", "set channels as they are")
    images = values[:, None] if group.channels == "none" else values
    if group.channels == "last":
        images = np.moveaxis(images, -1, 1)
    images = _middle(images, group.crop, where)
    with np.errstate(over="ignore", invalid="ignore"):
        images = np.ascontiguousarray(images, np.float32) * np.float32(group.scale)
        images = _averaged(images, group.averaged, where)
    if not np.isfinite(images).all():
        bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
        what = (
            f"'{group.column}' has values that are no finite numbers of 32 bits in {len(bad)} of {len(images)} images"
        )
        raise UserError(place, f"{what}, first in entry {entry[bad[0]]}", "leave them out by selection")
    features = tuple(f"channel_{k}" for k in range(images.shape[1]))
    return Group(Dense(images), features, ("",) * len(features))


def _middle(images: np.ndarray, side: int | None, where: str) -> np.ndarray:
    """The middle side × side pixels of images (n, channels, height, width)."""
    if side is None:
        return images
    height, width = images.shape[2:]
    if side > min(height, width):
        raise UserError(where, f"its images have {height} × {width} pixels, crop asks for {side}", "lower crop")
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, :, top : top + side, left : left + side]


def _averaged(images: np.ndarray, pixels: int, where: str) -> np.ndarray:
    """Means over squares of pixels × pixels, of images (n, channels, height, width)."""
    if pixels == 1:
        return images
    n, channels, height, width = images.shape
    if height % pixels or width % pixels:
        what = f"{height} × {width} pixels cannot be averaged by {pixels} along each side"
        raise UserError(where, what, "choose a divisor of both, or crop")
    squares = images.reshape(n, channels, height // pixels, pixels, width // pixels, pixels)
    return np.ascontiguousarray(squares.mean(axis=(3, 5), dtype=np.float32))
