"""A step of rows to samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import ENTRY, WHERE, Formulas, flat, is_true, select_rows
from bevatron.simulate.mapping.element_targets import keys_of, make_element_target
from bevatron.simulate.mapping.images import make_images
from bevatron.simulate.mapping.lists import make_lists
from bevatron.simulate.mapping.missing import fill
from bevatron.simulate.mapping.options import OF_ELEMENTS, Mapping, TableGroup, TableTarget
from bevatron.store.mixing import GOLDEN_GAMMA, mix
from bevatron.store.shards.columns import Dense, ElementTarget, Group, Ragged, Samples
from bevatron.store.shards.contract import SPLITS

LEARNED, TESTED = 1, 2  # bits of the target `selected`: used in training and validation, used in the test
SELECTED = "selected"
EVENT_ID = "event"


@dataclass(frozen=True)
class Rows:
    """Where a step of rows is from: a file, its number among all, its first row, and the split that it is of."""

    file: str
    number: int
    first: int
    split: int | None = None


class Mapper:
    """Makes samples of rows, as the mapping says."""

    def __init__(self, mapping: Mapping):
        self.mapping = mapping
        self.formulas = Formulas(mapping)
        self.nan_in_cuts: dict[str, int] = {}  # by column of a selection, rows that it leaves out as NaN

    def to_samples(self, columns: dict[str, Any], n: int, rows: Rows) -> Samples:
        """The samples of n rows whose columns are given; those that no selection takes are left out."""
        columns = self.formulas.with_derived(self._with_entry(columns, n, rows.first))
        selected = self._selected(columns, n)
        split = self._split(columns, n, rows, selected)
        targets = {
            name: self._target(name, target, columns, n, rows, selected)
            for name, target in self.mapping.targets.items()
            if target.form not in OF_ELEMENTS
        }
        for name in self.formulas.cut_on:
            if (lost := _count_nan(columns.get(name))) > 0:
                self.nan_in_cuts[name] = self.nan_in_cuts.get(name, 0) + lost
        kept = np.flatnonzero(selected)
        columns = select_rows(columns, kept)
        place = f"{rows.file}, entries {rows.first} to {rows.first + n - 1}"
        entry = rows.first + kept.astype(np.uint64)
        weight = self._weight(columns, len(kept), place)
        of_elements: dict[str, ElementTarget] = {}
        return Samples(
            inputs={
                name: self._group(name, group, columns, entry, place, of_elements)
                for name, group in self.mapping.groups.items()
            },
            targets={
                **{name: values[kept] for name, values in targets.items()},
                **({} if self.mapping.test_selection is None else {SELECTED: selected[kept]}),
                **({} if split is None else {"split": split[kept]}),
                **self._event(columns, len(kept)),
            },
            id=(np.uint64(rows.number) << np.uint64(40)) | entry,
            weight=weight,
            observers=self._observers(columns, len(kept)),
            parts={name: target.parts for name, target in self.mapping.targets.items() if target.parts},
            element_targets={name: of_elements[name] for name in self.mapping.targets if name in of_elements},
            optional=tuple(name for name, target in self.mapping.targets.items() if target.optional),
        )

    def about(self, columns: dict[str, Any], n: int, first: int) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
        """The number of the event, where the mapping has one, and the observers of n rows from `first` on, (n,) each,
        selected or not.
        """
        complete = self.formulas.with_derived(self._with_entry(columns, n, first))
        return self._event(complete, n).get(EVENT_ID), self._observers(complete, n)

    def _with_entry(self, columns: dict[str, Any], n: int, first: int) -> dict[str, Any]:
        if self.formulas.names_entry and ENTRY not in columns:
            return columns | {ENTRY: first + np.arange(n)}
        return columns

    def _selected(self, columns: dict[str, Any], n: int) -> np.ndarray:
        """Bits LEARNED and TESTED of each row, (n,) int8."""
        learned = self._passes("selection", columns, n)
        tested = learned if self.mapping.test_selection is None else self._passes("test_selection", columns, n)
        return (learned * LEARNED + tested * TESTED).astype(np.int8)

    def _split(self, columns: dict[str, Any], n: int, rows: Rows, selected: np.ndarray) -> np.ndarray | None:
        """The split of each row, (n,) int64; takes rows of none out of `selected`. None: the study names no splits."""
        if rows.split is not None:
            return np.full(n, rows.split, np.int64)
        if not self.mapping.splits:
            return None
        member = np.column_stack([self._truth(f"splits.{name}", columns, n, rows, selected) for name in SPLITS])
        several = np.flatnonzero((member.sum(axis=1) > 1) & (selected != 0))
        if len(several):
            named = [name for name, true in zip(SPLITS, member[several[0]], strict=True) if true]
            what = f"entry {rows.first + several[0]} is of the splits {' and '.join(named)}"
            raise UserError(rows.file, what, f"make {WHERE}.splits exclude one another")
        selected[~member.any(axis=1)] = 0
        return member.argmax(axis=1).astype(np.int64)

    def _passes(self, key: str, columns: dict[str, Any], n: int) -> np.ndarray:
        if getattr(self.mapping, key) is None:
            return np.ones(n, bool)
        expression = self.formulas[key]
        return is_true(flat(expression.evaluate(columns), n, expression))

    def _flat(self, key: str, columns: dict[str, Any], n: int) -> np.ndarray:
        expression = self.formulas[key]
        return flat(expression.evaluate(columns), n, expression)

    def _group(
        self,
        name: str,
        group: TableGroup,
        columns: dict[str, Any],
        entry: np.ndarray,
        place: str,
        of_elements: dict[str, ElementTarget],
    ) -> Group:
        """The group, and into `of_elements` the targets of its elements."""
        n = len(entry)
        if group.layout == "image":
            return make_images(name, group, columns, entry, place)
        features = list(group.features)
        if group.layout == "list":
            keys = keys_of(self.mapping.targets, name)
            lists = make_lists(name, group, self.formulas, columns, n, [key for some in keys.values() for key in some])
            offsets = lists.offsets

            def entry_of(row: int) -> int:
                return int(entry[np.searchsorted(offsets, row, side="right") - 1])

            for target, some in keys.items():
                values = [lists.others[key] for key in some]
                of_elements[target] = make_element_target(target, self.mapping.targets[target], values, entry_of, place)
            filled = fill(self.mapping, name, features, lists.features, place, entry_of)
            column: Dense | Ragged = Ragged(filled.values, offsets)
        else:
            values = [self._flat(f"groups.{name}.features.{feature}", columns, n) for feature in features]
            filled = fill(self.mapping, name, features, values, place, lambda row: int(entry[row]))
            column = Dense(filled.values)
        units = tuple(group.units.get(feature, "") for feature in filled.features)
        return Group(column, filled.features, units, filled.definitions)

    def _target(
        self, name: str, target: TableTarget, columns: dict[str, Any], n: int, rows: Rows, selected: np.ndarray
    ) -> np.ndarray:
        """The target of each row; takes rows without a class out of `selected` where the study says so."""
        key = f"targets.{name}"
        optional = target.optional
        if target.value is not None:
            return self._numbers(f"{key}.value", columns, n, rows, selected, optional)
        if target.values is not None:
            names = [f"{key}.values.{part}" for part in target.values]
            parts = [self._numbers(name, columns, n, rows, selected, optional) for name in names]
            return np.column_stack(parts)
        if target.labels is not None:
            parts = [self._truth(f"{key}.labels.{part}", columns, n, rows, selected) for part in target.labels]
            return np.column_stack(parts).astype(np.float32)
        if target.files is not None:
            return np.full(n, self._class_of_file(name, target, rows, selected), np.int64)
        classes = target.classes or {}
        member = np.column_stack([self._truth(f"{key}.classes.{p}", columns, n, rows, selected) for p in classes])
        used = selected != 0
        counts = member.sum(axis=1)
        several = np.flatnonzero((counts > 1) & used)
        if len(several):
            named = [part for part, true in zip(classes, member[several[0]], strict=True) if true]
            what = f"entry {rows.first + several[0]} is of the classes {' and '.join(named)}"
            raise UserError(f"{rows.file}: {name}", what, f"make {WHERE}.{key}.classes exclude one another")
        none = (counts == 0) & used
        if none.any():
            if target.others == "refuse":
                what = f"entry {rows.first + int(none.argmax())} is of none of the classes {', '.join(classes)}"
                todo = f"add a class, set {WHERE}.{key}.others: drop, or leave it out by selection"
                raise UserError(f"{rows.file}: {name}", what, todo)
            selected[none] = 0
        return member.argmax(axis=1).astype(np.int64)

    def _class_of_file(self, name: str, target: TableTarget, rows: Rows, selected: np.ndarray) -> int:
        """The class of all rows of a file; without one takes them out of `selected` where the study says so."""
        found, key = target.classes_of_file(rows.file), f"{WHERE}.targets.{name}"
        if len(found) > 1:
            what = f"the file is of the classes {' and '.join(found)}"
            raise UserError(f"{rows.file}: {name}", what, f"make the patterns in {key}.files exclude one another")
        if not found:
            if target.others == "refuse":
                what = f"no pattern of the classes {', '.join(target.class_names)} matches the file's name"
                raise UserError(f"{rows.file}: {name}", what, f"correct {key}.files, or set {key}.others: drop")
            selected[:] = 0
            return 0
        return target.class_names.index(found[0])

    def _numbers(
        self, key: str, columns: dict[str, Any], n: int, rows: Rows, selected: np.ndarray, optional: bool
    ) -> np.ndarray:
        """A number of each row; NaN for none where it is optional."""
        values = self._flat(key, columns, n)
        with np.errstate(over="ignore"):
            single = values.astype(np.float32)
        wrong = np.isinf(single) if optional else ~np.isfinite(single)
        if (bad := np.flatnonzero(wrong & (selected != 0))).size:
            what = f"'{self.formulas[key].text}' is {values[bad[0]]:g} in {len(bad)} entries, first in entry "
            what += f"{rows.first + bad[0]}; a target is a finite number of 32 bits"
            raise UserError(f"{rows.file}: {key}", what, f"leave them out by {WHERE}.selection")
        return np.where(selected != 0, single, np.float32(0))

    def _truth(self, key: str, columns: dict[str, Any], n: int, rows: Rows, selected: np.ndarray) -> np.ndarray:
        """Whether each row is of the class; UserError where that is NaN."""
        values = self._flat(key, columns, n)
        if (bad := np.flatnonzero((values != values) & (selected != 0))).size:
            what = f"'{self.formulas[key].text}' is NaN in {len(bad)} entries, first in entry {rows.first + bad[0]}"
            raise UserError(f"{rows.file}: {key}", what, f"leave them out by {WHERE}.selection")
        return values != 0

    def _weight(self, columns: dict[str, Any], n: int, place: str) -> np.ndarray | None:
        if self.mapping.weight is None:
            return None
        with np.errstate(over="ignore"):
            weight = self._flat("weight", columns, n).astype(np.float32)
        if not np.isfinite(weight).all():
            what = f"the weight is {weight[~np.isfinite(weight)][0]:g} in {int((~np.isfinite(weight)).sum())} entries"
            raise UserError(place, what, "leave them out by selection")
        return weight

    def _event(self, columns: dict[str, Any], n: int) -> dict[str, np.ndarray]:
        """The number of each sample's event: a column as it is, or several mixed to one."""
        if not self.mapping.id:
            return {}
        parts = [
            _whole_numbers(self._flat(f"id.{k}", columns, n), self.formulas[f"id.{k}"])
            for k in range(len(self.mapping.id))
        ]
        event = parts[0]
        for part in parts[1:]:
            event = mix(event + GOLDEN_GAMMA) ^ part
        return {EVENT_ID: event}

    def _observers(self, columns: dict[str, Any], n: int) -> dict[str, np.ndarray]:
        found = {}
        for name in self.mapping.observers:
            values = self._flat(f"observers.{name}", columns, n)
            if values.dtype == np.uint64 and values.max(initial=0) >= 2**63:
                what = f"'{self.formulas[f'observers.{name}'].text}' is {values.max()}, more than a signed integer of "
                what += "64 bits holds"
                raise UserError(
                    self.formulas[f"observers.{name}"].where, what, f"carry it in two: {name} // 2**32, {name} % 2**32"
                )
            found[name] = values.astype(np.int64 if values.dtype.kind in "bui" else np.float64)
        return found


def _whole_numbers(values: np.ndarray, expression: Any) -> np.ndarray:
    """(n,) uint64 of the same bits; numbers with a fraction, or too large to be exact, are no ids."""
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values) | (values != np.rint(values)) | (np.abs(values) >= 2.0**53)
        if bad.any():
            raise UserError(
                expression.where,
                f"'{expression.text}' is {values[bad][0]:.17g}, no integer of up to 53 bits",
                "an id is whole",
            )
        values = values.astype(np.int64)
    return values.astype(np.uint64) if values.dtype.kind == "u" else values.astype(np.int64).view(np.uint64)


def _count_nan(values: Any) -> int:
    """How many rows of a column of numbers are NaN."""
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.ndim != 1:
        return 0
    return int(np.isnan(values).sum())
