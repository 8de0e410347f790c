"""A study for somebody's files: what their columns look like decides groups, target, and what is kept beside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.draft.attribute_names import class_names
from bevatron.draft.candidates import (
    THRESHOLD,
    Candidate,
    find_candidates,
    regression_name,
    rename_classes,
    target_of,
)
from bevatron.draft.classes_of_files import classes_of_files
from bevatron.draft.contents import GroupDraft, NamedExpression, StudyDraft, TargetDraft, placeholder
from bevatron.draft.files_of_study import files_of_study, reading_of
from bevatron.draft.groups import group_of_images, group_of_lists, group_of_numbers
from bevatron.draft.lists import PARTS_OF_A_SAMPLE, ListColumns, find_lists
from bevatron.draft.names import as_expression, as_feature, as_name, shown
from bevatron.draft.profile import FEW_ROWS, ValueSummary, number, profile
from bevatron.draft.roles import is_event_number, is_index, is_truth, is_weight
from bevatron.draft.sample import Sample, describe, take_sample
from bevatron.errors import UserError
from bevatron.tables.open_table import TableOptions

MOST_NOTED = 30  # columns of one kind that are listed one by one
MOST_FEATURES = 10_000  # a study's file cannot have more than 100,000 values


def draft_files(paths: Sequence[Path], options: TableOptions, name: str) -> StudyDraft:
    """The study called `name` of these files. Raises UserError for files that are no tables or hold no number."""
    sample = take_sample(paths, options)
    return _Drafter(sample, name).draft()


class _Drafter:
    """The columns of a sample, each of which is given to one use; `used` are those that have one."""

    def __init__(self, sample: Sample, name: str):
        self.sample, self.used, self.observed = sample, set[str](), set[str]()
        self.study = StudyDraft(
            name=name,
            title=name.replace("_", " "),
            summary="What is learned from what, in a few sentences for the report.",
            files=files_of_study(sample.paths),
            reading=reading_of(sample),
            target=TargetDraft("label", "value"),
        )
        self.numbers = {
            column_name: profile(sample.values[column_name], column.dtype)
            for column_name, column in sample.columns.items()
            if column.kind in ("number", "text") and not (column.kind == "text" and column.shape)
        }

    def draft(self) -> StudyDraft:
        """The whole study."""
        self._say_what_was_read()
        self._set_aside_what_has_no_name()
        lists = find_lists(self.sample)
        for group in lists:
            self.used.update(group.members)
        self._find_weights_and_ids()
        target = self._find_target()
        self._set_aside_truth(target)
        self._set_aside_constants_and_duplicates()
        self._make_groups(lists)
        return self.study

    def _free(self, kind: str = "") -> list[str]:
        """Columns with one value a row that have no use yet."""
        return [
            name
            for name in self.numbers
            if name not in self.used and (not kind or self.numbers[name].is_text == (kind == "text"))
        ]

    def _say_what_was_read(self) -> None:
        sample = self.sample
        rows = f"{sample.n:,} rows"
        total = f" of {sample.n_rows:,}" if sample.n_rows is not None and not sample.whole else ""
        if sample.n_rows is None:
            rows = f"the first {sample.n:,} rows" if sample.format == "csv" else rows
        files = f"{len(sample.opened)} of {len(sample.paths)} files" if len(sample.paths) > 1 else "one file"
        what = f"{sample.format}, {len(sample.columns):,} columns"
        self.study.header.append(f"Drafted by `bevatron draft` from {rows}{total} in {files} ({what}).")
        if sample.format == "csv" and sample.n_rows != sample.n:
            self.study.header.append("LOOK: later rows of a CSV file may hold classes that the first ones do not.")
        if sample.format == "csv" and not sample.options.header:
            self.study.notes.append("No line with names was found: `names: [label, ...]` gives names to the columns.")
        self._note("Differences between the files:", sample.differences)
        reasons = [f"{shown(name)}: {why}" for name, why in sample.lacking.items() if name not in sample.columns]
        self._note("Columns left out:", [] if sample.differences else reasons)

    def _note(self, heading: str, lines: list[str]) -> None:
        if lines:
            self.study.notes.append(heading)
            self.study.notes += [f"  {line}" for line in lines[:MOST_NOTED]]
            if len(lines) > MOST_NOTED:
                self.study.notes.append(f"  ... ({len(lines)} in all)")

    def _set_aside_what_has_no_name(self) -> None:
        nameless = [name for name in self.sample.columns if as_expression(name) is None]
        self.used.update(nameless)
        self._note("Columns left out, as no expression can name them:", [shown(repr(name)) for name in nameless])

    def _find_weights_and_ids(self) -> None:
        study = self.study
        for name in self._free("number"):
            found = self.numbers[name]
            if is_weight(name, found):
                self.used.add(name)
                if found.is_constant and found.n >= FEW_ROWS:
                    study.weight_comments.append(f"'{shown(name)}' is constant: {number(found.low)}")
                    continue
                comment = found.describe()
                if found.low < 0:
                    comment += "; LOOK: some are negative"
                entry = NamedExpression("weight", as_expression(name) or "", comment, active=False)
                if study.weight is None:
                    study.weight = entry
                else:
                    study.weight_comments.append(f"or: {entry.expression} ({comment})")
        for name in self._free("number"):
            found = self.numbers[name]
            if is_event_number(name, found):
                self.used.add(name)
                enough = found.n_distinct >= max(FEW_ROWS, 0.01 * found.n)
                study.id.append(NamedExpression(name, as_expression(name) or "", found.describe(), active=enough))
            elif is_index(name, found, self.sample.values[name]):
                self.used.add(name)
                comment = f"{found.describe()}; no value twice"
                study.id.append(NamedExpression(name, as_expression(name) or "", comment, active=False))
        if not any(entry.active for entry in study.id):
            return
        for entry in study.id:  # a run is an id together with the event's number alone
            entry.active = entry.active or is_event_number(entry.name, self.numbers[entry.name])

    def _find_target(self) -> Candidate | None:
        free = self._free()
        candidates = find_candidates(self.numbers, self.sample.values, free)
        best = candidates[0] if candidates and candidates[0].score >= THRESHOLD else None
        study = self.study
        if best is not None:
            self._name_classes(best)
            study.target = target_of(best)
            study.target.comments.append(f"LOOK: classes by {best.words}")
            if sum(count > 0 for count in best.counts) < len(best.counts):
                study.target.comments.append("LOOK: classes of which the sample holds no row are left out")
            if best.others:
                study.target.comments.append("LOOK: some rows are of no class, and left out")
            self.used.update(best.columns)
        else:
            self._fall_back()
        for other in candidates[best is not None :][:8]:
            counts = ", ".join(f"{e.name} ({c})" for e, c in list(zip(other.classes, other.counts, strict=True))[:8])
            study.target.comments.append(f"another candidate: {other.words}: {shown(counts, 90)}")
            if other.score >= THRESHOLD and other.columns[0] not in self.used:
                for name in other.columns:
                    self._observe(name, "a candidate for the label")
        return best

    def _name_classes(self, best: Candidate) -> None:
        found = self.numbers[best.columns[0]]
        if self.sample.format == "hdf5" and len(best.columns) == 1 and not found.is_text:
            names = class_names(self.sample.opened[0], self.sample.options.tree, best.columns[0])
            rename_classes(best, sorted(found.distinct), names)

    def _fall_back(self) -> None:
        """No classes in the columns: those of the files' names, a number by its name, or a constant to be replaced."""
        study = self.study
        if (of_files := classes_of_files(self.sample.paths)) is not None:
            study.target = of_files
            return
        free = [name for name in self._free("number") if not self.numbers[name].is_constant]
        name = regression_name([name for name in free if self.numbers[name].missing == 0])
        if name is not None:
            self.used.add(name)
            entry = NamedExpression("value", as_expression(name) or "", self.numbers[name].describe())
            study.target = TargetDraft(as_name(name), "value", [entry])
            study.target.comments.append("LOOK: no column looks like a label of classes; this one is taken by its name")
        else:
            study.target = placeholder()
            study.target.comments.append("LOOK: no column looks like a label; the expression below is a placeholder")
        study.target.comments += ["For classes: `classes: {signal: ..., background: ...}`, and a task `classification`"]

    def _observe(self, name: str, why: str = "") -> None:
        self.used.add(name)
        found = self.numbers[name]
        if found.is_text:
            return
        key = as_feature(name, self.observed)
        self.observed.add(key)
        comment = "; ".join(part for part in (why, found.describe(), "left out" if found.missing else "") if part)
        self.study.observers.append(NamedExpression(key, as_expression(name) or "", comment, active=not found.missing))

    def _set_aside_truth(self, target: Candidate | None) -> None:
        for name in self._free():
            if is_truth(name):
                self._observe(name, "truth, by its name")
        if target is None or self.sample.n < 100:
            return
        for name in self._free("number"):
            if _decides(self.numbers[name], self.sample.values[name], target.of_rows):
                self._observe(name, "LOOK: each of its values goes with one class alone: the label in disguise?")

    def _set_aside_constants_and_duplicates(self) -> None:
        texts = self._free("text")
        self._note(
            "Columns of texts, which are no inputs:", [f"{shown(n)}: {self.numbers[n].describe()}" for n in texts]
        )
        self.used.update(texts)
        empty = [name for name in self._free() if self.numbers[name].missing == 1.0]
        self.used.update(empty)
        self._note("Columns without a finite value in the sample, left out:", [shown(name) for name in empty])
        if self.sample.n < FEW_ROWS:
            return
        constant = [name for name in self._free() if self.numbers[name].is_constant]
        self.used.update(constant)
        self._note(
            "Columns that are constant in the sample, left out:",
            [f"{shown(name)}: {number(self.numbers[name].low)}" for name in constant],
        )
        first: dict[bytes, str] = {}
        repeated = []
        for name in self._free():
            content = np.asarray(self.sample.values[name]).astype(np.float64).tobytes()
            if content in first:
                repeated.append(f"{shown(name)} = {shown(first[content])}")
                self.used.add(name)
            else:
                first[content] = name
        self._note("Columns that repeat another, left out:", repeated)

    def _make_groups(self, lists: list[ListColumns]) -> None:
        study, sample = self.study, self.sample
        taken: set[str] = set()

        def add(group: GroupDraft | None) -> None:
            if group is not None:
                taken.add(group.name)
                study.groups.append(group)

        scalars = {name: (as_expression(name) or "", self.numbers[name]) for name in self._free("number")}
        scalars.update(self._parts())
        if len(scalars) > MOST_FEATURES:
            self._note("Columns left out, as there are too many:", [shown(name) for name in scalars][MOST_FEATURES:])
            scalars = dict(list(scalars.items())[:MOST_FEATURES])
        add(group_of_numbers(scalars, study.missing, taken))
        for one in lists:
            add(group_of_lists(one, sample, study, taken))
        left = []
        for name, column in sample.columns.items():
            if column.kind == "array" and name not in self.used:
                image = group_of_images(name, column, sample.values[name], taken)
                add(image)
                if image is None:
                    left.append(f"{shown(name)}: {describe(column)}")
        self._note("Arrays left out, neither lists nor images:", left)
        if not study.groups:
            raise UserError(sample.paths[0], "holds no column that could be an input", f"it has: {_listed(sample)}")

    def _parts(self) -> dict[str, tuple[str, ValueSummary]]:
        """Short arrays as numbers of the sample, by name: expression and profile."""
        found = {}
        for name, column in self.sample.columns.items():
            if name in self.used or column.kind != "array" or len(column.shape) != 1:
                continue
            if column.shape[0] > PARTS_OF_A_SAMPLE or is_truth(name):
                continue
            self.used.add(name)
            for k in range(column.shape[0]):
                part = f"{name}.{k}"
                found[part] = as_expression(part) or "", profile(self.sample.values[name][:, k], column.dtype)
        return found


def _decides(found: ValueSummary, values: Any, classes: np.ndarray) -> bool:
    """Whether each of a few values occurs in one class alone, and the column is no constant."""
    if not 2 <= len(found.distinct) <= 20 or not found.is_whole or found.missing:
        return False
    _, index = np.unique(np.asarray(values), return_inverse=True)
    table = np.zeros((index.max() + 1, classes.max() + 2), np.int64)
    np.add.at(table, (index, classes + 1), 1)
    return bool(((table > 0).sum(axis=1) == 1).all())


def _listed(sample: Sample) -> str:
    names = [f"{shown(name, 30)} ({describe(column)})" for name, column in list(sample.columns.items())[:8]]
    names += [f"{shown(name, 30)} ({why})" for name, why in list(sample.lacking.items())[:4]]
    return ", ".join(names) or "no columns"
