"""A dataset on disk as one object: its manifest, and the folder in which its shards are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bevatron.errors import UserError
from bevatron.store.files.names import fold_manifest
from bevatron.store.files.verify import check_shard
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.store.shards.shard import Shard


@dataclass(frozen=True)
class Dataset:
    """A dataset that is there; `manifest` is the content of the file `manifest_path`."""

    manifest_path: Path
    manifest: Manifest

    @property
    def folder(self) -> Path:
        """Where the shards are: beside the manifest."""
        return self.manifest_path.parent

    def check_shards(self, split: str) -> list[Path]:
        """The split's shards in their order. Raises UserError for one that is not the one that the manifest lists."""
        paths = [self.folder / entry.file for entry in self.manifest.splits[split]]
        for path, entry in zip(paths, self.manifest.splits[split], strict=True):
            check_shard(path, entry, self.manifest)
        return paths

    def open_shards(self, split: str) -> Iterator[Shard]:
        """Each of the split's shards in turn, checked and open; it is closed when the next one is asked for."""
        for path in self.check_shards(split):
            with Shard(path) as shard:
                yield shard

    def check_names(self, groups: list[str], targets: list[str]) -> None:
        """Raises UserError for an input group or a target that the dataset does not have."""
        for kind, names, known in (
            ("input group", groups, self.manifest.groups),
            ("target", targets, self.manifest.targets),
        ):
            for name in names:
                if name not in known:
                    raise UserError(self.manifest_path, f"has no {kind} '{name}'", f"it has: {', '.join(known)}")

    def check_one_network(self) -> None:
        """Raises UserError for the manifest of all folds of a cross-validation, from which no network can learn."""
        folds = self.manifest.folds
        if folds is not None and folds.left_out is None:
            what = f"is the manifest of {folds}: every sample is in the test split, and none can be learned from"
            raise UserError(self.manifest_path, what, f"name that of one fold, {fold_manifest(0)} for example")


def load_dataset(manifest_path: Path, expected_dataset_digest: str | None = None) -> Dataset:
    """The dataset whose manifest is `manifest_path`; raises UserError as `load_manifest`. Shards are not read yet."""
    return Dataset(Path(manifest_path), load_manifest(manifest_path, expected_dataset_digest))
