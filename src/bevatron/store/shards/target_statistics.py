"""Mean, spread and range of each number of a target over the train split, by which a regression scales it."""

import numpy as np
from pydantic import Field

from bevatron.store.records.record import Record
from bevatron.store.shards.moments import Moments, moments_of


class TargetStatistics(Record):
    """One number of a target over the train split, in its own unit."""

    count: int = Field(description="samples")
    mean: float = Field(description="mean")
    std: float = Field(description="standard deviation, of the population")
    minimum: float = Field(description="smallest")
    maximum: float = Field(description="largest")


def moments_of_targets(targets: dict[str, np.ndarray]) -> dict[str, Moments]:
    """Of one shard's targets, numbers (n,) or several (n, k), by target; all others are left out."""
    return {
        name: moments_of(values.reshape(len(values), 1, values.shape[1] if values.ndim == 2 else 1))
        for name, values in targets.items()
        if values.ndim <= 2
    }


def statistics_of(moments: Moments) -> tuple[TargetStatistics, ...]:
    """Of each number, in their order; zeros where there is no sample."""
    some = moments.count > 0
    return tuple(
        TargetStatistics(
            count=moments.count,
            mean=float(moments.mean[k]),
            std=float(np.sqrt(moments.m2[k] / max(1, moments.count))),
            minimum=float(moments.low[k]) if some else 0.0,
            maximum=float(moments.high[k]) if some else 0.0,
        )
        for k in range(len(moments.mean))
    )
