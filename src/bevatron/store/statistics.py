"""Statistics of input features over many shards, the same to the last bit however the shards were made.

Count, mean, standard deviation, minimum and maximum are exact: each shard's are computed in float64 and
merged in shard order (Chan, Golub and LeVeque 1979). Median and the quantiles 0.16 and 0.84 are those of the
first 10,000 samples of each shard. Ragged groups count elements, sparse images the pixels that are stored,
channel by channel.
"""

from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from bevatron.store.columns import Dense, Group, Ragged, SparseImages, feature_axis
from bevatron.store.contract import Record

QUANTILE_SAMPLES = 10_000


class FeatureStatistics(Record):
    """One feature over the train split, in the feature's unit."""

    count: int = Field(description="numbers behind the statistics; all of them are 0 when there is none")
    mean: float = Field(description="mean")
    std: float = Field(description="standard deviation, of the population")
    minimum: float = Field(description="smallest")
    maximum: float = Field(description="largest")
    median: float = Field(description="median, of the first 10,000 samples of each shard")
    q16: float = Field(description="quantile 0.16, of the same")
    q84: float = Field(description="quantile 0.84, of the same")


@dataclass
class Accumulator:
    """The statistics of one feature, shard after shard."""

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    minimum: float = 0.0
    maximum: float = 0.0
    sample: list[np.ndarray] = field(default_factory=list)

    def add(self, values: np.ndarray, sample: np.ndarray) -> None:
        """Merges one shard's `values` (n,); the quantiles are taken of its part `sample`."""
        if len(values) == 0:
            return
        values = values.astype(np.float64)
        mean = float(values.mean())
        m2 = float(np.square(values - mean).sum())
        low, high = float(values.min()), float(values.max())
        n, new = self.count, len(values)
        shift = mean - self.mean
        self.minimum = min(self.minimum, low) if n else low
        self.maximum = max(self.maximum, high) if n else high
        self.mean += shift * new / (n + new)
        self.m2 += m2 + shift * shift * n * new / (n + new)
        self.count += new
        self.sample.append(sample.astype(np.float64))

    def result(self) -> FeatureStatistics:
        drawn = np.concatenate(self.sample) if self.sample else np.zeros(1)
        q16, median, q84 = np.quantile(drawn, [0.16, 0.5, 0.84]).tolist()
        return FeatureStatistics(
            count=self.count,
            mean=self.mean,
            std=float(np.sqrt(self.m2 / max(1, self.count))),
            minimum=self.minimum,
            maximum=self.maximum,
            median=median,
            q16=q16,
            q84=q84,
        )


class GroupStatistics:
    """The statistics of every feature of one input group."""

    def __init__(self) -> None:
        self.features: dict[str, Accumulator] = {}

    def add(self, group: Group) -> None:
        """Merges one shard's data."""
        first = group.take(np.arange(min(len(group), QUANTILE_SAMPLES)))
        for name, values, sample in zip(group.features, by_feature(group), by_feature(first), strict=True):
            self.features.setdefault(name, Accumulator()).add(values, sample)

    def result(self) -> dict[str, FeatureStatistics]:
        return {name: accumulator.result() for name, accumulator in self.features.items()}


def by_feature(group: Group) -> list[np.ndarray]:
    """The numbers of each feature, (n,) each, over all samples and elements of the group."""
    match group.column:
        case Dense(values):
            table = np.moveaxis(values, feature_axis(values), -1).reshape(-1, len(group.features))
            return [table[:, i] for i in range(table.shape[1])]
        case Ragged(values, _):
            return [values[:, i] for i in range(values.shape[1])]
        case SparseImages(index, value, _, (channels, height, width)):
            channel = index // (height * width)
            return [value[channel == c] for c in range(channels)]
