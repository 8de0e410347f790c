"""A readable summary of a shard or a manifest, for `bevatron inspect`."""

import io
from pathlib import Path
from typing import Any

import h5py
from rich.console import Console
from rich.table import Table

from bevatron.errors import in_one_line
from bevatron.regular_files import is_folder
from bevatron.store.shards.contract import ElementTargetInfo, GroupInfo
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.store.shards.shard import Shard

SHOWN = 12  # features named before the rest is only counted


def inspect(path: Path) -> str:
    """What is in a shard, or in a manifest or the folder that holds it; raises UserError for other files."""
    path = Path(path)
    if is_folder(path):
        path /= "manifest.json"
    if path.suffix == ".json":
        return _text(_of_manifest(path, load_manifest(path)))
    with Shard(path) as shard:
        return _text(_of_shard(path, shard))


def _of_shard(path: Path, shard: Shard) -> list[Any]:
    sizes: dict[str, tuple[int, int]] = {}

    def measure(name: str, node: h5py.Dataset | h5py.Group) -> None:
        if isinstance(node, h5py.Dataset):
            column = "/".join(name.split("/")[:2])
            stored, full = sizes.get(column, (0, 0))
            sizes[column] = (stored + node.id.get_storage_size(), full + node.nbytes)

    shard.file.visititems(measure)
    stored, full = (sum(size[i] for size in sizes.values()) for i in (0, 1))
    head = f"{in_one_line(str(path))}: shard of {len(shard)} samples, {_bytes(path.stat().st_size)}"
    attributes = _two_columns("attribute", "value", shard.attributes.items())
    columns = _table("column", "layout", "shape", "type", "size", "ratio")
    for name, info in shard.groups.items():
        columns.add_row(*_group_row(f"inputs/{name}", info), *_ratio(sizes[f"inputs/{name}"]))
    for name, info in shard.targets.items():
        columns.add_row(f"targets/{name}", "", _shape(info.shape), info.dtype, *_ratio(sizes[f"targets/{name}"]))
    for name, of_elements in shard.element_targets.items():
        columns.add_row(*_element_row(name, of_elements), *_ratio(sizes[f"element_targets/{name}"]))
    for name in ("id", "weight", "event"):
        if name in sizes:
            columns.add_row(name, "", "", str(shard.dataset(name).dtype), *_ratio(sizes[name]))
    for name in shard.observers:
        column = f"observers/{name}"
        columns.add_row(column, "", "", str(shard.dataset(column).dtype), *_ratio(sizes[column]))
    columns.add_row("all", "", "", "", *_ratio((stored, full)))
    return [head, attributes, columns, _features(shard.groups)]


def _of_manifest(path: Path, manifest: Manifest) -> list[Any]:
    total = sum(manifest.n_samples(split) for split in manifest.splits)
    head = f"{in_one_line(str(path))}: manifest of study '{manifest.study}', {total} samples"
    facts = {
        "identity (sha256)": manifest.sha256,
        "dataset digest": manifest.dataset_digest,
        "raw digest": manifest.raw_digest,
        "code": ", ".join(f"{name} {version}" for name, version in manifest.code_versions.items()),
        "seed": manifest.seed,
        "schema version": manifest.schema_version,
        "versions": ", ".join(f"{k} {v}" for k, v in manifest.versions.items()) or "none",
    }
    if manifest.folds is not None:
        facts["cross-validation"] = f"{manifest.folds}, by the {manifest.folds.by} of each sample"
    if manifest.files:
        facts["files read"] = ", ".join(f"{name} ({digest[:12]}…)" for name, digest in manifest.files.items())
    splits = _table("split", "shards", "samples", *manifest.classes, "size")
    for split in manifest.split_names:
        entries = manifest.splits[split]
        counts = [str(count) for count in manifest.class_counts(split).values()]
        size = _bytes(sum(entry.bytes for entry in entries))
        splits.add_row(split, str(len(entries)), str(manifest.n_samples(split)), *counts, size)
    of_weights = [] if not manifest.weights else ["Weights of the samples:", _weights(manifest)]
    of_elements = [] if not manifest.element_targets else ["Elements by class:", _element_counts(manifest)]
    columns = _table("column", "layout", "shape", "type")
    for name, info in manifest.groups.items():
        columns.add_row(*_group_row(f"inputs/{name}", info))
    for name, target in manifest.targets.items():
        columns.add_row(f"targets/{name}", "", _shape(target.shape), target.dtype)
    for name, element_target in manifest.element_targets.items():
        columns.add_row(*_element_row(name, element_target))
    statistics = _table("feature", "unit", "mean", "std", "median", "16 %", "84 %", "minimum", "maximum")
    for name, features in manifest.statistics.items():
        units = dict(zip(manifest.groups[name].features, manifest.groups[name].units, strict=True))
        for feature, s in features.items():
            numbers = (s.mean, s.std, s.median, s.q16, s.q84, s.minimum, s.maximum)
            statistics.add_row(f"{name}/{feature}", units[feature], *(f"{number:.4g}" for number in numbers))
    for name in manifest.observers:
        columns.add_row(f"observers/{name}", "", "", "")
    first = [head, _two_columns("fact", "value", facts.items()), splits, *of_weights, *of_elements]
    return [*first, columns, "Train split:" if "train" in manifest.splits else "All samples:", statistics]


def _weights(manifest: Manifest) -> Table:
    table = _table("split", "sum", *manifest.classes, "effective samples", "minimum", "maximum", "negative")
    for split in manifest.split_names:
        weights = manifest.weights[split]
        sums = [f"{weights.class_sums[name]:.6g}" if weights.class_sums else "" for name in manifest.classes]
        numbers = (f"{value:.6g}" for value in (weights.effective, weights.minimum, weights.maximum))
        table.add_row(split, f"{weights.sum:.6g}", *sums, *numbers, str(weights.negative))
    return table


def _element_counts(manifest: Manifest) -> Table:
    table = _table("target", "split", "elements by class")
    for name, info in manifest.element_targets.items():
        for split in manifest.split_names if info.classes else ():
            counts = manifest.element_counts(name, split)
            table.add_row(name, split, ", ".join(f"{count} {label}" for label, count in counts.items()))
    return table


def _element_row(name: str, info: ElementTargetInfo) -> tuple[str, str, str, str]:
    of_classes = f", {len(info.classes)} classes" if info.classes else ""
    return f"element_targets/{name}", "ragged", f"of {info.group}{of_classes}", info.dtype


def _features(groups: dict[str, GroupInfo]) -> Table:
    table = _table("group", "features [units]")
    for name, info in groups.items():
        named = [
            f"{feature} [{unit}]" if unit not in ("", "1") else feature
            for feature, unit in zip(info.features, info.units, strict=True)
        ]
        more = f", and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        table.add_row(name, ", ".join(named[:SHOWN]) + more)
    return table


def _group_row(name: str, info: GroupInfo) -> tuple[str, str, str, str]:
    longest = "" if info.max_length is None else f", at most {info.max_length}"
    return name, info.layout, _shape(info.shape) + longest, info.dtype


def _ratio(size: tuple[int, int]) -> tuple[str, str]:
    stored, full = size
    return _bytes(stored), f"{full / stored:.1f}" if stored else ""


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "1"


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def _two_columns(left: str, right: str, items: Any) -> Table:
    table = _table(left, right)
    for name, value in items:
        table.add_row(str(name), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _text(parts: list[Any]) -> str:
    text = io.StringIO()
    console = Console(file=text, width=120, highlight=False, markup=False)
    for part in parts:
        console.print(part)
        console.print()
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())
