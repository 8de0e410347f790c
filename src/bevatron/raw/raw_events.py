"""A raw shard, with what preparing it needs beside its events."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bevatron.config.loading.code_versions import check_code_versions, source_version
from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.identity import dataset_settings, raw_digest
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.raw.split import rows_by_use
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.shard import read_shard

MAX_SHARDS = 10**9


@dataclass(frozen=True)
class RawEvents:
    """The events of a raw shard, its number, its seed, and which events (n,) bool are of the training split, or
    with folds are learned from where their own fold is not left out.
    """

    events: Samples
    shard: int
    seed: int
    training: np.ndarray

    def of(self, samples: Samples) -> Samples:
        """The raw samples but their inputs, one for each of `samples`: a recipe may leave some away."""
        if np.array_equal(self.events.id, samples.id):
            rows = np.arange(len(samples))
        else:
            order = np.argsort(self.events.id)
            rows = order[np.searchsorted(self.events.id, samples.id, sorter=order)]
        return replace(self.events, inputs={}, element_targets={}).take(rows)

    def rows_of(self, study: DataPart, samples: Samples) -> dict[str, np.ndarray]:
        """The rows of `samples` in each split, or with folds by their use."""
        return rows_by_use(self.of(samples), study.dataset)


def read_raw(study: DataPart, path: Path) -> RawEvents:
    """A raw shard of the study. Raises UserError for one that is damaged, made from another configuration or by another
    version of the source.
    """
    events = read_shard(path)
    _check_configuration(study, events, path)
    shard = _shard_number(events, path)
    seed = seed_of("prepare", dataset_settings(study.nominal), shard)  # whatever the versions, or the variation
    training = np.zeros(len(events), bool)
    training[rows_by_use(events, study.dataset)["train"]] = True
    return RawEvents(events, shard, seed, training)


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
