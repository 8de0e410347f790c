"""Single features of the test split, read shard by shard without a network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.store.shards.columns import Column, Dense, Ragged, SparseImages
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.shard import Shard


class TestColumns:
    """The test split's shards, verified against the manifest when opened; or those of several splits, one after the
    other.
    """

    __test__ = False  # pytest: no test of ours

    def __init__(self, dataset: Dataset, splits: Sequence[str] = ("test",)):
        self.manifest, self.path = dataset.manifest, dataset.manifest_path
        self._shards = [path for split in splits for path in dataset.check_shards(split)]

    def target(self, name: str) -> np.ndarray:
        """A target by name: (n, ...)."""
        self._check_known("target", name, self.manifest.targets)
        return np.concatenate([self._read(shard, f"targets/{name}") for shard in self._shards])

    def ids(self) -> np.ndarray:
        """(n,) uint64."""
        return np.concatenate([self._read(shard, "id") for shard in self._shards])

    def events(self) -> np.ndarray:
        """The number of each sample's event, (n,) uint64; its id where the dataset knows of no events."""
        return np.concatenate([self._event(shard) for shard in self._shards])

    def weights(self) -> np.ndarray | None:
        """The weight of each sample, (n,) float64; None where the dataset has none."""
        if not self.manifest.weighted:
            return None
        return np.concatenate([self._read(shard, "weight") for shard in self._shards]).astype(np.float64)

    def observer(self, name: str) -> np.ndarray:
        """An observer by name: (n,)."""
        self._check_known("observer", name, self.manifest.observers)
        return np.concatenate([self._read(shard, f"observers/{name}") for shard in self._shards])

    def images(self, group: str, rows: list[int]) -> list[np.ndarray]:
        """The images of a group at some rows of the split: each (channels, height, width) float64."""
        images: dict[int, np.ndarray] = {}
        start = 0
        for path in self._shards:
            with Shard(path) as shard:
                n = len(shard)
                selected = [row for row in rows if start <= row < start + n]
                if selected:
                    column = shard.group(group).column.take(np.array(selected) - start)
                    images |= {row: _image(column, k) for k, row in enumerate(selected)}
            start += n
        return [images[row] for row in rows]

    def feature(self, group: str, feature: str, position: int | None = None) -> np.ndarray:
        """One feature of a group: (n,) float64.

        Of a list, the element at `position`, NaN for samples with fewer elements. Raises UserError for names
        the dataset does not have, and for a feature that is not one number a sample.
        """
        self._check_known("input group", group, self.manifest.groups)
        info = self.manifest.groups[group]
        self._check_known(f"feature of '{group}'", feature, info.features)
        where = f"{group}.{feature}"
        if (info.layout == "ragged") != (position is not None):
            expected = "is a list's and needs a" if info.layout == "ragged" else "is no list's and takes no"
            raise UserError(self.path, f"'{where}' {expected} position", "fix the study's evaluation")
        if info.layout == "sparse" or (info.layout == "dense" and len(info.shape) > 1):
            raise UserError(self.path, f"'{where}' is not one number a sample", "name a feature of another group")
        column = info.features.index(feature)
        return np.concatenate([self._column(shard, group, column, position) for shard in self._shards])

    def find_feature(self, feature: str) -> np.ndarray | None:
        """The first dense feature of that name in any group, if there is one: (n,) float64."""
        for group, info in self.manifest.groups.items():
            if feature in info.features and info.layout == "dense" and len(info.shape) <= 1:
                return self.feature(group, feature)
        return None

    def unit(self, group: str, feature: str) -> str:
        """Unit of the feature; '' of a pure number."""
        info = self.manifest.groups[group]
        unit = info.units[info.features.index(feature)]
        return "" if unit == "1" else unit

    @staticmethod
    def _read(path: Path, name: str) -> np.ndarray:
        with Shard(path) as shard:
            return shard.read(name)

    @staticmethod
    def _event(path: Path) -> np.ndarray:
        with Shard(path) as shard:
            return shard.read("event" if shard.has_event else "id")

    @staticmethod
    def _column(path: Path, group: str, column: int, position: int | None) -> np.ndarray:
        with Shard(path) as shard:
            match shard.group(group).column:
                case Dense(values):
                    return values.reshape(len(values), -1)[:, column].astype(np.float64)
                case Ragged(values, offsets):
                    present = np.diff(offsets) > position
                    elements = np.full(len(present), np.nan)
                    elements[present] = values[offsets[:-1][present] + position, column]
                    return elements
                case SparseImages():
                    raise AssertionError("refused by feature()")

    def _check_known(self, kind: str, name: str, known) -> None:
        if name not in known:
            raise UserError(
                self.path,
                f"the dataset has no {kind} '{name}'{did_you_mean(name, known)}",
                f"it has: {', '.join(known)}",
            )


def _image(column: Column, k: int) -> np.ndarray:
    if isinstance(column, Dense):
        return column.values[k].astype(np.float64)
    if isinstance(column, Ragged):
        raise TypeError("the input group has lists, expected images")
    image = np.zeros(column.shape)
    pixels = slice(column.offsets[k], column.offsets[k + 1])
    image.ravel()[column.index[pixels]] = column.value[pixels]
    return image
