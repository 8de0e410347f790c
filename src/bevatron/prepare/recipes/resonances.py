"""The recipe `resonances`: pairs of particles as two frames see them, to be read and to be given back."""

import numpy as np

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Samples

FRAMES = ("lab", "boosted")


@recipe("resonances")
class ResonanceFrames:
    """Input groups `lab` and `boosted` (n, 8), targets of the same names with the same numbers, `mass` and `label`."""

    VERSION = 1

    class Options(kinds.Options):
        pass

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `resonances`; nothing is random, and nothing else is used."""
        targets = {name: values_of(raw, name) for name in FRAMES}
        parts = {name: raw.inputs[name].features for name in FRAMES}
        return Samples(raw.inputs, targets | raw.targets, raw.id, parts=parts)
