"""The recipe `table`: samples of the source `table` as they are."""

import numpy as np

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.store.shards.columns import Samples

ABOUT_SAMPLES = ("event", "split", "selected")  # targets that say where a sample belongs, and are not learned


@recipe("table")
class TableRecipe:
    """Groups, targets, weights and observers of the mapping in `simulation.source`."""

    VERSION = 1

    class Options(kinds.Options):
        pass

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `table`; nothing is random."""
        targets = {name: values for name, values in raw.targets.items() if name not in ABOUT_SAMPLES}
        return Samples(raw.inputs, targets, raw.id, raw.weight, observers=raw.observers, parts=raw.parts)
