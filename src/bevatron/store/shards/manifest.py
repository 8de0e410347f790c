"""The manifest: what a dataset is, shard by shard, in one JSON file that later stages take as input."""

import logging
from pathlib import Path

from pydantic import Field, ValidationError

from bevatron.config.loading.code_versions import check_manifest_versions
from bevatron.config.loading.digest import digest_of
from bevatron.config.sections.section import Name
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.store.files.plain_names import Digest, FileName
from bevatron.store.files.publish import publish_json
from bevatron.store.records.folds import Folds
from bevatron.store.records.record import Record
from bevatron.store.shards.contract import SCHEMA_VERSION, SPLITS, ElementTargetInfo, GroupInfo, TargetInfo
from bevatron.store.shards.statistics import FeatureStatistics
from bevatron.store.shards.target_statistics import TargetStatistics
from bevatron.store.shards.weights import WeightStatistics

PREPARE_AGAIN = "run the prepare stage again, which makes it again"

log = logging.getLogger("bevatron")


class ShardEntry(Record):
    """One shard of a split."""

    file: FileName = Field(description="file name, beside the manifest")
    sha256: Digest = Field(description="SHA-256 of the file")
    bytes: int = Field(description="size of the file", strict=True, ge=0)
    samples: int = Field(description="number of samples", strict=True, ge=0, lt=2**48)
    class_counts: dict[str, int] = Field(
        default={},
        description="samples of each class; in a detection, samples with a box of it, in a segmentation with a pixel "
        "of it, of labels those that have it",
    )
    elements: dict[str, int] = Field(
        description="elements of each ragged group, stored pixels of each group of sparse images"
    )
    element_counts: dict[str, dict[str, int]] = Field(
        default={}, description="by target of elements, the elements of each class"
    )


