"""The recipe `functions`: values of functions of several variables, written as formulas in the study file."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Name
from bevatron.errors import UserError
from bevatron.expressions import parse
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples

WHERE = "dataset.recipe.functions"


@recipe("functions")
class FunctionsSamples:
    """An input group (n, 1) float32 for each variable of the source, by its name; targets, by name, the functions'
    values (n,) float32 without noise; where a formula is a condition, 1 inside of the region and 0 outside.

    The formulas are those of `bevatron.expressions`, over the variables in float64.
    """

    VERSION = 1

    class Options(kinds.Options):
        functions: dict[Name, str] = Field(
            description="by name of the target, a formula of the source's variables: x of one, x1, x2, ... of several",
            min_length=1,
        )

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `function`; nothing is random. Raises UserError for a formula that cannot be
        read, knows no such variable, or is not finite on some point.
        """
        *names, _ = raw.inputs["draw"].features  # the last is the noise
        variables = dict(zip(names, values_of(raw, "draw").astype(np.float64).T, strict=False))
        targets = {name: _values(name, text, variables) for name, text in options.functions.items()}
        inputs = {name: Group(Dense(x[:, None].astype(np.float32)), (name,), ("",)) for name, x in variables.items()}
        return Samples(inputs, targets, raw.id)


def _values(name: str, text: str, variables: dict[str, np.ndarray]) -> np.ndarray:
    where = f"{WHERE}.{name}"
    n = len(next(iter(variables.values())))
    values = np.asarray(parse(text, where, list(variables)).evaluate(variables))
    if values.dtype.kind not in "biuf" or values.shape not in ((), (n,)):
        raise UserError(where, "is not one number for each point", "write a formula whose value is a number")
    with np.errstate(over="ignore"):  # beyond float32: infinite, and refused below
        values = np.broadcast_to(values, n).astype(np.float32)  # a constant is a function too
    if wrong := int(n - np.isfinite(values).sum()):
        raise UserError(where, f"is not finite on {wrong:,} of {n:,} points", "change the formula, or low and high")
    return values
