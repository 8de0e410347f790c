"""Names of classes that an HDF5 file gives beside a label: an attribute of the column's name, as UPP writes it."""

from pathlib import Path

import h5py
import numpy as np

from bevatron.tables.hdf5_table import faults


def class_names(path: Path, tree: str, column: str) -> list[str]:
    """The names in the order of the label's numbers; empty where the file says none. Raises UserError as readers do."""
    group, _, field = column.rpartition(".")
    place = "/".join(part for part in (tree.strip("/"), group.replace(".", "/")) if part) or "/"
    with faults(path), h5py.File(path, "r", locking=False) as file:
        for node in (file.get(place), file.get(f"{place}/{field}"), file):
            names = node.attrs.get(field) if isinstance(node, h5py.Group | h5py.Dataset) else None
            if isinstance(names, np.ndarray | list) and len(names):
                texts = [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names]
                if all(isinstance(text, str) for text in texts):
                    return [str(text) for text in texts]
    return []
