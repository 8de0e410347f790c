"""Statistics of input features over many shards, the same to the last bit however the shards were made.

Count, mean, standard deviation, minimum and maximum are exact: each shard's are computed in float64 and merged in shard
order. Median and the quantiles 0.16 and 0.84 are those of the first 10,000 samples of each shard, or of an even part of
their numbers where these are more than memory should hold (`quantiles.py`). Ragged groups count elements, sparse images
the pixels that are stored, channel by channel.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from pydantic import Field

from bevatron.store.records.record import Record
from bevatron.store.shards.columns import Column, Dense, Group, Ragged, SparseImages, feature_axis
from bevatron.store.shards.moments import Moments, moments_of
from bevatron.store.shards.quantiles import Thinned, hashes_of

QUANTILE_SAMPLES = 10_000
QUANTILE_NUMBERS = 48_000_000  # of all features together: 192 MB in float32
LEAST_NUMBERS = 1_000  # of a feature, however many features there are
ShardPart = tuple[Moments, np.ndarray, np.ndarray]


class FeatureStatistics(Record):
    """One feature over the train split, in the feature's unit."""

    count: int = Field(description="numbers behind the statistics; all of them are 0 when there is none")
    mean: float = Field(description="mean")
    std: float = Field(description="standard deviation, of the population")
    minimum: float = Field(description="smallest")
    maximum: float = Field(description="largest")
    median: float = Field(
        description="median, of the first 10,000 samples of each shard; of an even part of their numbers where those "
        "of all features are more than 48 million"
    )
    q16: float = Field(description="quantile 0.16, of the same")
    q84: float = Field(description="quantile 0.84, of the same")


def quantile_limit(groups: dict[str, Group], manifests: int = 1) -> int:
    """How many numbers of each feature are kept for its quantiles, of a dataset with these groups that has several
    manifests, whose numbers together are in memory.
    """
    n_features = sum(len(group.features) for group in groups.values())
    return max(LEAST_NUMBERS, QUANTILE_NUMBERS // max(1, manifests * n_features))


class GroupStatistics:
    """The statistics of every feature of one input group; limit: numbers of each kept for quantiles."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.features: tuple[str, ...] = ()
        self._moments: list[Moments] = []
        self._subsets: list[Thinned] = []

    def add(self, group: Group, ids: np.ndarray) -> None:
        """Merges one shard's data, whose samples have the `ids` (n,) uint64."""
        self.merge(group.features, parts_of_shard(group, ids))

    def merge(self, features: tuple[str, ...], parts: Iterable[ShardPart]) -> None:
        """Merges one shard's data as `parts_of_shard` gives them; features: the group's."""
        self.features = features
        for i, (moments, values, keys) in enumerate(parts):
            if i == len(self._subsets):
                self._moments.append(moments_of(values[:0]))
                self._subsets.append(Thinned(self.limit))
            self._moments[i] = self._moments[i].merge(moments)
            self._subsets[i].add(values, keys)

    def result(self) -> dict[str, FeatureStatistics]:
        """The statistics of all shards so far, by feature, in the features' units."""
        of_each = [
            _statistics(moments, number, subset.feature(number))
            for moments, subset in zip(self._moments, self._subsets, strict=True)
            for number in range(len(moments.mean))
        ]
        return dict(zip(self.features, of_each, strict=True))


def parts_of_shard(group: Group, ids: np.ndarray) -> Iterator[ShardPart]:
    """Of one shard's data, whose samples have the `ids` (n,) uint64, what statistics of it and of others need: for each
    table the moments of all, and the numbers and the keys of those that quantiles are taken from.
    """
    for values, keys in tables_of(group.column, hashes_of(ids[:QUANTILE_SAMPLES])):
        yield moments_of(values), values[: len(keys)], keys


def tables_of(column: Column, hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The column's numbers as tables (n, k, features), of which the last axes together are all features in order; and
    for the first samples, which have the `hashes` (m,), the keys that `Thinned.add` wants.
    """
    match column:
        case Dense(values):
            last = values[:, None] if values.ndim == 1 else np.moveaxis(values, feature_axis(values), -1)
            yield last.reshape(len(last), int(np.prod(last.shape[1:-1], dtype=int)), last.shape[-1]), hashes
        case Ragged(values, offsets):
            yield values[:, None, :], _keys(hashes, offsets)
        case SparseImages(index, value, offsets, (channels, height, width)):
            keys, channel = _keys(hashes, offsets), index // (height * width)
            for number in range(channels):
                here = channel == number
                yield value[here][:, None, None], keys[here[: len(keys)]]


def _keys(hashes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """For each element of the first samples, the sample's hash and the element's place in the sample, added."""
    cut = offsets[: len(hashes) + 1]
    return np.repeat(hashes - cut[:-1].astype(np.uint32), np.diff(cut)) + np.arange(cut[-1], dtype=np.uint32)


def _statistics(moments: Moments, number: int, subset: np.ndarray) -> FeatureStatistics:
    q16, median, q84 = np.quantile(subset if len(subset) else np.zeros(1), [0.16, 0.5, 0.84]).tolist()
    some = moments.count > 0
    return FeatureStatistics(
        count=moments.count,
        mean=float(moments.mean[number]),
        std=float(np.sqrt(moments.m2[number] / max(1, moments.count))),
        minimum=float(moments.low[number]) if some else 0.0,
        maximum=float(moments.high[number]) if some else 0.0,
        median=median,
        q16=q16,
        q84=q84,
    )
