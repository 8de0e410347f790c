"""Which samples are learned from, which steer the fit, and which are never seen before evaluation."""

import numpy as np

from bevatron.compute.numerics.permutation import GOLDEN_GAMMA, mix
from bevatron.config.sections.dataset import SplitFractions
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.contract import SPLITS

FIXED = "split"  # target of a source with a split of its own: 0, 1, 2 in the order of SPLITS
SELECTED = "selected"  # target with the bit 1 of samples that are learned from, and 2 of those that are tested on
EVENT = "event"  # target by whose value other samples are divided; without it, by their id


def rows_by_split(raw: Samples, fractions: SplitFractions) -> dict[str, np.ndarray]:
    """The rows of each split, in rising order.

    Without a fixed split, an event goes where the hash of its number says, so all its samples go together,
    wherever and in however many shards they lie.
    """
    if FIXED in raw.targets:
        number = raw.targets[FIXED]
    else:
        events = raw.targets.get(EVENT, raw.id).astype(np.uint64)
        number = np.digitize(uniform(events), [fractions.train, fractions.train + fractions.val])
    selected = raw.targets.get(SELECTED, np.full(len(raw), 3, np.int8))
    bits = {name: 2 if name == "test" else 1 for name in SPLITS}
    return {name: np.flatnonzero((number == index) & (selected & bits[name] != 0)) for index, name in enumerate(SPLITS)}


def uniform(numbers: np.ndarray) -> np.ndarray:
    """A hash of each number (n,) uint64 as a float64 uniform in [0, 1): the mixer of SplitMix64.

    Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators"; the upper 53 bits make the
    float.
    """
    mixed = mix(np.asarray(numbers, np.uint64) + GOLDEN_GAMMA)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
