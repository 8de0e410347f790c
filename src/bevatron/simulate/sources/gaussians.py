"""The source `gaussians`: standard normal points of several classes, which the prepare stage moves and stretches."""

from time import perf_counter

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Integer
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples


@source("gaussians")
class Gaussians:
    """Points z of a two-dimensional standard normal distribution, with class numbers that are equally frequent.

    Means and covariances belong to the recipe `gaussians`, so that several pairs of clouds are made of the same z.
    Training, validation and test points are separate draws (target `split`: 0 train, 1 val, 2 test). The counts are
    those of one shard.
    """

    VERSION = 1

    class Options(kinds.Options):
        classes: Integer = Field(default=2, ge=2, description="number of classes")
        train: Count = Field(default=1_000, description="points of each class to learn from, in each shard")
        val: Count = Field(default=500, description="points of each class for early stopping and search, in each shard")
        test: Count = Field(
            default=4_000, description="points of each class never seen before evaluation, in each shard"
        )

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard: input group `draw` (n, 2) float32; targets `class` and `split` (n,) int64."""
        start = perf_counter()
        counts = np.array([options.train, options.val, options.test]) * options.classes
        total = int(counts.sum())
        z = seed.generator().standard_normal((total, 2))
        samples = Samples(
            inputs={"draw": Group(Dense(z.astype(np.float32)), ("z1", "z2"), ("", ""))},
            targets={"class": np.arange(total) % options.classes, "split": np.repeat(np.arange(3), counts)},
            id=event_ids(shard, total),
        )
        return samples, {"events": total, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> dict[str, int]:
        """Number of points of a shard by split, for `bevatron plan`."""
        return {name: options.classes * getattr(options, name) for name in ("train", "val", "test")}

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
