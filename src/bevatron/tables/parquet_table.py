"""Parquet files, by pyarrow: row groups are read whole, and nothing else."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import open_regular, require_regular
from bevatron.system_errors import system_fault
from bevatron.tables.table import Column, EventTable


class ParquetTable(EventTable):
    """One Parquet file; fields of a record are columns with a dot in their names."""

    def __init__(self, path: Path):
        self.path = path
        require_regular(path)
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise UserError(
                "pyarrow", "is not installed, and reads Parquet", "pip install 'bevatron[formats]'"
            ) from None
        self._pa = pa
        with ExitStack() as stack, self._faults():
            # pyarrow takes only names that are UTF-8
            self._raw = stack.enter_context(open_regular(path))
            self._file = pq.ParquetFile(self._raw, memory_map=False)
            metadata = self._file.metadata
            self.n_rows = metadata.num_rows
            sizes = [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]
            self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            self.columns = {}
            names = self._file.schema_arrow.names
            self._root_names = frozenset(names)  # of thousands of columns, once
            if len(self._root_names) < len(names):
                repeated = next(name for name, count in Counter(names).items() if count > 1)
                raise UserError(path, f"has several columns '{repeated}'", "rename one of them")
            for field in self._file.schema_arrow:
                self._add(field.name, field.type)
            stack.pop_all()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()

    def _add(self, name: str, kind: Any) -> None:
        types = self._pa.types
        if types.is_struct(kind):
            for field in kind:
                self._add(f"{name}.{field.name}", field.type)
        elif types.is_list(kind) or types.is_large_list(kind):
            if types.is_struct(kind.value_type):
                for field in kind.value_type:
                    self._add_list(f"{name}.{field.name}", field.type)
            else:
                self._add_list(name, kind.value_type)
        elif types.is_fixed_size_list(kind):
            if dtype := self._number(kind.value_type):
                self.columns[name] = Column("array", dtype, (kind.list_size,))
        elif types.is_dictionary(kind):
            self._add(name, kind.value_type)
        elif types.is_string(kind) or types.is_large_string(kind):
            self.columns[name] = Column("text", "str")
        elif dtype := self._number(kind):
            self.columns[name] = Column("number", dtype)

    def _add_list(self, name: str, kind: Any) -> None:
        if dtype := self._number(kind):
            self.columns[name] = Column("list", dtype)

    def _number(self, kind: Any) -> str:
        types = self._pa.types
        if types.is_boolean(kind):
            return "bool"
        return str(np.dtype(kind.to_pandas_dtype())) if types.is_integer(kind) or types.is_floating(kind) else ""

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        with self._faults():
            roots = list(dict.fromkeys(name if name in self._roots() else name.rpartition(".")[0] for name in names))
            read = self._file.read_row_groups(list(range(first, last)), columns=[*dict.fromkeys([*names, *roots])])
            rows = read.slice(start - int(self._starts[first]), stop - start)
            return {name: self._values(rows, name) for name in names}

    def _roots(self) -> frozenset[str]:
        return self._root_names

    def _values(self, rows: Any, name: str) -> Any:
        import awkward as ak

        column = self.columns[name]
        root, *fields = [name] if name in self._roots() else name.split(".")
        values = rows.column(root)
        if self._pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if column.kind == "number" and not fields:
            return self._numbers(values, column)
        if column.kind == "text" and not fields:
            return np.asarray(["" if v is None else str(v) for v in values.to_pylist()], object)
        array = ak.from_arrow(values)
        for field in fields:
            array = array[field]
        array = ak.fill_none(array, [], axis=0) if column.kind == "list" else array
        if column.kind == "list":
            return ak.fill_none(array, np.nan, axis=1) if ak.any(ak.is_none(array, axis=1)) else array
        if column.kind == "text":
            return np.asarray(["" if v is None else str(v) for v in array.to_list()], object)
        return ak.to_numpy(ak.fill_none(array, np.nan) if ak.any(ak.is_none(array)) else array, allow_missing=False)

    @staticmethod
    def _numbers(values: Any, column: Column) -> np.ndarray:
        """Missing numbers are NaN."""
        if values.null_count:
            return np.asarray(values.cast("float64").to_numpy(zero_copy_only=False), np.float64)
        return np.asarray(values.to_numpy(zero_copy_only=False), column.dtype)

    def _faults(self) -> "_Faults":
        return _Faults(self.path)


class _Faults:
    """Every way in which pyarrow fails to read a file, as one UserError that names it."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, BaseException) and (fault := system_fault(error, self._path)):
            raise fault from None
        if isinstance(error, Exception) and not isinstance(error, UserError):
            reason = " ".join(str(error).split())[:120]
            raise UserError(self._path, f"is no Parquet file, or damaged: {reason}", "fetch it again") from None
