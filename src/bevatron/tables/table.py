"""What every file of events is to Bevatron: columns by name, of equal length, read in ranges of rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

from bevatron.errors import UserError

Kind = Literal["number", "text", "list", "array"]


@dataclass(frozen=True)
class Column:
    """What is known of a column before its values are read.

    kind: one number a row, one text a row, a list of numbers of any length, or an array of a fixed `shape`; dtype: the
    number type, in numpy's words.
    """

    kind: Kind
    dtype: str
    shape: tuple[int, ...] = ()


class Table(ABC):
    """An open file of events; `columns` by name, `n_rows` of them.

    A column whose last axis is longer than one also has parts: `X.0` is the first of each row's values of `X`.
    """

    path: Path
    columns: dict[str, Column]
    n_rows: int
    refused: Mapping[str, str] = MappingProxyType({})  # by name of what is there and cannot be read as a column, why

    def read(self, names: Iterable[str], start: int, stop: int) -> dict[str, Any]:
        """Rows start to stop (excluded) of the columns: numpy arrays (rows,), (rows, *shape), or awkward lists.

        Raises UserError for a column that the file lacks, and for content that is damaged.
        """
        names = list(dict.fromkeys(names))
        whole = {name: self._whole(name) for name in names}
        values = self._read(list(dict.fromkeys(whole.values())), start, stop)
        for column, found in values.items():
            if len(found) != stop - start:
                what = f"has {len(found)} rows of '{column}' where it says that there are {stop - start}"
                raise UserError(self.path, what, "the file is damaged: fetch it again")
        return {name: _part(values[column], name, column) for name, column in whole.items()}

    def steps(self, names: Iterable[str], start: int, stop: int | None, rows: int) -> Iterator[dict[str, Any]]:
        """The same, up to `rows` rows at a time; `stop` None: to the end."""
        stop = self.n_rows if stop is None else min(stop, self.n_rows)
        for first in range(start, stop, rows):
            yield self.read(names, first, min(first + rows, stop))

    def find(self, name: str) -> Column:
        """The column, or the part of one, of that name. Raises UserError for another name."""
        whole = self._whole(name)
        column = self.columns[whole]
        if whole == name:
            return column
        return Column("number" if len(column.shape) == 1 else "array", column.dtype, column.shape[:-1])

    @abstractmethod
    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        """The same of whole columns that are there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _whole(self, name: str) -> str:
        """The name of the column of which `name` is the whole or a part."""
        if name in self.columns:
            return name
        whole, _, part = name.rpartition(".")
        column = self.columns.get(whole)
        if column is not None and column.kind == "array" and part.isdecimal() and int(part) < column.shape[-1]:
            return whole
        for part in (name, whole):
            if part in self.refused:
                raise UserError(self.path, f"'{part}' {self.refused[part]}", "choose another column")
        raise unknown_column(self.path, name, list(self.columns))


def unknown_column(path: Path, name: str, known: list[str]) -> UserError:
    """For a name that the file does not have."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known[:20]) + (f", ... ({len(known)} in all)" if len(known) > 20 else "")
    todo = (f"did you mean '{near[0]}'? " if near else "") + f"it has: {listed or 'none'}"
    return UserError(path, f"has no column '{name}'", todo)


def _part(values: Any, name: str, column: str) -> Any:
    return values if name == column else values[..., int(name.rpartition(".")[2])]
