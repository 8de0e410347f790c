"""Weights of other people's events: which one a study uses, and what a shard says of them where it uses none."""

import logging
from typing import Any

import numpy as np
from pydantic import SerializerFunctionWrapHandler, model_serializer

from bevatron.config.loading import kinds

logger = logging.getLogger("bevatron")
EVENT_WEIGHTS = "event_weights"  # the attribute of a shard: the smallest and the largest weight; none: all are 1


class WeightOptions(kinds.Options):
    """Options with a key `weight`, which at its default None leaves a study's digests and seeds what they were before
    there was such a key: samples then count alike.
    """

    @model_serializer(mode="wrap")
    def _without_the_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = handler(self)
        return {key: value for key, value in content.items() if key != "weight" or value is not None}


class WeightRange:
    """The smallest and the largest weight of the events that a shard has read."""

    def __init__(self) -> None:
        self.minimum, self.maximum = np.inf, -np.inf

    def add(self, weights: np.ndarray) -> None:
        """Some events' weights (n,)."""
        if len(weights):
            self.minimum = min(self.minimum, float(weights.min()))
            self.maximum = max(self.maximum, float(weights.max()))

    def attributes(self) -> dict[str, list[float]]:
        """The shard's attribute; none where every event weighs 1, or none has a weight."""
        if not np.isfinite(self.minimum) or (self.minimum, self.maximum) == (1.0, 1.0):
            return {}
        return {EVENT_WEIGHTS: [self.minimum, self.maximum]}

    def warn(self, shard: int) -> None:
        """Says so where weights differ within the shard; that they differ between shards, the manifest says."""
        if self.minimum < self.maximum:
            logger.warning(
                "shard %d: the events' weights differ, and are not used: they go from %g to %g; "
                "name the weight in simulation.source.weight to use it",
                shard, self.minimum, self.maximum,
            )  # fmt: skip
