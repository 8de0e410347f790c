"""HDF5: a dataset for each column."""

from pathlib import Path

import h5py
import numpy as np

from bevatron.apply.writers.writer import Writer
from bevatron.errors import UserError

CHUNK_ROWS = 16_384


class Hdf5Writer(Writer):
    """Datasets at the root of the file, without compression, with the checksums of HDF5."""

    def __init__(self, path: Path, dtypes: dict[str, np.dtype]):
        self._file, self._n = h5py.File(path, "w", locking=False, track_order=True), 0
        layout = {"maxshape": (None,), "chunks": (CHUNK_ROWS,), "fletcher32": True, "track_times": False}
        self._datasets: dict[str, h5py.Dataset] = {}
        for name, dtype in dtypes.items():
            plain = name.replace("/", "_")  # HDF5 would make a group of what is before it
            if plain in self._file:
                self._file.close()
                raise UserError(path, f"'{name}' and another column would both be '{plain}'", "choose another format")
            self._datasets[name] = self._file.create_dataset(plain, (0,), dtype, **layout)

    def write(self, columns: dict[str, np.ndarray]) -> None:
        """Adds rows to every dataset."""
        first = self._n
        self._n += len(next(iter(columns.values())))
        for name, values in columns.items():
            self._datasets[name].resize((self._n,))
            self._datasets[name][first:] = values

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
