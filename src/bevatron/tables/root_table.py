"""TTrees and RNTuples of ROOT files, by uproot."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.system_errors import system_fault
from bevatron.tables.table import Column, Table, unknown_column

TREES = ("TTree", "TNtuple", "TNtupleD", "RNTuple")


class RootTable(Table):
    """One TTree or RNTuple; columns are its branches or fields, types are looked up when they are asked for."""

    def __init__(self, path: Path, tree: str = ""):
        self.path = path
        with _faults(path):
            self._file = _open(path)
            self._tree = self._file[_find_tree(self._file, path, tree)]
            self.n_rows = int(self._tree.num_entries)
            self.columns = _Columns(self._tree, path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        kinds = {name: self.columns[name] for name in names}
        with _faults(self.path):
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
        with _faults(self._path):
            empty = _arrays(self._tree, [name], 0, 0)[name]
        self[name] = column = _column_of(empty, name, self._path)
        return column


def _arrays(tree: Any, names: list[str], start: int, stop: int) -> Any:
    """Columns by their exact names: one given as text may be read as a formula or a pattern."""
    wanted = set(names)
    return tree.arrays(filter_name=lambda name: name in wanted, entry_start=start, entry_stop=stop, library="ak")


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
        shape.append(inner.size)
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


def _open(path: Path) -> Any:
    try:
        import uproot
    except ImportError:
        raise UserError("uproot", "is not installed, and reads ROOT files", "pip install 'bevatron[formats]'") from None
    return uproot.open({str(path): None}) if ":" in str(path) else uproot.open(path)


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


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Every way in which uproot fails to read a file, as one UserError that names it."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise system_fault(error, path) or _damaged(path, error) from None
    except NotImplementedError as error:
        raise UserError(path, f"is written in a way that uproot does not read: {error}", "write it again") from None
    except (ValueError, KeyError, EOFError, IndexError, AssertionError, TypeError, struct.error, zlib.error) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return UserError(path, f"is cut short or damaged: {reason}", "fetch it again")
