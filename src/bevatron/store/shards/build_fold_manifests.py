"""Builds the manifests of a cross-validation: one for each fold, over the same shards, and one of all folds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.store.files.names import fold_part, sample_shard
from bevatron.store.records.folds import Folds
from bevatron.store.shards.build_manifest import Builder, check_not_empty, ids_in, tell_others
from bevatron.store.shards.contract import SPLITS
from bevatron.store.shards.distinct import DistinctIds
from bevatron.store.shards.folds import fold_of, use_of
from bevatron.store.shards.manifest import PREPARE_AGAIN, Manifest, ShardEntry
from bevatron.store.shards.shard import Shard
from bevatron.store.shards.split_sums import SplitSums


@dataclass
class _Listed:
    """A manifest that is being made: the fold that it leaves out (None: all), its sums, and its shards by split."""

    left_out: int | None
    sums: SplitSums
    entries: dict[str, list[ShardEntry]] = field(default_factory=dict)


def build_fold_manifests(folder: Path, study: DataPart) -> tuple[Manifest, list[Manifest]]:
    """The manifest of all folds, and that of each fold, of the shards `fold-K-{train,val}-0000.h5 ...` in `folder`.

    In the manifest of fold f the test split is all of fold f; train and val are those parts of the other folds, whose
    statistics alone are in it. That of all folds has a test split only, every sample once, in the order of the folds,
    and the statistics of all of it. Every shard is read once. Raises UserError as `build_manifest`, also for a fold
    without a sample of some class in one of its splits, and for a shard with an event that is not of its fold.
    """
    folder, k = Path(folder), study.dataset.folds
    if k is None:
        raise ValueError("the study has no folds")
    whole = _Listed(None, SplitSums("test", k + 1), {"test": []})
    of_folds = [_Listed(f, SplitSums("train", k + 1), {split: [] for split in SPLITS}) for f in range(k)]
    by: Literal["event", "id"] = "id"
    with DistinctIds(folder, lambda name: ids_in(folder / name)) as ids:
        builder = Builder(study, ids)
        for fold in range(k):
            for part in study.dataset.fold_parts:
                names = [sample_shard(fold_part(fold, part), number) for number in range(study.simulation.shards)]
                tell_others(folder, fold_part(fold, part), names)
                used = [(m, use) for m in (whole, *of_folds) if (use := use_of(part, fold, m.left_out)) is not None]
                for name in names:
                    entry = builder.add(folder / name, [(m.sums, use) for m, use in used])
                    by = _check_fold(folder / name, fold, k)
                    for m, use in used:
                        m.entries[use].append(entry)
        ids.finish()
    builder.tell_unused_weights(folder)
    manifests = [builder.manifest(m.entries, m.sums, Folds(k=k, by=by, left_out=m.left_out)) for m in of_folds]
    of_all = Folds(k=k, by=by, manifests=tuple(manifest.sha256 for manifest in manifests))
    together = builder.manifest(whole.entries, whole.sums, of_all)
    for manifest in (together, *manifests):
        check_not_empty(manifest, folder, study)
    return together, manifests


def _check_fold(path: Path, fold: int, k: int) -> Literal["event", "id"]:
    """By which number the shard's samples are cut into folds; raises UserError where one is of another fold."""
    with Shard(path) as shard:
        by: Literal["event", "id"] = "event" if shard.has_event else "id"
        folds = fold_of(shard.read(by), k)
    wrong = np.flatnonzero(folds != fold)
    if len(wrong):
        what = f"row {wrong[0]}: the {by} is of fold {folds[wrong[0]]}, expected fold {fold} of {k}"
        raise UserError(path, what, PREPARE_AGAIN)
    return by
