"""The recipe `table`: samples of the source `table`, with means for the values that are missing."""

from dataclasses import replace

import numpy as np

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Section
from bevatron.errors import UserError
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.contract import INDICATOR_OF

ABOUT_SAMPLES = ("event", "split", "selected")  # targets that say where a sample belongs, and are not learned


@recipe("table")
class TableRecipe:
    """Groups, targets, weights and observers of the mapping in `simulation.source`.

    A missing value whose policy is `mean` becomes the feature's mean over the training split, of the elements that
    exist and have it; the feature `<name>_missing` says where.
    """

    VERSION = 1
    UNLABELLED = True  # prepares samples without targets too, which `bevatron apply` has

    class Options(kinds.Options):
        pass

    @staticmethod
    def needs_totals(options: Options, source: Section) -> bool:
        """Whether a feature's missing values become its mean."""
        return any(policy.policy == "mean" for policy in getattr(source, "missing", {}).values())

    def count(
        self, options: Options, raw: Samples, seed: int, training: np.ndarray, n_shards: int
    ) -> dict[str, np.ndarray]:
        """By `group.feature`, the sum of the values that are not missing in the training split, and their number."""
        learned = raw.take(np.flatnonzero(training))
        found = {}
        for name, group in learned.inputs.items():
            for feature, value, indicator in _indicated(group):
                values = _values(group)
                there = values[:, indicator] == 0.0
                found[f"{name}.{feature}"] = np.array([values[there, value].sum(dtype=np.float64), there.sum()])
        return found

    def prepare(
        self,
        options: Options,
        raw: Samples,
        seed: int,
        training: np.ndarray,
        totals: dict[str, np.ndarray] | None = None,
    ) -> Samples:
        """`raw` is a shard of the source `table`; nothing is random. totals: sums of `count` over all shards."""
        inputs = {name: _filled(name, group, totals or {}) for name, group in raw.inputs.items()}
        targets = {name: values for name, values in raw.targets.items() if name not in ABOUT_SAMPLES}
        others = {"observers": raw.observers, "parts": raw.parts, "optional": raw.optional}
        return Samples(inputs, targets, raw.id, raw.weight, element_targets=raw.element_targets, **others)


def _indicated(group: Group) -> list[tuple[str, int, int]]:
    """The features with an indicator: their name, their column and the indicator's."""
    if not group.definitions:
        return []
    return [
        (group.features[k - 1], k - 1, k)
        for k in range(1, len(group.features))
        if group.definitions[k] == INDICATOR_OF.format(feature=group.features[k - 1])
    ]


def _values(group: Group) -> np.ndarray:
    """(rows, n_features): samples, or elements of lists."""
    assert isinstance(group.column, Dense | Ragged)
    return group.column.values


def _filled(name: str, group: Group, totals: dict[str, np.ndarray]) -> Group:
    indicated = _indicated(group)
    if not indicated:
        return group
    values = _values(group).copy()
    for feature, value, indicator in indicated:
        total, number = totals[f"{name}.{feature}"]
        if number == 0:
            what = f"'{name}.{feature}' is missing in all of the training split, so that it has no mean"
            raise UserError("simulation.source.missing", what, "leave this feature out, or set a constant")
        values[values[:, indicator] != 0.0, value] = total / number
    return replace(group, column=replace(group.column, values=values))
