"""The recipe `function`: noisy values of y = x²."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Name, NonNegative
from bevatron.errors import UserError
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples

TRUTH = "x_squared"


@recipe("function")
class FunctionSamples:
    """Input group `x` (n, 1); targets `x_squared` (the truth) and, by name, x² + σ z at several σ, float32.

    The same z serves all noise levels, so that they differ in σ alone.
    """

    VERSION = 1

    class Options(kinds.Options):
        noise: dict[Name, NonNegative] = Field(
            {"y": 5.0},
            description="by name of the target, the standard deviation σ of its noise",
            min_length=1,
        )

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` holds the group `draw` of x and z; nothing is random, and nothing else is used. Raises UserError for
        several variables.
        """
        if len(raw.inputs["draw"].features) > 2:
            what = "makes y = x² of one variable, and the source has several"
            raise UserError("dataset.recipe", what, "use the recipe 'functions', or simulation.source.variables: 1")
        x, z = values_of(raw, "draw").astype(np.float64).T
        targets = {TRUTH: (x**2).astype(np.float32)}
        targets |= {name: (x**2 + sigma * z).astype(np.float32) for name, sigma in options.noise.items()}
        inputs = {"x": Group(Dense(x[:, None].astype(np.float32)), ("x",), ("",))}
        return Samples(inputs, targets, raw.id)
