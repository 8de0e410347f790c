"""The recipe `images`: ready-made images with labels, as they are, and perhaps averaged, inverted or enlarged."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, Fraction, Name, WithLaterKeys
from bevatron.errors import UserError
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # brightness of red, green and blue


class Version(WithLaterKeys):
    """A further input group with the same images, changed."""

    LATER: ClassVar[tuple[str, ...]] = ("repeated",)

    threshold: Fraction = Field(
        default=0.0, description="values below it become zero: images with fewer non-zero pixels"
    )
    grey: bool = Field(default=False, description="one channel, 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601)")
    averaged: Count = Field(
        default=1, description="means over squares of so many pixels a side: images of fewer pixels"
    )
    inverted: bool = Field(default=False, description="1 - value: dense images of sparse ones")
    repeated: Count = Field(
        default=1, description="each pixel becomes a square of so many a side: more pixels, with no more information"
    )


@recipe("images")
class Images:
    """Input group `image` (n, channels, height, width) float32 from 0 to 1, those of `versions`; target `label`."""

    VERSION = 1

    class Options(kinds.Options):
        versions: dict[Name, Version] = Field(default={}, description="by name of the input group, the images changed")

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `digits` or `cifar10`; nothing is random, and nothing else is used."""
        images = raw.inputs["image"]
        inputs = {"image": images}
        for name, version in options.versions.items():
            values, features, units = values_of(raw, "image"), images.features, images.units
            if version.grey:
                values = _to_grey(values, f"dataset.recipe.versions.{name}.grey")
                features, units = ("grey",), ("",)
            values = np.where(values >= version.threshold, values, 0.0)
            values = _average(values, version.averaged, f"dataset.recipe.versions.{name}.averaged")
            values = 1.0 - values if version.inverted else values
            values = values.repeat(version.repeated, 2).repeat(version.repeated, 3) if version.repeated > 1 else values
            inputs[name] = Group(Dense(values.astype(np.float32)), features, units)
        return Samples(inputs, {"label": raw.targets["label"]}, raw.id)

    def images(self, options: Options, source: kinds.Options) -> dict[str, tuple[int, int, int]]:
        """Shapes (channels, height, width) by image group of what `source` has, for `bevatron plan`."""
        channels, height, width = kinds.SOURCES[source.kind]().image_shape(source)
        shapes = {"image": (channels, height, width)}
        for name, version in options.versions.items():
            sides = tuple(side // version.averaged * version.repeated for side in (height, width))
            shapes[name] = (1 if version.grey else channels, *sides)
        return shapes


def _to_grey(values: np.ndarray, where: str) -> np.ndarray:
    """(n, 3, height, width) to (n, 1, height, width)."""
    if values.shape[1] != 3:
        raise UserError(where, f"images of {values.shape[1]} channels are no colours", "leave it out")
    return np.tensordot(values, LUMA, axes=(1, 0))[:, None]


def _average(values: np.ndarray, by: int, where: str) -> np.ndarray:
    """Means over squares of `by` pixels a side; (n, channels, height, width) to the same with smaller sides."""
    n, channels, height, width = values.shape
    if height % by or width % by:
        raise UserError(where, f"{by} does not divide images of {height}×{width} pixels", "name a divisor of the sides")
    return values.reshape(n, channels, height // by, by, width // by, by).mean((3, 5))
