"""Builds a manifest: every shard of a dataset is read, checked, and compared with the others."""

import logging
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.loading.code_versions import check_code_versions, code_versions
from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.store.files.names import sample_shard
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.folds import Folds
from bevatron.store.shards.boxes import counts_of_boxes
from bevatron.store.shards.check import check_samples
from bevatron.store.shards.columns import Dense, Samples
from bevatron.store.shards.contract import SCHEMA_VERSION, SPLITS, TOTALS, ElementTargetInfo, GroupInfo, TargetInfo
from bevatron.store.shards.distinct import DistinctIds
from bevatron.store.shards.element_targets import counts_of_elements, counts_of_images
from bevatron.store.shards.labels import counts_of_labels
from bevatron.store.shards.manifest import PREPARE_AGAIN, Manifest, ShardEntry
from bevatron.store.shards.shard import Shard, samples_in
from bevatron.store.shards.split_sums import SplitSums, add_shard
from bevatron.store.shards.target_form import TARGET_FORMS, check_target_form
from bevatron.store.shards.weights import check_sums

Uses = Sequence[tuple[SplitSums, str]]
AGREED = ("study", "source", "versions", "digest", "classes", "approximations", TOTALS)

log = logging.getLogger("bevatron")


def build_manifest(folder: Path, study: DataPart, splits: Sequence[str] = SPLITS) -> Manifest:
    """The manifest of the shards `{train,val,test}-0000.h5 ...` in `folder`, one for each raw shard of the
    study. splits: those that there are; the test split alone of a variation, whose statistics are then in it.

    Every shard is read and checked; `build_fold_manifests` does it for a study with folds. Raises UserError for a
    missing or damaged shard, one of another configuration or made by another version of source or recipe, one whose
    groups, targets, observers, classes or versions differ from the others', one with weights among others without, an
    id that repeats, a class (or a split) without samples, or one whose weights do not add up to more than zero.
    """
    folder = Path(folder)
    entries: dict[str, list[ShardEntry]] = {split: [] for split in splits}
    with DistinctIds(folder, lambda name: ids_in(folder / name)) as ids:
        builder = Builder(study, ids, SplitSums("train" if "train" in splits else "test"))
        for split in splits:
            names = [sample_shard(split, number) for number in range(study.simulation.shards)]
            tell_others(folder, split, names)
            entries[split] = [builder.add(folder / name, split) for name in names]
        ids.finish()
    builder.tell_unused_weights(folder)
    manifest = builder.manifest(entries)
    check_not_empty(manifest, folder, study)
    return manifest


def tell_others(folder: Path, split: str, names: list[str]) -> None:
    """Says which shards of the split in the folder are not among those of the study, whose `names` are given."""
    if others := sorted({path.name for path in folder.glob(f"{split}-*.h5")} - set(names)):
        log.warning("%s: %s: not among the study's %d shards, left out", folder, ", ".join(others), len(names))


def ids_in(path: Path) -> np.ndarray:
    """The ids of a shard's samples, (n,) uint64."""
    with Shard(path) as shard:
        return shard.read("id")


