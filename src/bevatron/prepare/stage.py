"""The stage `prepare`: from one raw shard the samples of each split, and from all of them the manifest."""

import logging
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.identity import dataset_digest
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.prepare.balance import Cells, balanced
from bevatron.raw.prepare_samples import Totals, prepare_samples, read_totals
from bevatron.raw.raw_events import read_raw
from bevatron.raw.split import EVENT, rows_by_shard, rows_by_use
from bevatron.store.files.names import fold_manifest, sample_shard
from bevatron.store.shards.build_fold_manifests import build_fold_manifests
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.contract import SPLITS, TOTALS
from bevatron.store.shards.manifest import Manifest
from bevatron.store.shards.manifest import write_manifest as publish_manifest
from bevatron.store.shards.shard import write_shard

logger = logging.getLogger("bevatron")


def prepare_shard(study: DataPart, raw: Path, folder: Path, totals: Path | None = None) -> None:
    """Publishes `{train,val,test}-NNNN.h5` in `folder`, NNNN being the number of the raw shard; of a cross-validation
    `fold-K-{train,val}-NNNN.h5` for each fold K, and where a balancing leaves samples out `fold-K-test-NNNN.h5`; of a
    variation `test-NNNN.h5` alone, with the totals of the nominal dataset.

    totals: the sums over all raw shards, of a study that needs them (`whole_dataset.needs_totals`). A split that none
    of the shard's events falls into is a valid shard of 0 samples; the manifest refuses one that is empty in all
    shards. Raises UserError for a raw shard that is damaged, made from another configuration or by another version of
    the source, for totals that are missing, and for a feature that is not finite.
    """
    start = perf_counter()
    sums = _totals_for(study, totals)
    shard = read_raw(study, raw)
    events, options = shard.events, study.dataset.recipe
    samples = prepare_samples(study, shard, sums)

    attributes = {
        "study": study.name,
        "source": events.attributes["source"],
        "versions": events.attributes["versions"],
        "recipe": options.kind,
        "digest": dataset_digest(study),
        "raw_digest": events.attributes["digest"],
        "seed": shard.seed,
        "shard": shard.shard,
        **version_attributes(study),
    }
    for name in ("files", "file_list", "event_weights"):  # other people's, of a source that reads them
        if name in events.attributes:
            attributes[name] = events.attributes[name]
    if sums.digest:
        attributes[TOTALS] = sums.digest
    if classes := getattr(study.task, "classes", None):
        attributes["classes"] = list(classes)
    raw_samples = shard.of(samples)
    rows = rows_by_use(raw_samples, study.dataset)
    if EVENT in raw_samples.targets:  # the evaluation draws events, whose samples are not independent
        samples = replace(samples, event=raw_samples.targets[EVENT].astype(np.uint64))
    if sums.balance is not None:
        cells = Cells.of(study)
        seed = seed_of("balance", study.name, study.simulation.seed)  # however the files are divided into shards
        samples, rows = balanced(cells, cells.factors(sums.balance), samples, rows, seed)
    shards = rows_by_shard(raw_samples, study.dataset, rows)
    for name, selected in shards.items():
        if study.variation and name != "test":
            continue
        path = Path(folder) / sample_shard(name, shard.shard)
        write_shard(path, samples.take(selected), attributes, study.dataset.compression)
    sizes = ", ".join(f"{len(rows[split])} {split}" for split in SPLITS)
    if study.dataset.folds is not None:  # each sample is also tested on
        sizes = f"{len(rows['test'])} in {study.dataset.folds} folds ({sizes})"
    logger.info(f"shard {shard.shard} of {study.name}: {sizes} samples in {perf_counter() - start:.1f} s")


def _totals_for(study: DataPart, path: Path | None) -> Totals:
    if not needs_totals(study):
        if path is not None:
            raise UserError("--totals", f"the study '{study.name}' needs none", "leave the option out")
        return Totals()
    if path is None:
        what = f"a shard of '{study.name}' needs sums over all raw shards, for balancing or missing values"
        raise UserError("--totals", what, "run `bevatron totals` and name its file")
    return read_totals(study, path)


def write_manifest(study: DataPart, folder: Path) -> None:
    """Publishes `folder`/manifest.json over the shards of all splits, and of a cross-validation before it
    `manifest-fold-K.json` for each fold K. Raises UserError as `build_manifest` does: then none is published.
    """
    if study.dataset.folds is None:
        built = build_manifest(folder, study, ("test",) if study.variation else SPLITS)
    else:
        built, of_folds = build_fold_manifests(folder, study)
        for fold, manifest in enumerate(of_folds):
            publish_manifest(Path(folder) / fold_manifest(fold), manifest)
            _tell(f"{study.name}, {manifest.folds}", manifest)
    publish_manifest(Path(folder) / "manifest.json", built)
    _tell(study.name if built.folds is None else f"{study.name}, {built.folds}", built)


def _tell(what: str, manifest: Manifest) -> None:
    """How large each split is, and which of its groups are empty."""
    for split in manifest.split_names:
        for name in manifest.groups:
            if manifest.is_empty(name, split):
                logger.warning(f"{what}, {split}: '{name}' is empty in all samples")
        counts = manifest.class_counts(split)
        classes = f" ({', '.join(f'{count} {name}' for name, count in counts.items())})" if counts else ""
        size = sum(entry.bytes for entry in manifest.splits[split]) / 1e6
        logger.info(f"{what}, {split}: {manifest.n_samples(split)} samples{classes}, {size:.1f} MB")
