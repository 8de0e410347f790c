"""CSV with a header, by pyarrow: missing numbers are nan, truth values true and false."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from bevatron.apply.writers.writer import Writer


class CsvWriter(Writer):
    """A line for each row; numbers have as many digits as tell them apart."""

    def __init__(self, path: Path, dtypes: dict[str, np.dtype]):
        self._schema = pa.schema([(name, pa.from_numpy_dtype(dtype)) for name, dtype in dtypes.items()])
        self._writer = pc.CSVWriter(str(path), self._schema)

    def write(self, columns: dict[str, np.ndarray]) -> None:
        """Adds lines."""
        arrays = [pa.array(values) for values in columns.values()]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()
