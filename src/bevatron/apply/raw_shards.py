"""Raw shards of a study's own source as inputs of its networks, by the study's recipe."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bevatron.config.loading.kinds import RECIPES
from bevatron.config.loading.whole_dataset import recipe_needs_totals
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.raw.raw_events import read_raw
from bevatron.raw.split import EVENT, events_of
from bevatron.regular_files import is_file
from bevatron.store.shards.unlabelled import UnlabelledRows


def read_raw_shards(
    data: DataPart, paths: Sequence[Path], sums: dict[str, np.ndarray], observers: list[str] | None
) -> Iterator[Iterator[UnlabelledRows]]:
    """For each shard its raw samples in their order, as one step: a shard is what fits into memory.

    passed: those that the recipe makes a sample of. Columns: id, event where samples share one, and the observers.
    Raises UserError as `read_raw`, and for an observer that the shards do not have.
    """
    for path in paths:
        if not is_file(path):
            raise UserError(path, "no such file", "run `bevatron simulate`, which makes it")
    return (iter([_rows_of(data, path, sums, observers)]) for path in paths)


def _rows_of(data: DataPart, path: Path, sums: dict[str, np.ndarray], observers: list[str] | None) -> UnlabelledRows:
    raw = read_raw(data, path)
    known = raw.events.observers
    for name in observers or ():
        if name not in known:
            raise UserError(path, f"has no observer '{name}'", f"it has: {', '.join(known) or 'none'}")
    options, recipe = data.dataset.recipe, RECIPES[data.dataset.recipe.kind]
    keep_all = getattr(recipe, "without_resampling", None)
    totals = {"totals": sums} if recipe_needs_totals(data) else {}
    chosen = options if keep_all is None else keep_all(options)
    samples = recipe().prepare(chosen, raw.events, raw.seed, raw.training, **totals)
    ids = raw.events.id
    order = np.argsort(ids, kind="stable")
    rows = order[np.searchsorted(ids, samples.id, sorter=order)]
    if len(np.unique(rows)) < len(rows):
        raise UserError(path, "the recipe makes several samples of one raw sample", "apply cannot tell them apart")
    passed = np.zeros(len(ids), bool)
    passed[rows] = True
    columns = {"id": ids}
    if EVENT in raw.events.targets:
        columns[EVENT] = raw.events.targets[EVENT].astype(np.uint64)
    columns |= {name: known[name] for name in (known if observers is None else observers)}
    return UnlabelledRows(passed, samples.take(np.argsort(rows, kind="stable")), columns, events_of(raw.events))
