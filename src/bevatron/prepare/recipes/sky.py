"""The recipe `sky`: images of galaxies and stars, in pairs or mixed."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, Positive, WithLaterKeys
from bevatron.errors import UserError
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples

IMAGES = ("galaxy", "star")


@recipe("sky")
class SkyImages:
    """In pairs: input groups `galaxy` and `star` with noise, targets of the same names without, their parameters, and
    targets `galaxy_noisy` and `star_noisy`, the same as the inputs. Of a source with `centred`, all of these of
    `galaxy_centred` and `star_centred` as well.

    Mixed: an input group `image`, of even events the galaxy and of odd ones the star, and a target `label`, 0 and 1.
    """

    VERSION = 1

    class Options(kinds.Options, WithLaterKeys):
        LATER: ClassVar[tuple[str, ...]] = ("rebin",)

        kinds: Literal["pairs", "mixed"] = Field(
            default="pairs", description="a sample has both images of an event, or one"
        )
        clean: bool = Field(default=False, description="of mixed images: without noise")
        scale: Positive = Field(default=1.0, description="counts that become 1 in a mixed image")
        rebin: Count = Field(
            default=1,
            description="add up squares of so many pixels a side: images of fewer pixels, as of a coarser camera",
        )

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `sky`; nothing is random, and nothing else is used.

        Raises UserError where `rebin` does not divide the images.
        """
        if options.rebin > 1:
            raw = _rebin(raw, options.rebin)
        if options.kinds == "pairs":
            noisy = {f"{name}_noisy": values_of(raw, name) for name in raw.inputs}
            return Samples(raw.inputs, raw.targets | noisy, raw.id)
        choices = [raw.targets[name] if options.clean else values_of(raw, name) for name in IMAGES]
        labels = (raw.id % np.uint64(2)).astype(np.int64)
        images = np.where(labels[:, None, None, None] == 0, *choices) / options.scale
        unit = "counts" if options.scale == 1.0 else f"{options.scale:g} counts"
        return Samples(
            {"image": Group(Dense(images.astype(np.float32)), ("flux",), (unit,))}, {"label": labels}, raw.id
        )


def _rebin(raw: Samples, by: int) -> Samples:
    """All images with squares of `by` × `by` pixels added up; counts stay counts, and white noise stays white."""
    inputs = {
        name: Group(Dense(_add_squares(values_of(raw, name), by)), group.features, group.units, group.definitions)
        for name, group in raw.inputs.items()
    }
    clean = {name: _add_squares(raw.targets[name], by) for name in raw.inputs}
    return Samples(inputs, {**raw.targets, **clean}, raw.id)


def _add_squares(images: np.ndarray, by: int) -> np.ndarray:
    """(n, channels, height, width) to the same with sides `by` times smaller, float32."""
    n, channels, height, width = images.shape
    if height % by or width % by:
        what = f"{by} does not divide images of {height}×{width} pixels"
        raise UserError("dataset.recipe.rebin", what, "name a divisor of the sides")
    return (
        images.reshape(n, channels, height // by, by, width // by, by).sum((3, 5), dtype=np.float64).astype(np.float32)
    )
