"""The stage `prepare`: from one raw shard the samples of each split, and from all of them the manifest."""

import logging
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from bevatron.config.loading.code_versions import check_code_versions, source_version, version_attributes
from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.identity import dataset_digest, dataset_settings, raw_digest
from bevatron.config.loading.kinds import RECIPES
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.prepare.split import EVENT, rows_by_split
from bevatron.store.files.names import sample_shard
from bevatron.store.shards import manifest as manifests
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.contract import SPLITS
from bevatron.store.shards.shard import read_shard, write_shard

MAX_SHARDS = 10**9

logger = logging.getLogger("bevatron")


def prepare_shard(study: DataPart, raw: Path, folder: Path) -> None:
    """Publishes `{train,val,test}-NNNN.h5` in `folder`, NNNN being the number of the raw shard.

    A split that none of the shard's events falls into is a valid shard of 0 samples; the manifest refuses one
    that is empty in all shards. Raises UserError for a raw shard that is damaged, made from another configuration
    or by another version of the source, and for a feature that is not finite.
    """
    start = perf_counter()
    events = read_shard(raw)
    _check_configuration(study, events, raw)
    shard, options = _shard_number(events, raw), study.dataset.recipe
    seed = seed_of("prepare", dataset_settings(study), shard)  # whatever the versions of source and recipe
    training = np.zeros(len(events), bool)
    training[rows_by_split(events, study.dataset.split)["train"]] = True
    samples = RECIPES[options.kind]().prepare(options, events, seed, training)

    attributes = {
        "study": study.name,
        "source": events.attributes["source"],
        "versions": events.attributes["versions"],
        "recipe": options.kind,
        "digest": dataset_digest(study),
        "raw_digest": events.attributes["digest"],
        "seed": seed,
        "shard": shard,
        **version_attributes(study),
    }
    for name in ("files", "file_list"):  # other people's, of a source that reads them
        if name in events.attributes:
            attributes[name] = events.attributes[name]
    if classes := getattr(study.task, "classes", None):
        attributes["classes"] = list(classes)
    raw_samples = _raw_of(events, samples)
    rows = rows_by_split(raw_samples, study.dataset.split)
    if EVENT in raw_samples.targets:  # the evaluation draws events, whose samples are not independent
        samples = replace(samples, event=raw_samples.targets[EVENT].astype(np.uint64))
    for split in SPLITS:
        path = Path(folder) / sample_shard(split, shard)
        write_shard(path, samples.take(rows[split]), attributes, study.dataset.compression)
    sizes = ", ".join(f"{len(rows[split])} {split}" for split in SPLITS)
    logger.info(f"shard {shard} of {study.name}: {sizes} samples in {perf_counter() - start:.1f} s")


def _shard_number(events: Samples, raw: Path) -> int:
    """The raw shard's number, which names the prepared files. Raises UserError where it is none, or where an
    attribute of raw shards is missing.
    """
    for name in ("source", "versions", "shard"):
        if name not in events.attributes:
            raise UserError(raw, f"has no attribute '{name}'", "run the simulate stage again")
    number = events.attributes["shard"]
    if type(number) is not int or not 0 <= number < MAX_SHARDS:
        raise UserError(raw, f"its attribute 'shard' is {number!r:.60}, not a shard's number", "simulate it again")
    return number


def _raw_of(events: Samples, samples: Samples) -> Samples:
    """The raw samples' targets and ids, one for each of `samples`: a recipe may leave some away."""
    if np.array_equal(events.id, samples.id):
        rows = np.arange(len(samples))
    else:
        order = np.argsort(events.id)
        rows = order[np.searchsorted(events.id, samples.id, sorter=order)]
    return Samples({}, {name: target[rows] for name, target in events.targets.items()}, samples.id)


def write_manifest(study: DataPart, folder: Path) -> None:
    """Publishes `folder`/manifest.json over the shards of all splits. Raises UserError as `build_manifest`
    does.
    """
    built = manifests.build_manifest(folder, study)
    manifests.write_manifest(Path(folder) / "manifest.json", built)
    for split in SPLITS:
        for name in built.groups:
            if built.is_empty(name, split):
                logger.warning(f"{study.name}, {split}: '{name}' is empty in all samples")
        counts = built.class_counts(split)
        classes = f" ({', '.join(f'{count} {name}' for name, count in counts.items())})" if counts else ""
        size = sum(entry.bytes for entry in built.splits[split]) / 1e6
        logger.info(f"{study.name}, {split}: {built.n_samples(split)} samples{classes}, {size:.1f} MB")


def _check_configuration(study: DataPart, events: Samples, raw: Path) -> None:
    check_code_versions(raw, events.attributes, source_version(study))
    expected, digest = raw_digest(study), events.attributes.get("digest")
    if digest != expected:
        raise UserError(
            raw,
            f"was made from another configuration: its digest is {str(digest)[:12]}, the study '{study.name}' "
            f"as configured now has {expected[:12]}",
            "run the simulate stage again, or undo the change to the study's section simulation",
        )
