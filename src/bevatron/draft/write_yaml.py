"""The text of a study's file, with comments on what was seen and what to look at."""

from bevatron.draft.contents import GroupDraft, NamedExpression, StudyDraft
from bevatron.draft.models import write_models
from bevatron.draft.yaml_lines import YamlLines, flow, quoted, scalar


def write_yaml(study: StudyDraft) -> str:
    """The study as YAML, which `bevatron validate` accepts."""
    lines = YamlLines()
    for text in study.header:
        lines.comment(0, text)
    lines.comment(0, "Lines with LOOK need a decision of yours; config/README.md describes all keys.")
    lines.add(0, f"name: {study.name}")
    lines.add(0, f"title: {quoted(study.title)}", "LOOK: the heading in the report")
    lines.add(0, f"summary: {quoted(study.summary)}", "LOOK: write it")
    lines.add(0)
    lines.add(0, "simulation:")
    _write_source(study, lines)
    lines.add(1, "seed: 1")
    lines.add(0)
    lines.add(0, "dataset:")
    lines.add(1, "recipe: {kind: table}")
    if isinstance(study.files, list):
        lines.add(1, "split: {train: 0.8, val: 0.1, test: 0.1}", "by sample, or by event where `id` is given")
    _write_balance(study, lines)
    lines.add(0)
    _write_task(study, lines)
    lines.add(0)
    lines.add(0, "n_seeds: 3", "trainings of each model")
    lines.add(0)
    write_models(study, lines)
    return lines.text()


def _write_balance(study: StudyDraft, lines: YamlLines) -> None:
    if not study.balance:
        return
    lines.add(1, "balance:")
    for key, value in study.balance.items():
        if isinstance(value, dict):
            lines.add(2, f"{key}:")
            for name, borders in value.items():
                lines.add(3, f"{scalar(name)}: {flow(borders)}")
        else:
            lines.add(2, f"{key}: {scalar(value)}")


def _write_source(study: StudyDraft, lines: YamlLines) -> None:
    lines.add(1, "source:")
    lines.add(2, "kind: table")
    if isinstance(study.files, dict):
        lines.add(2, "files:")
        for split, paths in study.files.items():
            _write_list(lines, 3, split, paths)
    else:
        _write_list(lines, 2, "files", study.files)
    for key, value in study.reading.items():
        lines.add(2, f"{key}: {flow(value) if isinstance(value, list) else scalar(value)}")
    for note in study.notes:
        lines.comment(2, note)
    lines.add(0)
    if study.selection is not None:
        lines.add(2, f"selection: {scalar(study.selection)}")
    else:
        lines.comment(2, "selection: an expression, true for the rows that are used")
    if study.test_selection is not None:
        lines.add(2, f"test_selection: {scalar(study.test_selection)}")
    _write_entries(lines, 2, "derived", study.derived)
    lines.add(2, "groups:")
    for group in study.groups:
        _write_group(lines, group)
    _write_target(study, lines)
    _write_weight(study, lines)
    _write_id(study, lines)
    for text in study.observer_comments:
        lines.comment(2, text)
    _write_entries(lines, 2, "observers", study.observers, "carried to the predictions, never to a network")
    _write_missing(study, lines)


def _write_list(lines: YamlLines, depth: int, key: str, values: list[str]) -> None:
    lines.add(depth, f"{key}:")
    for value in values:
        lines.add(depth + 1, f"- {quoted(value)}")


def _write_entries(lines: YamlLines, depth: int, key: str, entries: list[NamedExpression], comment: str = "") -> None:
    if not entries:
        return
    lines.add(depth, f"{key}:", comment, active=any(entry.active for entry in entries))
    for entry in entries:
        lines.add(depth + 1, f"{scalar(entry.name)}: {scalar(entry.expression)}", entry.comment, entry.active)


def _write_group(lines: YamlLines, group: GroupDraft) -> None:
    for text in group.comments:
        lines.comment(3, text)
    active = group.active
    lines.add(3, f"{group.name}:", active=active)
    if group.layout != "sample":
        lines.add(4, f"layout: {group.layout}", active=active)
    for key, value in group.keys.items():
        lines.add(4, f"{key}: {scalar(value)}", active=active)
    if group.layout != "image":
        lines.add(4, "features:", active=active)
        for entry in group.features:
            text = f"{scalar(entry.name)}: {scalar(entry.expression)}"
            lines.add(5, text, entry.comment, active and entry.active)


def _write_target(study: StudyDraft, lines: YamlLines) -> None:
    target = study.target
    lines.add(2, "targets:")
    for text in target.comments:
        lines.comment(3, text)
    lines.add(3, f"{target.name}:")
    if target.kind == "value":
        lines.add(4, f"value: {scalar(target.entries[0].expression)}", target.entries[0].comment)
        return
    lines.add(4, "files:" if target.by_file else f"{target.kind}:")
    for entry in target.entries:
        lines.add(5, f"{scalar(entry.name)}: {scalar(entry.expression)}", entry.comment, entry.active)
    if target.others != "refuse":
        lines.add(4, f"others: {target.others}", "rows of none of the classes are left out")


def _write_weight(study: StudyDraft, lines: YamlLines) -> None:
    if study.weight is not None:
        if not study.weight.active:
            lines.comment(2, "LOOK: a weight of each row? Then take the # away:")
        lines.add(2, f"weight: {scalar(study.weight.expression)}", study.weight.comment, study.weight.active)
    for text in study.weight_comments:
        lines.comment(2, text)


def _write_id(study: StudyDraft, lines: YamlLines) -> None:
    active = [entry for entry in study.id if entry.active]
    for text in study.id_comments:
        lines.comment(2, text)
    for entry in study.id:
        lines.comment(2, f"may number the events: {entry.expression} ({entry.comment})")
    if active:
        lines.add(2, f"id: {flow([entry.expression for entry in active])}", "rows of one event stay in one split")


def _write_missing(study: StudyDraft, lines: YamlLines) -> None:
    if not study.missing:
        lines.comment(2, "missing: no value was missing in what was looked at; one that is will be refused")
        return
    filled = any(found.policy == "mean" for found in study.missing.values())
    what = "LOOK: 'mean' fills in the mean and adds a feature that says where; or 'constant'"
    lines.add(2, "missing:", what if filled else "")
    for key, found in study.missing.items():
        constant = ", constant: 0.0" if found.policy == "constant" else ""
        values = f", values: {flow(found.values)}" if found.values else ""
        lines.add(3, f"{scalar(key)}: {{policy: {found.policy}{constant}{values}}}", found.comment)


def _write_task(study: StudyDraft, lines: YamlLines) -> None:
    target = study.target
    lines.add(0, "task:")
    if target.kind != "classes":
        lines.add(1, "kind: regression")
        lines.add(1, f"target: {target.name}")
        return
    lines.add(1, "kind: classification")
    lines.add(1, f"target: {target.name}")
    lines.add(1, f"classes: {flow([entry.name for entry in target.entries if entry.active])}")
    lines.add(1, f"signal: {scalar(target.signal)}", "LOOK: the class to be tagged")
