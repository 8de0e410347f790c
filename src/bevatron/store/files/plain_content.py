"""What a shard must not hold: ways out of its own file, and values that are no numbers.

An HDF5 file may point into other files (external links, virtual datasets, external storage), and HDF5 follows them
without a word: a shard from elsewhere could so read what its maker may not, and would hold other samples wherever
its neighbours differ. Nothing that Bevatron writes has any of these.
"""

from pathlib import Path

import h5py

from bevatron.errors import UserError

DEPTH = 3  # /inputs/<group>/values
NUMBERS = "biuf"  # numpy's kinds: booleans, integers, floating point
ASK = "take the shard from somebody you trust, or copy its values into the file (h5repack, h5copy)"


def check_plain_content(file: h5py.File, path: Path) -> None:
    """Raises UserError, naming the first object of the open file that leads elsewhere or holds no numbers."""
    _check_group(file, path, 1)


def _check_group(group: h5py.Group, path: Path, level: int) -> None:
    for name in group:
        item_path = f"{(group.name or '').rstrip('/')}/{name}"
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise UserError(path, f"'{item_path}' is an external link to '{link.filename}'", ASK)
        if not isinstance(link, h5py.HardLink):
            raise UserError(path, f"'{item_path}' is a link of a kind that shards do not have", ASK)
        item = group[name]
        if isinstance(item, h5py.Group):
            if level >= DEPTH:
                raise UserError(path, f"'{item_path}' lies deeper than anything in a shard", ASK)
            _check_group(item, path, level + 1)
        else:
            _check_dataset(item, item_path, path)


def _check_dataset(item: object, item_path: str, path: Path) -> None:
    if not isinstance(item, h5py.Dataset):
        raise UserError(path, f"'{item_path}' is a named type, not data", ASK)
    if item.is_virtual:
        files = sorted({source.file_name for source in item.virtual_sources()})
        raise UserError(path, f"'{item_path}' is a virtual dataset over {', '.join(files)}", ASK)
    if item.external:
        raise UserError(path, f"'{item_path}' keeps its values in another file, '{item.external[0][0]}'", ASK)
    if item.dtype.kind not in NUMBERS:
        raise UserError(path, f"'{item_path}' holds {_describe_type(item)}, not numbers", ASK)


def _describe_type(item: h5py.Dataset) -> str:
    if h5py.check_ref_dtype(item.dtype) is not None:
        return "object references"
    if h5py.check_string_dtype(item.dtype) is not None:
        return "texts"
    return f"values of type {item.dtype}"
