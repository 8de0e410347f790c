"""The source `copulas`: sets of points whose features depend on each other, or not, and look alike one by one."""

from time import perf_counter
from typing import Annotated

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Integer
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

CLASSES = ("independent", "linear", "crossed")
Correlation = Annotated[float, Field(ge=0.0, lt=1.0)]


@source("copulas")
class Copulas:
    """Each event is a set of points of one of three classes: the features are independent, have linear correlations, or
    depend on each other without any (`bevatron.simulate.copulas`).

    Every feature is standard normal in every class, so that only the relations between features tell the classes apart.
    The log likelihood ratio of a set's own points is the best possible test (Neyman and Pearson 1933).
    """

    VERSION = 1

    class Options(kinds.Options):
        events: Count = Field(default=3_000, description="sets of points in each shard, the three classes in turn")
        points: Count = Field(default=100, description="points of a set")
        features: Integer = Field(default=3, ge=2, le=10, description="features of a point")
        linear: Correlation = Field(default=0.1, description="correlation of every two features in the class `linear`")
        crossed: Correlation = Field(
            default=0.5, description="that of the class `crossed`, before each feature is given a random sign"
        )

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input group `points`, lists of points with the features x1, x2, ...; input group `likelihood` (n, 2): the log
        likelihood ratios of `linear` and `crossed` to `independent`; target `class` (n,): 0 independent, 1 linear,
        2 crossed.
        """
        from bevatron.simulate.copulas import draw_crossed, draw_linear, log_ratio_crossed, log_ratio_linear

        start = perf_counter()
        random, n, k = seed.generator(), options.events, options.points
        label = np.arange(n) % len(CLASSES)
        x = np.empty((n, k, options.features))
        for number, name in enumerate(CLASSES):
            rows = label == number
            draw, rho = (draw_crossed, options.crossed) if name == "crossed" else (draw_linear, options.linear)
            points = draw(random, int(rows.sum()) * k, options.features, 0.0 if name == "independent" else rho)
            x[rows] = points.reshape(-1, k, options.features)
        x = x.reshape(n * k, options.features)
        ratios = [log_ratio_linear(x, options.linear), log_ratio_crossed(x, options.crossed)]
        likelihood = np.stack([ratio.reshape(n, k).sum(axis=1) for ratio in ratios], axis=1)
        names = tuple(f"x{j + 1}" for j in range(options.features))
        samples = Samples(
            inputs={
                "points": Group(
                    Ragged(x.astype(np.float32), np.arange(n + 1, dtype=np.int64) * k), names, ("",) * len(names)
                ),
                "likelihood": Group(Dense(likelihood.astype(np.float32)), ("linear", "crossed"), ("", "")),
            },
            targets={"class": label},
            id=event_ids(shard, n),
        )
        return samples, {"events": n, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int:
        """Number of sets of a shard, for `bevatron plan`."""
        return options.events

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
