"""The recipe `histograms`: lists of points become images, a histogram of each pair of their features."""

from itertools import combinations
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Name, Real
from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

Interval = tuple[Real, Real]


@recipe("histograms")
class Histograms:
    """Input group `correlations` (n, pairs, bins, bins): a two-dimensional histogram of each pair of the features of a
    list, as the fraction of the list's elements in each bin. The pair's first feature rises from the top row down, its
    second from left to right. An element beyond the range counts in the bin at the border, so that every image's sum
    is 1, or 0 for an empty list.

    Two further groups hold what is left without the images: `marginals` (n, features × bins), the histograms of single
    features, and `coefficients` (n, pairs), the linear correlation coefficients (Pearson's; 0 where a feature does not
    vary). The other groups of the source stay as they are, the lists themselves do not; nor do the targets change.
    """

    VERSION = 1
    UNLABELLED = True  # prepares samples without targets too, which `bevatron apply` has

    class Options(kinds.Options):
        group: Name = Field(default="points", description="input group of the source that holds the lists")
        features: list[str] = Field(default=[], description="features to pair, in this order; default: all")
        bins: Annotated[int, Field(ge=2, le=1_000, strict=True)] = Field(
            default=16, description="bins of each feature, pixels a side of an image"
        )
        range: Interval = Field(default=(-3.0, 3.0), description="interval of a feature that the bins divide")
        ranges: dict[str, Interval] = Field(default={}, description="by feature, where it has another interval")

        @model_validator(mode="after")
        def _ranges_rise(self) -> "Histograms.Options":
            for name, (low, high) in {"range": self.range, **self.ranges}.items():
                if low >= high:
                    raise ValueError(f"{name}: must rise, found {low:g} and {high:g}")
            if len(set(self.features)) < len(self.features) or len(self.features) == 1:
                raise ValueError("features: name two or more different ones")
            return self

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of any source with lists; nothing is random."""
        group, column = _find_lists(raw, options.group)
        names = options.features or list(group.features)
        for name in [*names, *options.ranges]:
            if name not in group.features:
                near = did_you_mean(name, group.features)
                raise UserError(
                    "dataset.recipe.features",
                    f"'{options.group}' has no feature '{name}'{near}",
                    f"choose from {', '.join(group.features)}",
                )
        if len(names) < 2:
            raise UserError("dataset.recipe.group", f"'{options.group}' has one feature", "pairs need two or more")
        n, bins = len(raw), options.bins
        if not np.isfinite(column.values[:, [group.features.index(name) for name in names]]).all():
            raise UserError(
                "dataset.recipe.group", f"'{options.group}' has values that are not finite", "a bin needs numbers"
            )
        owner = np.repeat(np.arange(n), column.lengths)
        values = {name: column.values[:, group.features.index(name)].astype(np.float64) for name in names}
        index = {name: _bin_numbers(x, options.ranges.get(name, options.range), bins) for name, x in values.items()}
        pairs = list(combinations(names, 2))
        share = 1.0 / np.maximum(column.lengths, 1)[:, None]
        images = np.empty((n, len(pairs), bins, bins), np.float32)
        for k, (a, b) in enumerate(pairs):
            counts = _count((owner * bins + index[a]) * bins + index[b], n, bins * bins)
            images[:, k] = (counts * share).reshape(n, bins, bins)
        marginals = [(_count(owner * bins + index[name], n, bins) * share).astype(np.float32) for name in names]
        coefficients = np.stack([_correlate(values[a], values[b], owner, n) for a, b in pairs], axis=1)
        channels = tuple(f"{a}_{b}" for a, b in pairs)
        inputs = {name: other for name, other in raw.inputs.items() if name != options.group} | {
            "correlations": Group(Dense(images), channels, ("",) * len(pairs)),
            "marginals": Group(
                Dense(np.concatenate(marginals, axis=1)),
                tuple(f"{name}_{k}" for name in names for k in range(bins)),
                ("",) * (len(names) * bins),
            ),
            "coefficients": Group(Dense(coefficients.astype(np.float32)), channels, ("",) * len(pairs)),
        }
        return Samples(inputs, raw.targets, raw.id, raw.weight, raw.attributes, raw.event, raw.observers, raw.parts)


def _find_lists(raw: Samples, name: str) -> tuple[Group, Ragged]:
    group = raw.inputs.get(name)
    if group is None or not isinstance(group.column, Ragged):
        lists = [key for key, other in raw.inputs.items() if isinstance(other.column, Ragged)]
        found = "no group of this name" if group is None else "no lists"
        raise UserError(
            "dataset.recipe.group",
            f"the source has {found}: '{name}'{did_you_mean(name, lists) if group is None else ''}",
            f"choose from {', '.join(lists)}" if lists else "use a source with lists",
        )
    return group, group.column


def _bin_numbers(x: np.ndarray, interval: Interval, bins: int) -> np.ndarray:
    """Numbers of equal bins from 0, (elements,) int64, beyond the interval those at its borders."""
    low, high = interval
    return np.clip(np.floor((x - low) / (high - low) * bins), 0, bins - 1).astype(np.int64)


def _count(cell: np.ndarray, n: int, cells: int) -> np.ndarray:
    """How often each of n × cells cells occurs: (n, cells)."""
    return np.bincount(cell, minlength=n * cells).reshape(n, cells)


def _correlate(a: np.ndarray, b: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """Pearson's coefficient of each list, (n,)."""
    size = np.maximum(np.bincount(owner, minlength=n), 1)

    def mean(x: np.ndarray) -> np.ndarray:
        return np.bincount(owner, x, n) / size

    da, db = a - mean(a)[owner], b - mean(b)[owner]
    widths = np.sqrt(mean(da**2) * mean(db**2))
    return np.divide(mean(da * db), widths, out=np.zeros(n), where=widths > 0)
