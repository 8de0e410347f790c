"""A study for a data configuration of weaver: what has no counterpart is listed, and nothing is left out unsaid."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bevatron.config.loading.load import read_yaml
from bevatron.draft.candidates import likely_signal
from bevatron.draft.contents import MissingDraft, NamedExpression, StudyDraft, TargetDraft, placeholder
from bevatron.draft.files_of_study import files_of_study, reading_of
from bevatron.draft.names import as_feature, as_name, shown
from bevatron.draft.sample import take_sample
from bevatron.draft.weaver_expressions import NotTranslatedError
from bevatron.draft.weaver_inputs import InputTranslation
from bevatron.draft.weaver_variables import Variables, translate_variables
from bevatron.draft.weaver_weights import translate_weights
from bevatron.errors import UserError
from bevatron.tables.open_table import TableOptions

KNOWN = ("treename", "selection", "test_time_selection", "preprocess", "new_variables", "inputs", "labels", "observers",
         "monitor_variables", "weights")  # fmt: skip
PLACEHOLDER = "data/*.root"


def translate_weaver(
    path: Path, files: Sequence[Path], options: TableOptions, name: str
) -> tuple[StudyDraft, list[str]]:
    """The study of the configuration in `path`, and remarks on what has no counterpart.

    With `files`, their columns are compared with those that the configuration reads. Raises UserError for what is no
    configuration of weaver.
    """
    payload = read_yaml(path)
    for key in ("inputs", "labels"):
        if not isinstance(payload.get(key), dict):
            raise UserError(path, f"has no mapping '{key}'", "give a data configuration of weaver")
    return _Translation(path, payload, name).study(files, options)


class _Translation:
    def __init__(self, path: Path, payload: dict[str, Any], name: str):
        self._path, self._payload = path, payload
        self._remarks: list[str] = []
        self._variables: Variables = translate_variables(self._mapping("new_variables"))
        self._study = StudyDraft(
            name=name,
            title=name.replace("_", " "),
            summary="What is learned from what, in a few sentences for the report.",
            files=[PLACEHOLDER],
            reading={},
            target=TargetDraft("label", "value"),
        )

    def _mapping(self, key: str) -> dict[str, Any]:
        value = self._payload.get(key)
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise UserError(self._path, f"'{key}' is no mapping", "see weaver's documentation")
        return {str(name): part for name, part in value.items()}

    def _report(self, line: str) -> None:
        self._remarks.append(shown(line, 300))

    def study(self, files: Sequence[Path], options: TableOptions) -> tuple[StudyDraft, list[str]]:
        study = self._study
        if tree := self._payload.get("treename"):
            options = replace(options, tree=options.tree or str(tree))
        for name, why in self._variables.failed.items():
            self._report(f"new_variables.{name}: left out: {why}: {self._mapping('new_variables')[name]}")
        study.selection = self._selection("selection")
        study.test_selection = self._selection("test_time_selection")
        inputs = InputTranslation(self._mapping("preprocess"), self._variables, self._report)
        study.groups = inputs.groups(self._mapping("inputs"))
        if not any(group.active for group in study.groups):
            raise UserError(self._path, "none of its inputs has a counterpart", "; ".join(self._remarks[:5]))
        study.normalise = "robust" if inputs.raw_features else "none"
        if inputs.raw_features:
            self._report("preprocess: weaver centres and scales by itself; the models say `normalise: robust` instead")
        study.missing = {
            group.name: MissingDraft("constant", comment="as weaver does") for group in study.groups if group.active
        }
        self._translate_labels()
        self._translate_observers()
        translate_weights(self._mapping("weights"), self._variables, study, self._report)
        study.derived = self._variables.entries()
        for key in self._payload:
            if key not in KNOWN and self._payload[key] is not None:
                self._report(f"{key}: no counterpart: {self._payload[key]}")
        self._read_files(files, options)
        study.header.append(f"Drafted by `bevatron draft --weaver {shown(self._path.name)}`.")
        if self._remarks:
            study.header.append("Without an exact counterpart:")
            study.header += [f"  - {line}" for line in self._remarks]
        return study, [f"{self._path}: {line}" for line in self._remarks]

    def _selection(self, key: str) -> str | None:
        text = self._payload.get(key)
        if text is None or not str(text).strip():
            return None
        try:
            return self._variables.of(text)
        except NotTranslatedError as error:
            self._report(f"{key}: left out: {error}: {' '.join(str(text).split())}")
            self._study.notes.append(f"LOOK: {key} of weaver, not translated: {' '.join(str(text).split())}")
            return None

    def _translate_labels(self) -> None:
        labels = self._mapping("labels")
        kind, value = labels.get("type"), labels.get("value")
        for key in labels:
            if key not in ("type", "value"):
                self._report(f"labels.{key}: no counterpart")
        if isinstance(value, list) and kind in (None, "simple"):
            self._classes(value)
        elif isinstance(value, dict):
            self._numbers(value)
        else:
            raise UserError(self._path, f"labels of the type {kind!r:.30} have no list or mapping `value`", "")

    def _classes(self, value: list[Any]) -> None:
        entries: list[NamedExpression] = []
        for label in value:
            try:
                text = self._variables.of(label)
            except NotTranslatedError as error:
                self._report(f"labels, {shown(str(label))}: left out: {error}")
                continue
            bare = str(label).removeprefix("label_").removeprefix("jet_is").removeprefix("fj_is")
            entries.append(NamedExpression(as_name(bare, {entry.name for entry in entries}, "class"), text))
        if len(entries) < 2:
            self._placeholder("labels: fewer than two classes have a counterpart")
            return
        target = TargetDraft("label", "classes", entries)
        target.signal = likely_signal([entry.name for entry in entries])
        self._study.target = target

    def _numbers(self, value: dict[Any, Any]) -> None:
        entries: list[NamedExpression] = []
        for name, text in value.items():
            try:
                entries.append(NamedExpression(as_feature(str(name)), self._variables.of(text)))
            except NotTranslatedError as error:
                self._report(f"labels.{name}: left out: {error}: {' '.join(str(text).split())}")
        if not entries:
            self._placeholder("labels: none has a counterpart")
            return
        self._study.target = TargetDraft(as_name(entries[0].name, (), "label"), "value", entries[:1])
        comments = self._study.target.comments
        comments.append("LOOK: taken for a number; for class numbers write `classes: {name: x == 0, ...}`")
        for entry in entries[1:]:
            comments.append(f"another label of weaver's: {entry.name}: {entry.expression}")
            self._report(f"labels.{entry.name}: a comment, as the task drafted has one target")

    def _placeholder(self, why: str) -> None:
        self._report(why)
        self._study.target = placeholder()
        self._study.target.comments.append(f"LOOK: {why}; the expression below is a placeholder")

    def _translate_observers(self) -> None:
        for key in ("observers", "monitor_variables"):
            names = self._payload.get(key) or []
            for name in names if isinstance(names, list) else [names]:
                taken = {entry.name for entry in self._study.observers}
                try:
                    self._study.observers.append(
                        NamedExpression(as_feature(str(name), taken), self._variables.of(name))
                    )
                except NotTranslatedError as error:
                    self._report(f"{key}, {shown(str(name))}: left out: {error}")

    def _read_files(self, files: Sequence[Path], options: TableOptions) -> None:
        study = self._study
        if not files:
            study.notes.append("LOOK: name the files")
            if options.tree:
                study.reading["tree"] = options.tree
            return
        needed = self._needed()
        sample = take_sample(files, options, only=())
        study.files, study.reading = files_of_study(sample.paths), reading_of(sample)
        for name in sorted(needed):
            if name not in sample.columns:
                self._report(f"the files have no column '{shown(name)}' ({sample.lacking.get(name, 'unknown')})")

    def _needed(self) -> set[str]:
        """Columns of the files that the study reads."""
        study = self._study
        texts = [study.selection, study.test_selection, study.weight.expression if study.weight else None]
        texts += [entry.expression for entry in (*study.observers, *study.target.entries)]
        texts += [entry.expression for group in study.groups if group.active for entry in group.features]
        return {name for text in texts if text for name in self._variables.columns(text)}
