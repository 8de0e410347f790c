"""The source `function`: points x, and standard normal noise that the prepare stage scales and adds to x²."""

from time import perf_counter
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Real, WithLaterKeys
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples


@source("function")
class Function:
    """x uniform in [low, high], z standard normal and independent; y = x² + σ z is made by the recipe
    `function`. Of several variables each is uniform in [low, high]; the recipe `functions` makes values of them.

    Training, validation and test points are separate draws, so the shard carries a fixed `split` target (0
    train, 1 val, 2 test). The counts are those of one shard: as for every source, shard k does not depend on
    how many shards there are.
    """

    VERSION = 1

    class Options(kinds.Options, WithLaterKeys):
        LATER: ClassVar[tuple[str, ...]] = ("variables",)

        train: Count = Field(default=10_000, description="points to learn from, in each shard")
        val: Count = Field(default=2_000, description="points for early stopping and search, in each shard")
        test: Count = Field(default=10_000, description="points never seen before evaluation, in each shard")
        low: Real = Field(default=-10.0, description="smallest x", allow_inf_nan=False)
        high: Real = Field(default=10.0, description="largest x", allow_inf_nan=False)
        variables: Count = Field(
            default=1, le=100, description="number of variables: x of one, x1, x2, ... of several, all in [low, high]"
        )

        @model_validator(mode="after")
        def _check_order(self) -> "Function.Options":
            if self.low >= self.high:
                raise ValueError(f"low must be below high, found {self.low:g} and {self.high:g}")
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard: input group `draw` (n, variables + 1) float32 of x and z, target `split` (n,) int64."""
        start = perf_counter()
        counts = (options.train, options.val, options.test)
        total = sum(counts)
        random = seed.generator()
        x = random.uniform(options.low, options.high, (total, options.variables))
        z = random.standard_normal((total, 1))
        names = ["x"] if options.variables == 1 else [f"x{k + 1}" for k in range(options.variables)]
        draw = np.concatenate([x, z], axis=1).astype(np.float32)
        samples = Samples(
            inputs={"draw": Group(Dense(draw), (*names, "z"), ("",) * (len(names) + 1))},
            targets={"split": np.repeat(np.arange(3), counts)},
            id=event_ids(shard, total),
        )
        return samples, {"events": total, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> dict[str, int]:
        """Number of points of a shard by split, for `bevatron plan`."""
        return {"train": options.train, "val": options.val, "test": options.test}

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
