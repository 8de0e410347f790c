"""The source `function`: x, and standard normal noise that the prepare stage scales and adds to x²."""

from time import perf_counter

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Real
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples


@source("function")
class Function:
    """x uniform in [low, high], z standard normal and independent; y = x² + σ z is made by the recipe
    `function`.

    Training, validation and test points are separate draws, so the shard carries a fixed `split` target (0
    train, 1 val, 2 test). The counts are those of one shard: as for every source, shard k does not depend on
    how many shards there are.
    """

    VERSION = 1

    class Options(kinds.Options):
        train: Count = Field(default=10_000, description="points to learn from, in each shard")
        val: Count = Field(default=2_000, description="points for early stopping and search, in each shard")
        test: Count = Field(default=10_000, description="points never seen before evaluation, in each shard")
        low: Real = Field(default=-10.0, description="smallest x", allow_inf_nan=False)
        high: Real = Field(default=10.0, description="largest x", allow_inf_nan=False)

        @model_validator(mode="after")
        def _check_order(self) -> "Function.Options":
            if self.low >= self.high:
                raise ValueError(f"low must be below high, found {self.low:g} and {self.high:g}")
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard: input group `draw` (n, 2) float32 of x and z, target `split` (n,) int64."""
        start = perf_counter()
        counts = (options.train, options.val, options.test)
        total = sum(counts)
        random = seed.generator()
        x = random.uniform(options.low, options.high, total)
        z = random.standard_normal(total)
        samples = Samples(
            inputs={"draw": Group(Dense(np.stack([x, z], axis=1).astype(np.float32)), ("x", "z"), ("", ""))},
            targets={"split": np.repeat(np.arange(3), counts)},
            id=(np.uint64(shard) << np.uint64(40)) | np.arange(total, dtype=np.uint64),
        )
        return samples, {"events": total, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> dict[str, int]:
        """Number of points of a shard by split, for `bevatron plan`."""
        return {"train": options.train, "val": options.val, "test": options.test}

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
