"""Rows of new files for trained networks: the same groups by the same expressions, without the truth.

New files need not have targets, weights or what only these are made from. Of the mapping are used: the selection (that
of the test, where it has one of its own), the derived columns that are needed, the groups, and what is missing in them.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import ENTRY, Formulas
from bevatron.simulate.mapping.options import Mapping
from bevatron.simulate.mapping.to_samples import EVENT_ID, Mapper, Rows
from bevatron.store.shards.unlabelled import UnlabelledRows
from bevatron.tables.table import EventTable

ALL_FOLDS = "give --all-folds, if its events are of no training"
STEP_BYTES, STEP_ROWS = 2**26, 50_000  # of what is read at a time

logger = logging.getLogger("bevatron")


class Unlabelled:
    """Reads rows of tables as inputs of networks that read the groups named.

    observers: what to carry along, observers of the mapping or columns of the files; None: the mapping's, and the
    number of the event, as far as all tables have what they are made from (`leave_out_what_lacks`). numbered: whether
    the number of the event must be known.
    """

    def __init__(self, mapping: Mapping, groups: Iterable[str], observers: list[str] | None, numbered: bool = False):
        if numbered and not mapping.id:
            what = "has no id that numbers events, so that it is not known of which fold those of a file are"
            raise UserError("simulation.source", what, f"{ALL_FOLDS}; the study's own have theirs in predictions.h5")
        chosen = {name: mapping.groups[name] for name in groups}
        cut = mapping.test_selection or mapping.selection
        self._mapping, self._chosen, self._numbered = mapping, observers, numbered
        self._inputs = Mapper(_part(mapping, groups=chosen, selection=cut))
        self._copied = [name for name in observers or () if name not in mapping.observers]
        wanted = mapping.observers if observers is None else observers
        known = {name: mapping.observers[name] for name in wanted if name in mapping.observers}
        self._carry(known, list(mapping.id))

    def _carry(self, observers: dict[str, str], event: list[str]) -> None:
        """What is carried along: expressions of observers by name, and those that number the event."""
        self._about = Mapper(_part(self._mapping, observers=observers, id=event))
        self._read = list(dict.fromkeys([*_columns(self._inputs), *_columns(self._about), *self._copied]))

    def leave_out_what_lacks(self, table: EventTable) -> None:
        """Carries along no longer what nobody asked for, and what the table cannot make; the log says so."""
        wanted, event = self._about.mapping.observers, list(self._about.mapping.id)
        observers = {name: text for name, text in wanted.items() if self._keeps(name, table, observers={name: text})}
        self._carry(observers, event if event and self._keeps(EVENT_ID, table, id=event) else [])

    def _keeps(self, name: str, table: EventTable, **made_of: object) -> bool:
        by_fold = name == EVENT_ID and self._numbered
        columns = Formulas(_part(self._mapping, **made_of)).columns_read()
        if not by_fold:  # any file's rows have numbers, which say nothing of an event in another file
            columns = [column for column in columns if column != ENTRY]
        lacking = _lacking(table, columns)
        if lacking is not None and by_fold:
            what = f"has no '{lacking}', which says of which fold an event is"
            raise UserError(table.path, what, ALL_FOLDS)
        if lacking is None or not (self._chosen is None or name == EVENT_ID):
            return True
        logger.warning(f"{table.path}: has no '{lacking}', so '{name}' is left out")
        return False

    def check(self, table: EventTable) -> None:
        """Raises UserError for a column that is needed and that the table lacks, or that cannot be carried along."""
        for name in self._columns_of(table):
            column = table.find(name)
            if name in self._copied and column.kind != "number":
                what = f"'{name}' holds {'texts' if column.kind == 'text' else f'a {column.kind} in each row'}"
                raise UserError(table.path, what, "choose an observer with one number in each row")

    def rows(self, table: EventTable) -> Iterator[UnlabelledRows]:
        """All rows of the table in their order, a step at a time; of an empty table one step of no row."""
        read = self._columns_of(table)
        size = max(1, min(STEP_ROWS, STEP_BYTES // sum(table.find(name).row_bytes for name in read)))
        first = 0
        for columns in table.steps(read, 0, None, size):
            rows = self._step(columns, len(columns[read[0]]), first, table.path)
            first += len(rows)
            yield rows
        if first == 0:
            yield self._step(table.read(read, 0, 0), 0, 0, table.path)

    def _columns_of(self, table: EventTable) -> list[str]:
        """What is read of the table: `entry`, the number of a row, only where it has such a column."""
        asked = (*table.columns, *self._copied)
        read = [name for name in self._read if name != ENTRY or name in asked]
        if not read:
            raise UserError("simulation.source", "no expression names a column of the files", "name one")
        return read

    def _step(self, columns: dict, n: int, first: int, path: Path) -> UnlabelledRows:
        where = Rows(str(path), 0, first)
        samples = self._inputs.to_samples(_of(columns, self._inputs), n, where)
        passed = np.zeros(n, bool)
        passed[samples.id.astype(np.int64) - first] = True
        about = {"entry": np.arange(first, first + n, dtype=np.int64)}
        event, observers = self._about.about(_of(columns, self._about), n, first)
        about |= ({} if event is None else {EVENT_ID: event}) | observers
        about |= {name: np.asarray(columns[name]) for name in self._copied}
        return UnlabelledRows(passed, samples, about, event)


def _part(mapping: Mapping, **kept: object) -> Mapping:
    """The mapping with nothing but `kept`, the missing values, and the derived and shifted columns that these need."""
    nothing = {"selection": None, "test_selection": None, "groups": {}, "targets": {}, "weight": None, "splits": {}}
    part = mapping.model_copy(update={**nothing, "id": [], "observers": {}, "derived": {}, "shift": {}, **kept})
    needed = set(Formulas(part).columns_read())
    derived = Formulas(mapping).derived
    for name in reversed(derived):
        if name in needed:
            needed |= set(derived[name].names)
    made_of = {"derived": mapping.derived, "shift": mapping.shift}
    return part.model_copy(
        update={key: {k: text for k, text in texts.items() if k in needed} for key, texts in made_of.items()}
    )


def _columns(mapper: Mapper) -> list[str]:
    return mapper.formulas.columns_read()


def _of(columns: dict, mapper: Mapper) -> dict:
    return {name: columns[name] for name in _columns(mapper) if name in columns}


def _lacking(table: EventTable, columns: list[str]) -> str | None:
    """The first of the columns that the table lacks."""
    for column in columns:
        try:
            table.find(column)
        except UserError:
            return column
    return None
