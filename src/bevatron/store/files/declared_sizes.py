"""What a shard's header declares must be in the file: memory is given out by the header, before any value is read.

HDF5 keeps the shape of a dataset apart from its values. Those that were never written read as zeros, so that a file
of a kilobyte can declare a petabyte; compressed zeros do the same with a little more. Bevatron writes every value.
"""

import math
from pathlib import Path

import h5py

from bevatron.errors import UserError
from bevatron.store.files.hdf5 import attribute_if_set

FREE_BYTES = 1 << 30  # so much may be declared by any file
MOST_COMPRESSED = 256  # beyond it, declared bytes for each byte of the file: LZ4 cannot reach that
AGAIN = "delete it and run the workflow again, which makes it again"


def check_declared_sizes(file: h5py.File, path: Path) -> None:
    """Raises UserError, naming the dataset of the open file, for one whose values the file does not hold, for more
    declared bytes than the file could have been compressed from, for another number of samples than `/id` has,
    and for another number of values of an element target than its group has elements.
    """
    total, held = 0, path.stat().st_size
    datasets = _datasets(file)
    for name, dataset in datasets.items():
        declared, written = math.prod(dataset.shape) * dataset.dtype.itemsize, dataset.id.get_storage_size()
        if dataset.chunks is None:
            whole = written >= declared
        else:
            counts = [-(-length // part) for length, part in zip(dataset.shape, dataset.chunks, strict=True)]
            whole = declared == 0 or dataset.id.get_num_chunks() == math.prod(counts)
            declared = math.prod(counts) * math.prod(dataset.chunks) * dataset.dtype.itemsize
        if not whole or written > held:
            words = " × ".join(map(str, dataset.shape))
            raise UserError(path, f"'{name}' declares {words} values that the file does not hold", AGAIN)
        total += declared
    if total > FREE_BYTES and total > MOST_COMPRESSED * held:
        raise UserError(path, f"declares {total:,} bytes of values in a file of {held:,} bytes", AGAIN)
    _check_lengths(file, datasets, path)


def _check_lengths(file: h5py.File, datasets: dict[str, h5py.Dataset], path: Path) -> None:
    ids = datasets.get("/id")
    if ids is None or ids.ndim != 1:
        return  # refused by whoever reads it
    n = len(ids)
    declared = attribute_if_set(file, "n_samples")
    if declared is not None and not (getattr(declared, "shape", ()) == () and declared == n):
        raise UserError(path, f"its attribute 'n_samples' is {str(declared)[:40]}, and '/id' has {n}", AGAIN)
    for name, dataset in datasets.items():
        first = dataset.shape[0] if dataset.ndim else None
        _, part, *names = name.split("/")
        if name == "/weight" or part == "targets" or (part == "inputs" and len(names) == 1):
            expected = n
        elif part == "inputs" and names[-1] == "offsets":
            expected = n + 1
        elif part == "element_targets":
            _check_elements(name, dataset, datasets, path)
            continue
        else:
            continue
        if first != expected:
            raise UserError(path, f"'{name}' has {first} entries for {n} samples", AGAIN)


def _check_elements(name: str, target: h5py.Dataset, datasets: dict[str, h5py.Dataset], path: Path) -> None:
    """A target of elements has a value for each element of its group: readers take both from the same places."""
    group = attribute_if_set(target, "group")
    group = group.decode(errors="replace") if isinstance(group, bytes) else str(group)
    values = datasets.get(f"/inputs/{group}/values", datasets.get(f"/inputs/{group}/value"))  # of lists, of images
    if values is None or not values.ndim:
        raise UserError(path, f"'{name}' is of the group '{group[:40]}', and there are no such lists", AGAIN)
    if target.shape != (len(values),):
        found = " × ".join(map(str, target.shape)) or "one"
        raise UserError(path, f"'{name}' has {found} entries for the {len(values)} elements of '{group[:40]}'", AGAIN)


def _datasets(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """All datasets by their path. `check_plain_content` has seen to it that they are few levels deep."""
    datasets = {}
    for name in group:
        item = group[name]
        if isinstance(item, h5py.Group):
            datasets |= _datasets(item)
        else:
            datasets[f"{(group.name or '').rstrip('/')}/{name}"] = item
    return datasets
