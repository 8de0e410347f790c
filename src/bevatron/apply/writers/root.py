"""A TTree, by uproot."""

from pathlib import Path

import numpy as np
import uproot

from bevatron.apply.writers.writer import NAME, Writer


class RootWriter(Writer):
    """The tree `scores`, a branch for each column."""

    def __init__(self, path: Path, dtypes: dict[str, np.dtype]):
        self._file = uproot.recreate(path)
        self._tree = self._file.mktree(NAME, dtypes)

    def write(self, columns: dict[str, np.ndarray]) -> None:
        """Adds a basket to each branch."""
        if len(next(iter(columns.values()))):
            self._tree.extend(columns)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