class Builder:
    """What the shards seen so far have in common; their ids go to `ids`."""

    def __init__(self, study: DataPart, ids: DistinctIds, sums: SplitSums | None = None):
        self.study, self.digest, self.ids = study, dataset_digest(study), ids
        self.code_versions = code_versions(study)
        self.classes = tuple(getattr(study.task, "classes", ()))
        self.first: tuple[Path, dict[str, Any]] | None = None
        self.longest: dict[str, int] = {}
        self.sums = sums or SplitSums()
        self.event_weights: list[tuple[float, float]] = []  # smallest and largest of the raw events of each shard
        self.files: dict[str, str] = {}
        self.names_of_files: dict[str, str] = {}  # by SHA-256
        self.file_lists: set[str | None] = set()

    def add(self, path: Path, uses: str | Uses) -> ShardEntry:
        """Reads and checks a shard; raises UserError where it does not fit to those before it.

        uses: the split that it is in; of several manifests the sums of each, with its split there.
        """
        with Shard(path) as shard:
            samples, groups, targets = samples_in(shard), shard.groups, shard.targets
        counts = self.include(path, uses, samples, groups, targets)
        return ShardEntry(
            file=path.name,
            sha256=sha256_of(path),
            bytes=path.stat().st_size,
            samples=len(samples),
            class_counts=counts,
            elements=elements_of(samples),
            element_counts=counts_of_elements(samples),
        )

    def include(
        self,
        path: Path,
        uses: str | Uses,
        samples: Samples,
        groups: dict[str, GroupInfo],
        targets: dict[str, TargetInfo],
    ) -> dict[str, int]:
        """All of `add` but reading: checks the samples that `path` holds, and returns how many are of each class."""
        check_samples(samples, path)
        self._agrees(path, samples, groups, targets)
        self._check_target(path, targets)
        self.ids.add(path.name, samples.id)
        self._same_files(path, samples.attributes)
        low, high = np.asarray(samples.attributes.get("event_weights", (1.0, 1.0)), np.float64)
        self.event_weights.append((float(low), float(high)))
        counts, task = self._counts(path, samples), self.study.task
        classes = self.classes if task.kind not in ("detection", "multi_label", "segmentation") else ()
        numbers = samples.targets[task.target] if classes else None
        of_manifests = [(self.sums, uses)] if isinstance(uses, str) else uses
        add_shard(of_manifests, samples, task.kind == "regression", classes, numbers)
        return counts

    def _check_target(self, path: Path, targets: dict[str, TargetInfo]) -> None:
        """Refuses a target that the task cannot learn; labels are the classes of a multi-label task."""
        task = self.study.task
        if task.kind not in TARGET_FORMS or task.target not in targets:
            return
        check_target_form(path, task, task.target, targets[task.target])
        if task.kind == "multi_label":
            self.classes = targets[task.target].names

    def _agrees(
        self, path: Path, samples: Samples, groups: dict[str, GroupInfo], targets: dict[str, TargetInfo]
    ) -> None:
        """Refuses a shard of another configuration, or one that differs from the first shard."""
        check_code_versions(path, samples.attributes, self.code_versions)
        shard_digest = samples.attributes.get("digest")
        if shard_digest != self.digest:
            raise UserError(
                path,
                f"was made with dataset digest {str(shard_digest)[:12]}, "
                f"the study as configured now has {self.digest[:12]}",
                PREPARE_AGAIN,
            )
        if TOTALS not in samples.attributes and needs_totals(self.study):
            what = "was made without the sums over all raw shards, which balancing or missing values need"
            raise UserError(path, what, PREPARE_AGAIN)
        for name, info in groups.items():
            self.longest[name] = max(self.longest.get(name, 0), info.max_length or 0)
        form: dict[str, Any] = {key: samples.attributes.get(key) for key in AGREED}
        form["groups"] = {name: info.model_copy(update={"max_length": None}) for name, info in groups.items()}
        form |= {"targets": targets, "weight": samples.weight is not None, "event": samples.event is not None}
        form["observers"] = sorted(samples.observers)
        form["element_targets"] = {
            name: ElementTargetInfo(group=target.group, dtype=str(target.values.dtype), classes=target.classes)
            for name, target in samples.element_targets.items()
        }
        if self.first is None:
            self.first = (path, form)
        for key, expected in self.first[1].items():
            if form[key] != expected and key == "weight":
                what = "weights, and those of {} have none" if form[key] else "no weights, and those of {} have some"
                todo = "give all samples of the dataset weights (1 where there is none), or none of them"
                raise UserError(path, f"its samples have {what.format(self.first[0].name)}", todo)
            if form[key] != expected:
                raise UserError(
                    path,
                    f"its {key} differ from those of {self.first[0].name}: {form[key]} and {expected}",
                    PREPARE_AGAIN,
                )
        if self.study.task.kind == "multi_label":
            return  # its labels are the parts of its target
        if self.classes and list(form["classes"] or []) != list(self.classes):
            raise UserError(path, f"its classes are {form['classes']}, the task's {list(self.classes)}", PREPARE_AGAIN)

    def _same_files(self, path: Path, attributes: dict[str, Any]) -> None:
        """Refuses shards that were read from different contents of one file, or from other files."""
        again = "run the simulate stage again for all shards"
        for name, digest in attributes.get("files", {}).items():
            if self.files.setdefault(name, digest) != digest:
                what = f"was read from another content of '{name}' than the shards before it: the file has changed"
                raise UserError(path, what, again)
            if (other := self.names_of_files.setdefault(digest, name)) != name:
                what = f"'{other}' and '{name}' have the same content: its samples count twice, in other splits perhaps"
                raise UserError("simulation.source.files", what, f"leave one of them out, and {again}")
        self.file_lists.add(attributes.get("file_list"))
        if len(self.file_lists) > 1:
            what = "was read from other files than the shards before it: some were added, taken away or renamed"
            raise UserError(path, what, again)

    def _counts(self, path: Path, samples: Samples) -> dict[str, int]:
        name = self.study.task.target
        if not self.classes and self.study.task.kind != "multi_label":
            return {}
        if self.study.task.kind == "segmentation":
            return counts_of_images(path, name, samples, self.classes)
        if name not in samples.targets:
            known = ", ".join(samples.targets) or "none"
            near = get_close_matches(name, samples.targets, n=1)
            todo = (f"did you mean '{near[0]}'? " if near else "") + f"targets found: {known}"
            raise UserError(path, f"has no target '{name}', which the task names", todo)
        if self.study.task.kind == "detection":
            return counts_of_boxes(path, name, samples.targets[name], self.classes)
        if self.study.task.kind == "multi_label":
            return counts_of_labels(path, name, samples.targets[name], self.classes)
        numbers = samples.targets[name]
        wrong = (numbers < 0) | (numbers >= len(self.classes)) | (numbers != numbers.astype(np.int64))
        if wrong.any():
            row = int(wrong.argmax())
            raise UserError(
                path,
                f"target '{name}', row {row}: found the class number {numbers[row]}, expected 0 to "
                f"{len(self.classes) - 1}",
                "fix the recipe, or list every class in the study's task",
            )
        counts = np.bincount(numbers.astype(np.int64), minlength=len(self.classes))
        return {label: int(count) for label, count in zip(self.classes, counts, strict=True)}

    def tell_unused_weights(self, folder: Path) -> None:
        """Says so where the raw events have weights that differ, within or between shards, and samples have none."""
        minimum, maximum = min(low for low, _ in self.event_weights), max(high for _, high in self.event_weights)
        if minimum != maximum and self.first is not None and not self.first[1]["weight"]:
            log.warning(
                "%s: the events' weights differ, and are not used: they go from %g to %g over all shards; "
                "name the weight in simulation.source.weight to use it",
                folder, minimum, maximum,
            )  # fmt: skip

    def manifest(
        self, entries: dict[str, list[ShardEntry]], sums: SplitSums | None = None, folds: Folds | None = None
    ) -> Manifest:
        """The manifest of shards that were added; entries: what `add` returned, by split; sums: of these."""
        sums = self.sums if sums is None else sums
        if self.first is None:
            raise ValueError("a manifest needs a shard, and none was added")
        _, form = self.first
        return Manifest(
            schema_version=SCHEMA_VERSION,
            study=self.study.name,
            dataset_digest=self.digest,
            raw_digest=raw_digest(self.study),
            code_versions=self.code_versions,
            seed=self.study.simulation.seed,
            versions={k: str(v) for k, v in (form["versions"] or {}).items()},
            files=dict(sorted(self.files.items())),
            approximations=str(form["approximations"] or ""),
            classes=self.classes,
            groups={
                name: info if info.layout == "dense" else info.model_copy(update={"max_length": self.longest[name]})
                for name, info in form["groups"].items()
            },
            targets=form["targets"],
            element_targets=form["element_targets"],
            weighted=form["weight"],
            weights={split: sums.weights()[split] for split in entries if split in sums.weights()},
            observers=form["observers"],
            folds=folds,
            splits={split: tuple(shards) for split, shards in entries.items()},
            statistics=sums.statistics(),
            target_statistics=sums.target_statistics(),
        ).with_checksum()


