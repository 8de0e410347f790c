"""One HDF5 file of samples: written atomically, verified, read with every refusal in plain words."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import h5py
import hdf5plugin
import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import require_regular
from bevatron.store.files.declared_sizes import check_declared_sizes
from bevatron.store.files.hdf5 import as_dataset, as_group, attribute_if_set, group_at
from bevatron.store.files.plain_content import check_plain_content
from bevatron.store.files.publish import publishing
from bevatron.store.shards.check import check_samples
from bevatron.store.shards.columns import Column, Dense, ElementTarget, Group, Ragged, Samples, SparseImages
from bevatron.store.shards.contract import SCHEMA_VERSION, ElementTargetInfo, GroupInfo, TargetInfo
from bevatron.store.shards.shard_metadata import (
    decode_attribute,
    describe_group,
    element_target_info,
    encode_attribute,
    group_info,
    target_info,
)
from bevatron.system_errors import system_fault

Compression = Literal["lz4", "zstd", "none"]
FILTERS: dict[str, dict[str, Any]] = {
    "lz4": dict(hdf5plugin.LZ4()),
    "zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "none": {},
}
# One file format whatever the library: bytes repeat, and all metadata carries checksums.
LIBRARY = ("v110", "v110")
CHUNK_BYTES = (1 << 18, 1 << 20)
CHUNK_ROWS = 1024
MAKE_AGAIN = "delete it and run the workflow again, which makes it again"


def write_shard(path: Path, samples: Samples, attributes: dict[str, Any], compression: Compression = "lz4") -> None:
    """Publishes `samples` as the file `path`, with `attributes` on its root.

    An attribute is a text, a number, a list of texts or numbers, or a mapping (kept as JSON text). Equal
    arguments give equal bytes. Raises UserError, and leaves nothing, when the samples break the contract
    (`check_samples`), when the file read back differs, or when the machine fails.
    """
    path = Path(path)
    check_samples(samples, path)
    datasets = _datasets_of(samples)

    def check_read_back(part: Path) -> None:
        with Shard(part) as shard:
            for name, values in datasets.items():
                if not _reads_back(shard, name, values):
                    raise UserError(
                        path,
                        f"'/{name}' reads back other than it was written",
                        "see whether the disk is well",
                    )

    # Made in memory and written in one go: HDF5 itself must not meet a full disk, which it survives badly.
    content = io.BytesIO()
    with h5py.File(content, "w", libver=LIBRARY) as file:
        file.create_group("inputs")
        file.create_group("targets")
        for name, values in datasets.items():
            _write(file, name, values, compression)
        for name, group in samples.inputs.items():
            node = file[f"inputs/{name}"]
            describe_group(as_dataset(node) if isinstance(group.column, Dense) else as_group(node), group)
        for name, parts in samples.parts.items():
            file[f"targets/{name}"].attrs["parts"] = encode_attribute(list(parts))
        for name in samples.optional:
            file[f"targets/{name}"].attrs["optional"] = encode_attribute(True)
        for name, target in samples.element_targets.items():
            attributes_of = file[f"element_targets/{name}"].attrs
            attributes_of["group"] = encode_attribute(target.group)
            if target.classes:
                attributes_of["classes"] = encode_attribute(list(target.classes))
        complete = samples.attributes | attributes | {"schema_version": SCHEMA_VERSION, "n_samples": len(samples)}
        for name, value in sorted(complete.items()):
            file.attrs[name] = encode_attribute(value)
    with publishing(path, check_read_back) as part, open(part, "wb") as file, content.getbuffer() as view:
        file.write(view)


def _reads_back(shard: "Shard", name: str, expected: np.ndarray) -> bool:
    """Whether shape and bits agree, by pieces of a chunk in one buffer, which stays in the processor's cache: NaN has
    bits too.
    """
    dataset = shard.dataset(name)
    if (dataset.shape, dataset.dtype) != (expected.shape, expected.dtype):
        return False
    rows = chunk_rows(expected[:1].nbytes)
    buffer = np.empty((min(rows, len(expected)), *expected.shape[1:]), expected.dtype)
    for start in range(0, len(expected), rows):
        piece = np.ascontiguousarray(expected[start : start + rows])
        found = buffer[: len(piece)]
        shard.read_into(name, start, start + len(piece), found)
        if not np.array_equal(_bits(found), _bits(piece)):
            return False
    return True


def _bits(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1).view(np.uint8)


def read_shard(path: Path) -> Samples:
    """All samples of a shard, and its attributes; raises UserError with the file and what is wrong with it."""
    with Shard(path) as shard:
        samples = samples_in(shard)
    check_samples(samples, Path(path))
    return samples


def samples_in(shard: "Shard") -> Samples:
    """All samples of an open shard, not yet checked."""
    return Samples(
        {name: shard.group(name) for name in shard.groups},
        {name: shard.read(f"targets/{name}") for name in shard.targets},
        shard.read("id"),
        shard.read("weight") if shard.has_weight else None,
        dict(shard.attributes),
        shard.read("event") if shard.has_event else None,
        {name: shard.read(f"observers/{name}") for name in shard.observers},
        {name: info.parts for name, info in shard.targets.items() if info.parts},
        {name: shard.element_target(name) for name in shard.element_targets},
        tuple(name for name, info in shard.targets.items() if info.optional),
    )


class Shard:
    """A published shard, opened when first needed and again in each process; its handle is never pickled."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._file: h5py.File | None = None
        self._process = 0
        self._nodes: dict[str, Any] = {}

    @property
    def file(self) -> h5py.File:
        """The open file; refuses a missing, truncated or foreign one, and one that leads into other files."""
        if self._file is None or self._process != os.getpid():
            with refusing(self.path):
                require_regular(self.path)
                # No lock: nobody writes to a published file, and many file systems of clusters have no locks.
                file = h5py.File(self.path, "r", libver=LIBRARY, locking=False, rdcc_nbytes=CHUNK_BYTES[1])
                version = attribute_if_set(file, "schema_version")
                known = bool(version == SCHEMA_VERSION)
            if not known:
                file.close()
                what = "is no shard of Bevatron's" if version is None else f"follows version {version} of the contract"
                raise UserError(self.path, f"{what}; this Bevatron reads version {SCHEMA_VERSION}", MAKE_AGAIN)
            try:
                with refusing(self.path):
                    check_plain_content(file, self.path)
                    check_declared_sizes(file, self.path)
            except UserError:
                file.close()
                raise
            self._file, self._process, self._nodes = file, os.getpid(), {}
        return self._file

    @property
    def attributes(self) -> dict[str, Any]:
        """What the shard says of itself, by name: texts, numbers, lists and mappings."""
        file = self.file
        with refusing(self.path):
            return {name: decode_attribute(value) for name, value in file.attrs.items()}

    @property
    def groups(self) -> dict[str, GroupInfo]:
        """What the input groups are, by name."""
        inputs = self._node("inputs")
        with refusing(self.path):
            return {name: group_info(inputs[name]) for name in inputs}

    @property
    def targets(self) -> dict[str, TargetInfo]:
        """What the targets are, by name."""
        targets = self._node("targets")
        with refusing(self.path):
            return {name: target_info(targets[name]) for name in targets}

    @property
    def element_targets(self) -> dict[str, ElementTargetInfo]:
        """What the targets of elements are, by name."""
        if "element_targets" not in self.file:
            return {}
        targets = self._node("element_targets")
        with refusing(self.path):
            return {name: element_target_info(as_dataset(targets[name])) for name in targets}

    @property
    def observers(self) -> list[str]:
        """The names of what goes with the samples into the predictions."""
        with refusing(self.path):
            return list(group_at(self.file, "observers")) if "observers" in self.file else []

    @property
    def has_weight(self) -> bool:
        """Whether every sample has a weight."""
        return "weight" in self.file

    @property
    def has_event(self) -> bool:
        """Whether every sample has the number of its event."""
        return "event" in self.file

    def __len__(self) -> int:
        return len(self._node("id"))

    def dataset(self, name: str) -> h5py.Dataset:
        """An HDF5 dataset by its path, e.g. 'inputs/tracks/values'."""
        return self._node(name)

    def read(self, name: str) -> np.ndarray:
        """A whole dataset by its path."""
        dataset = self._node(name)
        with refusing(self.path, f"'/{name}'"):
            return dataset[()]

    def read_into(self, name: str, start: int, stop: int, out: np.ndarray) -> None:
        """Rows start to stop of a dataset, straight into the contiguous array `out` (stop - start, ...)."""
        if stop == start:
            return
        dataset = self._node(name)
        with refusing(self.path, f"'/{name}'"):
            # As `read_direct`, whose selections take as long as reading a few chunks.
            rows, space = (stop - start, *dataset.shape[1:]), dataset.id.get_space()
            space.select_hyperslab((start, *(0 for _ in rows[1:])), rows)
            dataset.id.read(h5py.h5s.create_simple(rows), space, out)

    def group(self, name: str) -> Group:
        """An input group with all its data."""
        info, place = self.groups[name], f"inputs/{name}"
        column: Column
        match info.layout:
            case "dense":
                column = Dense(self.read(place))
            case "ragged":
                column = Ragged(self.read(f"{place}/values"), self.read(f"{place}/offsets"))
            case "sparse":
                index, value, offsets = (self.read(f"{place}/{part}") for part in ("index", "value", "offsets"))
                with refusing(self.path):
                    channels, height, width = info.shape
                column = SparseImages(index, value, offsets, (channels, height, width))
        return Group(column, info.features, info.units, info.definitions)

    def element_target(self, name: str) -> ElementTarget:
        """A target of elements with all its data."""
        info = self.element_targets[name]
        return ElementTarget(info.group, self.read(f"element_targets/{name}"), info.classes)

    def close(self) -> None:
        """Closes the file; it is opened again when it is next needed."""
        if self._file is not None and self._process == os.getpid():
            self._file.close()
        self._file, self._nodes = None, {}

    def __enter__(self) -> "Shard":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_file": None, "_process": 0, "_nodes": {}}

    def _node(self, name: str) -> Any:
        """A group or dataset, kept open: opening one again reads its index of chunks again."""
        file = self.file
        if name not in self._nodes:
            with refusing(self.path):
                if name not in file:
                    raise UserError(self.path, f"has no '/{name}'", MAKE_AGAIN)
                self._nodes[name] = file[name]
        return self._nodes[name]


