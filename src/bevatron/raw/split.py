"""Which samples are learned from, which steer the fit, and which are never seen before evaluation."""

import numpy as np

from bevatron.config.sections.dataset import DatasetSection, SplitFractions
from bevatron.errors import UserError
from bevatron.store.files.names import fold_part
from bevatron.store.mixing import GOLDEN_GAMMA, mix
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.contract import SPLITS
from bevatron.store.shards.folds import fold_of

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
        number = np.digitize(uniform(events_of(raw)), [fractions.train, fractions.train + fractions.val])
    selected = raw.targets.get(SELECTED, np.full(len(raw), 3, np.int8))
    bits = {name: 2 if name == "test" else 1 for name in SPLITS}
    return {name: np.flatnonzero((number == index) & (selected & bits[name] != 0)) for index, name in enumerate(SPLITS)}


def events_of(raw: Samples) -> np.ndarray:
    """The number of each sample's event, (n,) uint64; its id where there are no events."""
    return raw.targets.get(EVENT, raw.id).astype(np.uint64)


def rows_by_use(raw: Samples, dataset: DatasetSection) -> dict[str, np.ndarray]:
    """The rows that some network learns from, those that steer its fit, and those that one is tested on.

    Without folds these are the splits. With them each sample is tested on, and for the networks that leave other folds
    out is also in one of the other two, by the same hash as without. Raises UserError for samples with a split of their
    own, of which there cannot be folds.
    """
    if dataset.folds is None:
        return rows_by_split(raw, dataset.split)
    if FIXED in raw.targets:
        what = "the source gives its samples a split of their own, and cross-validation makes another"
        raise UserError("dataset.folds", what, "leave it out, or give the source files that have no split")
    selected = raw.targets.get(SELECTED, np.full(len(raw), 3, np.int8))
    if (selected == 1).any():
        what = "some samples are learned from and not tested on, which folds do not know"
        raise UserError("dataset.folds", what, "take the test_selection away, or leave the folds out")
    split, learned = dataset.split, selected & 1 != 0
    steers = uniform(events_of(raw)) >= split.train / (split.train + split.val)
    uses = {"train": learned & ~steers, "val": learned & steers, "test": selected & 2 != 0}
    return {name: np.flatnonzero(used) for name, used in uses.items()}


def rows_by_shard(raw: Samples, dataset: DatasetSection, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows of each shard that is written, by what stands for the split in its name.

    rows: those of `rows_by_use`, or as a balancing has left them. Without folds these are they; with folds each row is
    in one part of its event's fold: "train" or "val" where it is learned from or steers, "test" where it does neither.
    """
    if dataset.folds is None:
        return rows
    part = np.full(len(raw), -1)
    for number in (2, 0, 1):  # what is tested on alone is what remains of it
        part[rows[SPLITS[number]]] = number
    fold, parts = fold_of(events_of(raw), dataset.folds), dataset.fold_parts
    if (untested := np.setdiff1d(np.concatenate([rows["train"], rows["val"]]), rows["test"])).size:
        raise AssertionError(f"{len(untested)} samples would be learned from and not tested on")
    if not set(np.unique(part[part >= 0])) <= {SPLITS.index(name) for name in parts}:
        raise AssertionError("samples that are tested on alone have no shard")
    return {
        fold_part(k, name): np.flatnonzero((fold == k) & (part == SPLITS.index(name)))
        for k in range(dataset.folds)
        for name in parts
    }


def uniform(numbers: np.ndarray) -> np.ndarray:
    """A hash of each number (n,) uint64 as a float64 uniform in [0, 1): the mixer of SplitMix64.

    Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators"; the upper 53 bits make the
    float.
    """
    mixed = mix(np.asarray(numbers, np.uint64) + GOLDEN_GAMMA)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