def elements_of(samples: Samples) -> dict[str, int]:
    """Elements of each ragged group, and stored pixels of each group of sparse images."""
    columns = {name: group.column for name, group in samples.inputs.items()}
    return {name: int(column.offsets[-1]) for name, column in columns.items() if not isinstance(column, Dense)}


def check_not_empty(manifest: Manifest, folder: Path, study: DataPart) -> None:
    """Raises UserError, naming the split and the class, where a manifest has none of it."""
    more = "simulate more events (simulation.shards or the source's options), or change dataset.split"
    if manifest.folds is not None:
        more = "read more events, or set fewer dataset.folds"
    of_fold = "" if manifest.folds is None else f" of {manifest.folds}"
    if study.dataset.balance is not None:
        more += ", or choose wider bins in dataset.balance"
    elif getattr(study.dataset.recipe, "resampling", None) is not None:
        more += ", or choose wider bins in dataset.recipe.resampling (null keeps all)"
    for split in manifest.split_names:
        if manifest.n_samples(split) == 0:
            raise UserError(folder, f"the {split} split{of_fold} has no sample", more)
        for name, count in manifest.class_counts(split).items():
            if count == 0 and study.task.kind != "segmentation":  # of which a class may have no pixel
                raise UserError(folder, f"class '{name}' is empty: no sample of it in the {split} split{of_fold}", more)
        if split in manifest.weights:
            check_sums(manifest.weights[split], f"{split} split{of_fold}", folder)
