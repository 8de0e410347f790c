"""What a manifest says of its splits as a whole: statistics of what is learned from, and sums of weights."""

from collections.abc import Iterable, Sequence

import numpy as np

from bevatron.store.shards.columns import Samples
from bevatron.store.shards.moments import Moments
from bevatron.store.shards.statistics import (
    FeatureStatistics,
    GroupStatistics,
    ShardPart,
    parts_of_shard,
    quantile_limit,
)
from bevatron.store.shards.target_statistics import TargetStatistics, moments_of_targets, statistics_of
from bevatron.store.shards.weights import WeightStatistics, WeightSums


class SplitSums:
    """The sums of one manifest, to which shards are added one after the other.

    learned: the split whose features and targets are summed. n_manifests: how many manifests are made at a time, which
    share the memory for quantiles.
    """

    def __init__(self, learned: str = "train", n_manifests: int = 1):
        self.learned, self.n_manifests = learned, n_manifests
        self._statistics: dict[str, GroupStatistics] = {}
        self._targets: dict[str, Moments] = {}
        self._weights: dict[str, WeightSums] = {}

    def statistics(self) -> dict[str, dict[str, FeatureStatistics]]:
        """By group and feature."""
        return {name: group.result() for name, group in self._statistics.items()}

    def target_statistics(self) -> dict[str, tuple[TargetStatistics, ...]]:
        """By target, of each of its numbers; none where targets are no numbers to learn."""
        return {name: statistics_of(moments) for name, moments in self._targets.items()}

    def weights(self) -> dict[str, WeightStatistics]:
        """By split; none of samples without weights."""
        return {split: sums.result() for split, sums in self._weights.items()}

    def add_inputs(self, name: str, features: tuple[str, ...], parts: Iterable[ShardPart], limit: int) -> None:
        """Merges one shard's input group, as `parts_of_shard` gives it."""
        self._statistics.setdefault(name, GroupStatistics(limit)).merge(features, parts)

    def add_targets(self, moments: dict[str, Moments]) -> None:
        """Merges one shard's targets."""
        for name, of_shard in moments.items():
            self._targets[name] = self._targets[name].merge(of_shard) if name in self._targets else of_shard

    def add_weights(
        self, split: str, weights: np.ndarray, classes: tuple[str, ...], numbers: np.ndarray | None
    ) -> None:
        """Adds one shard's weights (n,), and its samples' class numbers (n,) where there are classes."""
        self._weights.setdefault(split, WeightSums(classes)).add(weights, numbers)


def add_shard(
    uses: Sequence[tuple[SplitSums, str]],
    samples: Samples,
    with_targets: bool,
    classes: tuple[str, ...],
    numbers: np.ndarray | None,
) -> None:
    """Adds a shard to the sums of one or several manifests, each with the split that the shard is in there.

    with_targets: whether its targets are summed too. classes, numbers: names of the classes by which weights are
    summed, and the class number of each sample (n,); none without classes.
    """
    learning = [sums for sums, split in uses if split == sums.learned]
    if learning:
        limit = quantile_limit(samples.inputs, learning[0].n_manifests)
        for name, group in samples.inputs.items():
            parts: Iterable[ShardPart] = parts_of_shard(group, samples.id)
            if len(learning) > 1:
                parts = list(parts)
            for sums in learning:
                sums.add_inputs(name, group.features, parts, limit)
        always_there = {name: values for name, values in samples.targets.items() if name not in samples.optional}
        of_targets = moments_of_targets(always_there) if with_targets else {}
        for sums in learning:
            sums.add_targets(of_targets)
    if samples.weight is not None:
        for sums, split in uses:
            sums.add_weights(split, samples.weight, classes, numbers)
