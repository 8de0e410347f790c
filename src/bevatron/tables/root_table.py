"""TTrees and RNTuples of ROOT files, by uproot."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.tables.root_file import open_root, root_faults
from bevatron.tables.table import Column, EventTable, unknown_column

TREES = ("TTree", "TNtuple", "TNtupleD", "RNTuple")
BLOCK_BYTES = 2**28  # of baskets that are kept decompressed while their rows are given out in steps


class RootTable(EventTable):
    """One TTree or RNTuple; columns are its branches or fields, types are looked up when they are asked for."""

    def __init__(self, path: Path, tree: str = ""):
        self.path = path
        with ExitStack() as stack, root_faults(path):
            self._file = stack.enter_context(open_root(path))
            self._tree = self._file[_find_tree(self._file, path, tree)]
            self.n_rows = int(self._tree.num_entries)
            self.columns = _Columns(self._tree, path)
            self._open = stack.pop_all()

    def close(self) -> None:
        """Close the file."""
        self._open.close()

    def steps(self, names: Iterable[str], start: int, stop: int | None, rows: int) -> Iterator[dict[str, Any]]:
        """As the interface says; steps end where baskets end, so that none is decompressed twice."""
        names = list(dict.fromkeys(names))
        stop = self.n_rows if stop is None else min(stop, self.n_rows)
        with root_faults(self.path):
            branches = [branch for name in names for branch in self._sources(name)]
            blocks = list(_blocks(_basket_ends(self._tree, branches), start, stop, rows))
        rows_kept = max(rows, BLOCK_BYTES // self._bytes(names))
        for first, last in blocks:
            for block in super().steps(names, first, last, rows_kept):
                n = len(block[names[0]])
                size = -(-n // -(-n // rows))  # equal steps
                for at in range(0, n, size):
                    yield {name: values[at : at + size] for name, values in block.items()}

    def _bytes(self, names: list[str]) -> int:
        """Of a row, about."""
        return sum(self.find(name).row_bytes for name in names)

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        kinds = {name: self.columns[name] for name in names}
        with root_faults(self.path):
            arrays = _arrays(self._tree, names, start, stop)
            return {name: _plain(arrays[name], kinds[name]) for name in names}


class _Columns(dict[str, Column]):
    """The branches by name. A tree can have thousands, and what one holds is known once it is interpreted."""

    def __init__(self, tree: Any, path: Path):
        super().__init__()
        self._tree, self._path = tree, path
        self._names = list(dict.fromkeys(tree.keys()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  (this is what get() is)

    def __missing__(self, name: str) -> Column:
        if name not in self._names:
            raise unknown_column(self._path, name, self._names)
        with root_faults(self._path):
            column = _simple_column(self._tree[name])
            if column is None:
                column = _column_of(_arrays(self._tree, [name], 0, 0)[name], name, self._path)
        self[name] = column
        return column


def _arrays(tree: Any, names: list[str], start: int, stop: int) -> Any:
    """Columns by their exact names: one given as text may be read as a formula or a pattern."""
    wanted = set(names)
    return tree.arrays(filter_name=lambda name: name in wanted, entry_start=start, entry_stop=stop, library="ak")


def _basket_ends(tree: Any, names: list[str]) -> np.ndarray:
    """Entries at which a basket ends in each of these branches; none of an RNTuple, whose clusters uproot keeps."""
    ends: np.ndarray | None = None
    for name in names:
        found = np.asarray(getattr(tree[name], "entry_offsets", ()), np.int64)
        ends = found if ends is None else np.intersect1d(ends, found)
    return np.zeros(0, np.int64) if ends is None else ends


def _blocks(ends: np.ndarray, start: int, stop: int, rows: int) -> Iterator[tuple[int, int]]:
    """Ranges of entries from `start` to `stop` that begin and end with baskets: of `rows` at most, or of one basket."""
    edges = [start, *(int(end) for end in ends if start < end < stop), stop]
    first = start
    for before, edge in pairwise(edges):
        if edge - first > rows and before > first:
            yield first, before
            first = before
    if first < stop:
        yield first, stop


def _simple_column(branch: Any) -> Column | None:
    """The column of a branch of numbers, or of lists of numbers, without reading it; None for whatever else it is."""
    from uproot.interpretation.jagged import AsJagged
    from uproot.interpretation.numerical import AsDtype

    found = getattr(branch, "interpretation", None)
    kind: Literal["number", "list"] = "list" if type(found) is AsJagged else "number"
    inner = getattr(found, "content", None) if type(found) is AsJagged else found
    if type(inner) is not AsDtype or inner.to_dtype.subdtype is not None or inner.to_dtype.kind not in "biuf":
        return None
    return Column(kind, inner.to_dtype.newbyteorder("=").name)


def _column_of(empty: Any, name: str, path: Path) -> Column:
    """The column's kind by awkward's type of no rows of it."""
    import awkward as ak

    inner = ak.type(empty).content
    if _is_text(inner):
        return Column("text", "str")
    shape: list[int] = []
    is_list = isinstance(inner, ak.types.ListType)
    if is_list:
        inner = inner.content
    while not is_list and isinstance(inner, ak.types.RegularType):
        shape.append(int(inner.size))
        inner = inner.content
    if isinstance(inner, ak.types.ListType | ak.types.RegularType) and not _is_text(inner):
        raise UserError(path, f"'{name}' holds lists of lists", "flatten it, or choose another branch")
    if not isinstance(inner, ak.types.NumpyType) or np.dtype(inner.primitive).kind not in "biuf":
        raise UserError(path, f"'{name}' holds {inner}, which is neither numbers nor text", "choose another branch")
    return Column("list" if is_list else "array" if shape else "number", inner.primitive, tuple(shape))


def _is_text(inner: Any) -> bool:
    return inner.parameters.get("__array__") in ("string", "bytestring")


def _plain(values: Any, column: Column) -> Any:
    import awkward as ak

    if column.kind == "list":
        return values
    return np.asarray(values.to_list(), object) if column.kind == "text" else ak.to_numpy(values)


def _find_tree(file: Any, path: Path, tree: str) -> str:
    classes = {name.partition(";")[0]: kind for name, kind in file.classnames().items()}
    trees = [name for name, kind in classes.items() if kind in TREES or kind.endswith("RNTuple")]
    if tree:
        if tree not in classes:
            raise UserError(
                path, f"has no tree '{tree}'{did_you_mean(tree, trees)}", f"it has: {', '.join(trees) or 'none'}"
            )
        if tree not in trees:
            raise UserError(path, f"'{tree}' is a {classes[tree]}, not a tree of events", f"trees: {', '.join(trees)}")
        return tree
    if len(trees) != 1:
        what = f"has {len(trees)} trees: {', '.join(trees)}" if trees else "has no tree of events"
        raise UserError(path, what, "name one by `tree`" if trees else "give files that have one")
    return trees[0]
