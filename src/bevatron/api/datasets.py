"""Datasets for notebooks: columns as NumPy, pandas and awkward objects, batches as torch tensors."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bevatron.api.project import find_project
from bevatron.errors import UserError
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages
from bevatron.store.shards.contract import ElementTargetInfo, GroupInfo, TargetInfo
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.store.shards.shard import Shard, samples_in

if TYPE_CHECKING:
    import awkward as ak
    import pandas as pd


def open_dataset(dataset: str | Path, project: str | Path | None = None) -> "DatasetColumns":
    """A study's dataset by the study's name, or any dataset by the path of its folder or its `manifest.json`.

    A `str` without a slash is a name. Only the manifest is read. Raises UserError where it is missing or damaged.
    """
    if isinstance(dataset, str) and "/" not in dataset:
        path = find_project(project).results_of(dataset) / "dataset"
    else:
        path = Path(dataset)
    return DatasetColumns(load_dataset(path if path.suffix == ".json" else path / "manifest.json"))


class DatasetColumns:
    """The samples of a dataset, read when asked for.

    A split is "train", "val" or "test"; the dataset of a study with folds has "test" alone, which is all of it, and
    those of its folds are in `manifest-fold-K.json`. `groups` and `targets` name what is read (default: everything);
    `limit` is a number of samples from the split's start (default: all). Every shard is checked against its SHA-256
    before it is read; UserError names a damaged one, and a group or target that does not exist.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {self.n_samples(split)}" for split in self.splits)
        return f"<dataset of '{self.study}': {sizes}; groups {', '.join(self.groups)}>"

    @property
    def study(self) -> str:
        """The name of the study that the dataset was made for."""
        return self.dataset.manifest.study

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.dataset.manifest.splits)

    @property
    def groups(self) -> dict[str, GroupInfo]:
        """Layout, features, units and shape of each input group."""
        return dict(self.dataset.manifest.groups)

    @property
    def targets(self) -> dict[str, TargetInfo]:
        """Number type and shape of each target."""
        return dict(self.dataset.manifest.targets)

    @property
    def element_targets(self) -> dict[str, ElementTargetInfo]:
        """Number type, group and classes of each target of the elements of lists."""
        return dict(self.dataset.manifest.element_targets)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the order of their numbers; empty without classes."""
        return self.dataset.manifest.classes

    def n_samples(self, split: str) -> int:
        """How many samples a split has."""
        self._check_split(split)
        return self.dataset.manifest.n_samples(split)

    def statistics(self) -> "pd.DataFrame":
        """Mean, standard deviation, minimum, maximum and quantiles of each feature in the train split."""
        import pandas as pd

        rows = {
            (group, feature): numbers.model_dump()
            for group, features in self.dataset.manifest.statistics.items()
            for feature, numbers in features.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["group", "feature"])

    def to_numpy(
        self,
        split: str,
        groups: list[str] | None = None,
        targets: list[str] | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """Arrays by name: each group, each target, "id", and where the dataset has them "event", "weight", observers,
        and targets of elements (total,), with a value for each element of their group.

        A dense group is (n, *shape). A list is a pair of values (total, n_features) and offsets (n + 1,). Sparse images
        are filled in: (n, channels, height, width).
        """
        samples = self._samples(split, groups, targets, limit)
        arrays: dict[str, Any] = {name: _array(group) for name, group in samples.inputs.items()}
        arrays |= {name: target.values for name, target in samples.element_targets.items()}
        return arrays | _other_columns(samples)

    def to_pandas(
        self,
        split: str,
        group: str | None = None,
        targets: list[str] | None = None,
        limit: int | None = None,
    ) -> "pd.DataFrame":
        """A row for each sample, indexed by its id: "group.feature" of all dense groups of numbers, and the targets.

        With `group`, the features of that group alone, without its name; of a list a row for each element, indexed by
        the sample's id and the element's position. Targets that are not one number a sample are left out.
        """
        import pandas as pd

        self._check_names([group] if group else [], targets or [])
        flat = [name for name, info in self.groups.items() if info.layout == "dense" and len(info.shape) == 1]
        if group is not None and self.groups[group].layout == "ragged":
            return self._elements(split, group, limit)
        if group is not None and group not in flat:
            raise UserError(group, "holds images or tables, of which pandas has no form", "use to_numpy")
        samples = self._samples(split, [group] if group else flat, targets, limit)
        columns = {
            feature if group else f"{name}.{feature}": values[:, k]
            for name, values in ((name, _dense_values(part)) for name, part in samples.inputs.items())
            for k, feature in enumerate(samples.inputs[name].features)
        }
        columns |= {name: target for name, target in samples.targets.items() if target.ndim == 1}
        if samples.event is not None:
            columns["event"] = samples.event
        return pd.DataFrame(columns, index=pd.Index(samples.id, name="id"))

    def to_awkward(
        self,
        split: str,
        groups: list[str] | None = None,
        targets: list[str] | None = None,
        limit: int | None = None,
    ) -> "ak.Array":
        """A record for each sample, with a field for each group and target, and its id.

        A dense group of numbers is a record of its features, a list a list of such records, images an array.
        """
        import awkward as ak

        samples = self._samples(split, groups, targets, limit)
        fields: dict[str, Any] = {name: _awkward(group) for name, group in samples.inputs.items()}
        fields |= {name: values for name, values in _other_columns(samples).items() if name not in fields}
        return ak.zip(fields, depth_limit=1)

    def batches(
        self,
        split: str,
        batch_size: int = 256,
        groups: list[str] | None = None,
        targets: list[str] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        epoch: int = 0,
        memory_gb: float = 4.0,
    ) -> Iterator[dict[str, Any]]:
        """Batches of torch tensors on the CPU, each sample once: {"inputs": by group, "targets": by name, "id"}.

        A list is padded: a pair of values (batch, n_max, n_features) and n_valid (batch,); sparse images are filled in.
        The order is that of the shards, or with `shuffle` follows from (seed, epoch). A split of more than `memory_gb`
        is streamed from disk.
        """
        import torch

        from bevatron.models.layers.inputs import Padded
        from bevatron.store.readers.batch import RaggedBatch, pad
        from bevatron.store.readers.reader import open_split
        from bevatron.training.collate import Collate, input_groups

        self._check_split(split)
        if batch_size < 1:
            raise UserError("batch_size", f"expected at least 1, found {batch_size}")
        manifest = self.dataset.manifest
        self._check_names(groups or [], targets or [])
        collate = Collate(
            input_groups(manifest, list(manifest.groups) if groups is None else groups), torch.device("cpu")
        )
        reader = open_split(
            self.dataset.manifest_path,
            split,
            batch_size=batch_size,
            groups=groups,
            targets=targets,
            memory_budget_bytes=memory_gb * 1e9,
        )
        with reader:
            for batch in reader.epoch(seed, epoch, shuffle=shuffle):
                inputs = {
                    name: Padded(*pad(group, collate.groups[name].shape[0]))
                    if isinstance(group, RaggedBatch)
                    else group
                    for name, group in collate(batch["inputs"]).items()
                }
                yield _copy({**batch, "inputs": inputs})

    def _samples(self, split: str, groups: list[str] | None, targets: list[str] | None, limit: int | None) -> Samples:
        self._check_split(split)
        self._check_names(groups or [], targets or [])
        if limit is not None and limit < 0:
            raise UserError("limit", f"expected a number of samples, found {limit}")
        parts: list[Samples] = []
        missing = limit
        for shard in self.dataset.open_shards(split):
            part = _select(shard, groups, targets)
            if missing is not None:
                part = part.take(np.arange(min(missing, len(part))))
                missing -= len(part)
            parts.append(part)
            if missing == 0:
                break
        return _join(parts)

    def _elements(self, split: str, group: str, limit: int | None) -> "pd.DataFrame":
        import pandas as pd

        samples = self._samples(split, [group], [], limit)
        column = samples.inputs[group].column
        assert isinstance(column, Ragged)
        lengths = column.lengths
        position = np.arange(len(column.values)) - np.repeat(column.offsets[:-1], lengths)
        index = pd.MultiIndex.from_arrays([np.repeat(samples.id, lengths), position], names=["id", "position"])
        return pd.DataFrame(column.values, columns=list(samples.inputs[group].features), index=index)

    def _check_split(self, split: str) -> None:
        if split not in self.dataset.manifest.splits:
            raise UserError(self.dataset.manifest_path, f"has no split '{split}'", f"it has: {', '.join(self.splits)}")

    def _check_names(self, groups: list[str], targets: list[str]) -> None:
        self.dataset.check_names(groups, targets)


def _select(shard: Shard, groups: list[str] | None, targets: list[str] | None) -> Samples:
    if groups is None and targets is None:
        return samples_in(shard)
    return Samples(
        {name: shard.group(name) for name in (shard.groups if groups is None else groups)},
        {name: shard.read(f"targets/{name}") for name in (shard.targets if targets is None else targets)},
        shard.read("id"),
        shard.read("weight") if shard.has_weight else None,
        dict(shard.attributes),
        shard.read("event") if shard.has_event else None,
        {name: shard.read(f"observers/{name}") for name in shard.observers},
        element_targets={
            name: shard.element_target(name)
            for name, info in shard.element_targets.items()
            if targets is None and (groups is None or info.group in groups)
        },
    )


def _join(parts: list[Samples]) -> Samples:
    first = parts[0]
    if len(parts) == 1:
        return first
    return Samples(
        {name: _join_groups([part.inputs[name] for part in parts]) for name in first.inputs},
        {name: np.concatenate([part.targets[name] for part in parts]) for name in first.targets},
        np.concatenate([part.id for part in parts]),
        None if first.weight is None else np.concatenate([part.weight for part in parts if part.weight is not None]),
        first.attributes,
        None if first.event is None else np.concatenate([part.event for part in parts if part.event is not None]),
        {name: np.concatenate([part.observers[name] for part in parts]) for name in first.observers},
        element_targets={
            name: replace(target, values=np.concatenate([part.element_targets[name].values for part in parts]))
            for name, target in first.element_targets.items()
        },
    )


def _join_groups(groups: list[Group]) -> Group:
    columns = [group.column for group in groups]
    first = columns[0]
    if isinstance(first, Dense):
        column: Dense | Ragged | SparseImages = Dense(
            np.concatenate([c.values for c in columns if isinstance(c, Dense)])
        )
    elif isinstance(first, Ragged):
        lists = [c for c in columns if isinstance(c, Ragged)]
        column = Ragged(np.concatenate([c.values for c in lists]), _offsets([c.offsets for c in lists]))
    else:
        images = [c for c in columns if isinstance(c, SparseImages)]
        index, value = np.concatenate([c.index for c in images]), np.concatenate([c.value for c in images])
        column = SparseImages(index, value, _offsets([c.offsets for c in images]), first.shape)
    return Group(column, groups[0].features, groups[0].units, groups[0].definitions)


def _offsets(parts: list[np.ndarray]) -> np.ndarray:
    lengths = np.concatenate([np.diff(offsets) for offsets in parts])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def _other_columns(samples: Samples) -> dict[str, Any]:
    columns: dict[str, Any] = {**samples.targets, "id": samples.id}
    if samples.event is not None:
        columns["event"] = samples.event
    if samples.weight is not None:
        columns["weight"] = samples.weight
    return columns | {name: values for name, values in samples.observers.items() if name not in columns}


def _dense_values(group: Group) -> np.ndarray:
    """Values of a dense group of numbers, (n, n_features)."""
    if not isinstance(group.column, Dense):
        raise TypeError("the input group is not dense")
    return group.column.values


def _array(group: Group) -> Any:
    column = group.column
    if isinstance(column, Dense):
        return column.values
    if isinstance(column, Ragged):
        return column.values, column.offsets
    images = np.zeros((len(column), int(np.prod(column.shape))), column.value.dtype)
    images[np.repeat(np.arange(len(column)), np.diff(column.offsets)), column.index] = column.value
    return images.reshape(len(column), *column.shape)


def _awkward(group: Group) -> Any:
    import awkward as ak

    column = group.column
    if isinstance(column, Ragged):
        records = ak.zip({name: column.values[:, k] for k, name in enumerate(group.features)})
        return ak.unflatten(records, column.lengths)
    if isinstance(column, Dense) and column.values.ndim == 2:
        return ak.zip({name: column.values[:, k] for k, name in enumerate(group.features)})
    return ak.from_numpy(_array(group))


def _copy(value: Any) -> Any:
    """The batch in memory of its own: the reader uses its memory again."""
    if isinstance(value, dict):
        return {name: _copy(part) for name, part in value.items()}
    if isinstance(value, tuple):  # named tuples of tensors: padded lists
        return type(value)(*(_copy(part) for part in value))
    return value.clone()