@contextmanager
def refusing(path: Path, what: str = "") -> Iterator[None]:
    """Turns every way in which HDF5 fails to read a file into one UserError that names the file."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(path, "no such file", "run the workflow again, which makes it") from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if fault := system_fault(error, path):
            raise fault from error
        text = str(error)
        if "truncated" in text:
            fault = "is truncated: the file is shorter than its own header says"
        elif "signature not found" in text:
            fault = "is not an HDF5 file"
        elif what:
            fault = f"is damaged: {what} fails its checksum or cannot be decompressed"
        else:
            reason = text.strip("'\" \n") or type(error).__name__
            fault = f"is damaged: {reason.splitlines()[0]}"
        raise UserError(path, fault, MAKE_AGAIN) from error


def chunk_rows(row_bytes: int) -> int:
    """Samples in a chunk: 1,024, unless that leaves the range of 256 KiB to 1 MiB; always a power of two."""
    minimum, maximum = (max(1, limit // max(1, row_bytes)) for limit in CHUNK_BYTES)
    maximum = 1 << (maximum.bit_length() - 1)
    minimum = min(maximum, 1 << (minimum - 1).bit_length())
    return min(max(CHUNK_ROWS, minimum), maximum)


def _datasets_of(samples: Samples) -> dict[str, np.ndarray]:
    datasets: dict[str, np.ndarray] = {}
    for name, group in samples.inputs.items():
        match group.column:
            case Dense(values):
                datasets[f"inputs/{name}"] = values
            case Ragged(values, offsets):
                datasets |= {f"inputs/{name}/values": values, f"inputs/{name}/offsets": offsets}
            case SparseImages(index, value, offsets, _):
                parts = {"index": index, "value": value, "offsets": offsets}
                datasets |= {f"inputs/{name}/{part}": values for part, values in parts.items()}
    datasets |= {f"targets/{name}": target for name, target in samples.targets.items()}
    datasets |= {f"element_targets/{name}": target.values for name, target in samples.element_targets.items()}
    datasets["id"] = samples.id
    if samples.weight is not None:
        datasets["weight"] = samples.weight
    if samples.event is not None:
        datasets["event"] = samples.event
    datasets |= {f"observers/{name}": values for name, values in samples.observers.items()}
    return {name: values.astype(values.dtype.newbyteorder("<"), copy=False) for name, values in datasets.items()}


def _write(file: h5py.File, name: str, values: np.ndarray, compression: Compression) -> None:
    settings: dict[str, Any] = {"track_times": False}
    if values.size:
        rows = min(len(values), chunk_rows(values[:1].nbytes))
        settings |= {"chunks": (rows, *values.shape[1:]), "fletcher32": True} | FILTERS[compression]
    file.create_dataset(name, data=np.ascontiguousarray(values), **settings)
