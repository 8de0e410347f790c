"""What every file of events is to Bevatron: columns by name, of equal length, read in ranges of rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count, takewhile
from math import prod
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

import numpy as np

from bevatron.errors import UserError

Kind = Literal["number", "text", "list", "array"]
LIST_LENGTH = 50  # elements, a guess of the mean where a file does not say it


@dataclass(frozen=True)
class Column:
    """What is known of a column before its values are read.

    kind: one number a row, one text a row, a list of numbers of any length, or an array of a fixed `shape`; dtype: the
    number type, in numpy's words; length: of a list, the mean number of its elements.
    """

    kind: Kind
    dtype: str
    shape: tuple[int, ...] = ()
    length: int = LIST_LENGTH

    @property
    def row_bytes(self) -> int:
        """Memory of a row, about: lists and texts have any length."""
        item = 64 if self.kind == "text" else np.dtype(self.dtype).itemsize
        return item * (self.length if self.kind == "list" else prod(self.shape))


class EventTable(ABC):
    """An open file of events; `columns` by name, `n_rows` of them.

    A column whose last axis is longer than one also has parts: `X.0` is the first of each row's values of `X`.
    Columns of numbers `PX_0`, `PX_1` and so on are also one column `PX`, an array, where no other column has that
    name.
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
        sources = {name: self._sources(name) for name in names}
        values = self._read(list(dict.fromkeys(chain.from_iterable(sources.values()))), start, stop)
        for column, found in values.items():
            if len(found) != stop - start:
                what = f"has {len(found)} rows of '{column}' where it says that there are {stop - start}"
                raise UserError(self.path, what, "the file is damaged: fetch it again")
        return {name: made_of([values[column] for column in found], name, found) for name, found in sources.items()}

    def steps(self, names: Iterable[str], start: int, stop: int | None, rows: int) -> Iterator[dict[str, Any]]:
        """The same, up to `rows` rows at a time; `stop` None: to the end."""
        stop = self.n_rows if stop is None else min(stop, self.n_rows)
        for first in range(start, stop, rows):
            yield self.read(names, first, min(first + rows, stop))

    def find(self, name: str) -> Column:
        """The column, or the part of one, of that name. Raises UserError for another name."""
        sources = self._sources(name)
        column = self.columns[sources[0]]
        if len(sources) > 1:
            return Column(
                "array", np.result_type(*(self.columns[source].dtype for source in sources)).name, (len(sources),)
            )
        if sources[0] == name:
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

    def _sources(self, name: str) -> list[str]:
        """The columns of the file that make up `name`: itself, that of which it is a part, or numbered ones."""
        if name in self.columns:
            return [name]
        whole, _, part = name.rpartition(".")
        column = self.columns.get(whole)
        if column is not None and column.kind == "array" and part.isdecimal() and int(part) < column.shape[-1]:
            return [whole]
        numbered = list(takewhile(self._is_number, (f"{name}_{k}" for k in count())))
        if len(numbered) > 1:
            return numbered
        for part in (name, whole):
            if part in self.refused:
                raise UserError(self.path, f"'{part}' {self.refused[part]}", "choose another column")
        raise unknown_column(self.path, name, list(self.columns))

    def _is_number(self, name: str) -> bool:
        return name in self.columns and self.columns[name].kind == "number"


def unknown_column(path: Path, name: str, known: list[str]) -> UserError:
    """For a name that the file does not have."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known[:20]) + (f", ... ({len(known)} in all)" if len(known) > 20 else "")
    todo = (f"did you mean '{near[0]}'? " if near else "") + f"it has: {listed or 'none'}"
    return UserError(path, f"has no column '{name}'", todo)


def made_of(values: list[Any], name: str, sources: list[str]) -> Any:
    """The column `name` of the values of its sources."""
    if len(sources) > 1:
        return np.stack(values, axis=1)
    return values[0] if sources[0] == name else values[0][..., int(name.rpartition(".")[2])]
