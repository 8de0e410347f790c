"""The recipe `sky`: pictures of galaxies and stars, in pairs or mixed."""

from typing import Literal

import numpy as np
from pydantic import Field

from bevatron.config import kinds
from bevatron.config.kinds import recipe
from bevatron.config.section import Positive
from bevatron.store.columns import Dense, Group, Samples

PICTURES = ("galaxy", "star")


@recipe("sky")
class SkyPictures:
    """In pairs: input groups `galaxy` and `star` with noise, targets of the same names without, their parameters, and
    targets `galaxy_noisy` and `star_noisy`, the same as the inputs.

    Mixed: each event becomes two samples, of an input group `picture` and a target `label`, 0 of a galaxy, 1 of a star.
    """

    class Options(kinds.Options):
        kinds: Literal["pairs", "mixed"] = Field("pairs", description="a sample is an event, or one of its pictures")
        clean: bool = Field(False, description="of mixed pictures: without noise")
        scale: Positive = Field(1.0, description="counts that become 1 in a mixed picture")

    def prepare(self, options: Options, raw: Samples, seed: int) -> Samples:
        """`raw` is a shard of the source `sky`; nothing is random, so `seed` is not used."""
        if options.kinds == "pairs":
            noisy = {f"{name}_noisy": raw.inputs[name].column.values for name in PICTURES}
            return Samples(raw.inputs, raw.targets | noisy, raw.id)
        shown = [raw.targets[name] if options.clean else raw.inputs[name].column.values for name in PICTURES]
        both = np.stack(shown, axis=1)
        pictures = (both.reshape(-1, *both.shape[2:]) / options.scale).astype(np.float32)
        unit = "counts" if options.scale == 1.0 else f"{options.scale:g} counts"
        ids = np.repeat(raw.id * np.uint64(2), 2) + np.tile(np.arange(2, dtype=np.uint64), len(raw.id))
        labels = np.tile(np.arange(2, dtype=np.int64), len(raw.id))
        return Samples({"picture": Group(Dense(pictures), ("flux",), (unit,))}, {"label": labels}, ids)
