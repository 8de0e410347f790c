"""Parquet, by pyarrow."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bevatron.apply.writers.writer import Writer


class ParquetWriter(Writer):
    """A row group for each block."""

    def __init__(self, path: Path, dtypes: dict[str, np.dtype]):
        self._schema = pa.schema([(name, pa.from_numpy_dtype(dtype)) for name, dtype in dtypes.items()])
        self._writer = pq.ParquetWriter(str(path), self._schema)

    def write(self, columns: dict[str, np.ndarray]) -> None:
        """Adds a row group."""
        if len(next(iter(columns.values()))):
            arrays = [pa.array(values) for values in columns.values()]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()