class Manifest(Record):
    """A dataset: its shards, what they hold, what they were made from. No times, hosts or absolute paths."""

    schema_version: int = Field(description="version of the HDF5 contract and of this file")
    study: Name = Field(description="name of the study")
    dataset_digest: str = Field(description="digest of the settings and the code that the samples depend on")
    raw_digest: str = Field(description="digest of the settings and the code that the raw shards depend on")
    code_versions: dict[str, int] = Field(description="versions of the source, the recipe and the division into splits")
    seed: int = Field(description="seed of the simulation")
    versions: dict[str, str] = Field(description="versions of what made the raw events")
    files: dict[str, str] = Field(
        default={}, description="SHA-256 of the files, simulated elsewhere, that were read; by path"
    )
    approximations: str = Field(default="", description="what the recipe leaves out of nature, in words")
    classes: tuple[str, ...] = Field(
        description="class names in the order of their numbers, or labels in their order; none in a regression"
    )
    groups: dict[str, GroupInfo] = Field(description="input groups")
    targets: dict[str, TargetInfo] = Field(description="targets")
    element_targets: dict[str, ElementTargetInfo] = Field(
        default={}, description="targets of the elements of lists and of the pixels of sparse images"
    )
    weighted: bool = Field(default=False, description="whether every sample carries a weight")
    weights: dict[str, WeightStatistics] = Field(
        default={}, description="of each split, what its samples' weights add up to; none: samples have no weights"
    )
    observers: tuple[str, ...] = Field(
        default=(), description="names of what goes with the samples into the predictions and never to a network"
    )
    folds: Folds | None = Field(
        default=None,
        description="of a cross-validation, which fold is left out; the manifest of all has no train split",
    )
    splits: dict[str, tuple[ShardEntry, ...]] = Field(
        description="shards of train, val and test, in their order; of a systematic variation those of test alone"
    )
    statistics: dict[str, dict[str, FeatureStatistics]] = Field(
        description="by group and feature, of the train split (in the manifest of all folds of the test split): "
        "mean, std, minimum and maximum of all samples; "
        "median, q16 and q84 of the first 10,000 samples of each shard, thinned out evenly where these are more than "
        "48 million numbers; over the elements of ragged groups and the stored pixels of sparse images"
    )
    target_statistics: dict[str, tuple[TargetStatistics, ...]] = Field(
        default={},
        description="of a regression: by target, of each of its numbers over the train split, all samples alike",
    )
    sha256: str = Field(default="", description="digest of everything else in this file: the identity of the dataset")

    def with_checksum(self) -> "Manifest":
        """The same manifest with the digest of its content."""
        return self.model_copy(update={"sha256": self.content_digest()})

    def content_digest(self) -> str:
        """Digest of everything but `sha256`."""
        content = self.model_dump(mode="json", exclude={"sha256"})
        # One without files, weights, observers and so on keeps the digest it had before there were such fields.
        for name in ("files", "weights", "observers", "target_statistics", "folds", "element_targets"):
            if not content[name]:
                del content[name]
        for target in content["targets"].values():
            for name in ("parts", "optional"):
                if not target[name]:
                    del target[name]
        for entry in (entry for entries in content["splits"].values() for entry in entries):
            if not entry["element_counts"]:
                del entry["element_counts"]
        return digest_of("manifest", content)

    @property
    def split_names(self) -> tuple[str, ...]:
        """Those that it has of train, val and test, in this order."""
        return tuple(split for split in SPLITS if split in self.splits)

    @property
    def n_raw_shards(self) -> int:
        """Shards of raw events that the samples were made from: each split, or part of a fold, has one for each."""
        if self.folds is None:
            return len(self.splits["test"])
        return len({entry.file.rpartition("-")[2] for entries in self.splits.values() for entry in entries})

    def n_samples(self, split: str) -> int:
        """Samples of the split."""
        return sum(entry.samples for entry in self.splits[split])

    def is_empty(self, group: str, split: str) -> bool:
        """Whether no sample of the split has an element of the list, or a pixel of the sparse images, `group`."""
        return self.groups[group].layout != "dense" and not any(entry.elements[group] for entry in self.splits[split])

    def class_counts(self, split: str) -> dict[str, int]:
        """Samples of each class in the split; in a detection those with a box of it, of a label those that have it."""
        return {name: sum(e.class_counts[name] for e in self.splits[split]) for name in self.classes}

    def target_info(self, name: str) -> TargetInfo:
        """Form of a target of samples or of elements, of these of one element. Raises KeyError for an unknown name."""
        if name in self.targets:
            return self.targets[name]
        return TargetInfo(dtype=self.element_targets[name].dtype, shape=())

    def element_counts(self, target: str, split: str) -> dict[str, int]:
        """Elements of each class of a target of elements in the split, in the order of the classes' numbers."""
        classes = self.element_targets[target].classes
        return {name: sum(e.element_counts[target][name] for e in self.splits[split]) for name in classes}


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Publishes the manifest, atomically; equal manifests give equal bytes."""
    publish_json(path, manifest.model_dump(mode="json", exclude=None if manifest.folds else {"folds"}))


def load_manifest(path: Path, expected_dataset_digest: str | None = None) -> Manifest:
    """The manifest in `path`; UserError when it is missing, damaged or changed.

    With the digest that a stage expects, also when it is of another configuration or made by other code.
    """
    path = Path(path)
    try:
        payload = read_json(path)
    except FileNotFoundError:
        raise UserError(path, "no such file", "run the prepare stage, which makes it") from None
    except ValueError as error:
        raise UserError(path, f"is no JSON: {error}", PREPARE_AGAIN) from None
    version = payload.get("schema_version") if isinstance(payload, dict) else None
    if version != SCHEMA_VERSION:
        found = "is no manifest of Bevatron's" if version is None else f"follows version {version} of the contract"
        raise UserError(path, f"{found}; this Bevatron reads version {SCHEMA_VERSION}", PREPARE_AGAIN)
    if "code_versions" not in payload:
        what = "does not say which versions of source and recipe made its samples, as an older Bevatron's"
        raise UserError(path, what, "run the stages simulate and prepare again")
    try:
        manifest = Manifest.model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(path, f"{key}: {first['msg']}", PREPARE_AGAIN) from None
    if manifest.sha256 != manifest.content_digest():
        raise UserError(path, "its content does not match its own digest: it was changed or damaged", PREPARE_AGAIN)
    if manifest.weighted and not manifest.weights and expected_dataset_digest is not None:
        raise UserError(path, "does not say what its samples' weights add up to, as an older Bevatron's", PREPARE_AGAIN)
    if expected_dataset_digest not in (None, manifest.dataset_digest):
        check_manifest_versions(path, manifest.code_versions)
        raise UserError(
            path,
            f"is the manifest of another configuration: it was made with dataset digest "
            f"{manifest.dataset_digest[:12]}, the study as configured now has {expected_dataset_digest[:12]}",
            "run the prepare stage again, or undo the change to the study's simulation or dataset",
        )
    return manifest
