"""Columns that may be what is to be learned, the best one first."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bevatron.draft.contents import NamedExpression, TargetDraft
from bevatron.draft.names import as_expression, as_name, shown
from bevatron.draft.profile import ValueSummary, number

LABEL = re.compile(
    r"(^|[_.])(label|labels|target|class|classes|category|cat|signal|sig|y|ans|answer|flavou?r|process|species)($|[_.])"
    r"|is_?sig(nal)?|label|HadronCone|hadronFlavour|partonFlavour|class_?id|truth.*type",
    re.IGNORECASE,
)
NO_LABEL = re.compile(r"charge|(^|[_.])(n|num|nb|no|run|lumi|valid|mask|ttv|split|fold)($|[_.])|_num$", re.IGNORECASE)
REGRESSION = re.compile(r"^(y|target|truth|true)|(^|[_.])(target|truth|true)|redshift", re.IGNORECASE)
MOST_CLASSES, MOST_UNNAMED = 40, 12
THRESHOLD = 2  # of the score, from which a column is taken for the label
BACKGROUND = re.compile(r"^(not_|background|bkg|b$|qcd|light|other|false|0$|class_0)|_(qcd|background|bkg)$")
FLAVOURS = {0: "light", 4: "c", 5: "b", 15: "tau"}


@dataclass
class Candidate:
    """A column, or several, whose values may be classes; a higher score is a better one."""

    columns: list[str]
    score: float
    classes: list[NamedExpression]
    counts: list[int]
    others: bool = False
    words: str = ""
    of_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


def find_candidates(
    profiles: Mapping[str, ValueSummary], values: Mapping[str, Any], names: list[str]
) -> list[Candidate]:
    """Candidates for classes among the columns `names`, which have one number or text a row; the best first."""
    one_hot = _one_hot(profiles, values, names)
    taken = {name for candidate in one_hot for name in candidate.columns}
    single = [
        candidate
        for place, name in enumerate(names)
        if name not in taken
        and (candidate := _of_values(name, profiles[name], values[name], place in (0, len(names) - 1))) is not None
    ]
    return sorted([*one_hot, *single], key=lambda candidate: -candidate.score)


def target_of(candidate: Candidate) -> TargetDraft:
    """The target of a candidate."""
    name = as_name(candidate.columns[0] if len(candidate.columns) == 1 else "label")
    target = TargetDraft(name, "classes", candidate.classes)
    target.others = "drop" if candidate.others else "refuse"
    if sum(count > 0 for count in candidate.counts) > 1:
        for entry, count in zip(candidate.classes, candidate.counts, strict=True):
            entry.active = count > 0
    target.signal = likely_signal([entry.name for entry in candidate.classes if entry.active])
    counts = [count for count in candidate.counts if count]
    target.unbalanced = bool(counts) and max(counts) > 1.5 * min(counts)
    return target


def likely_signal(names: list[str]) -> str:
    """The class to be tagged, by its name: the first that is called signal, or that is not called background."""
    likely = [name for name in names if name in ("signal", "sig", "s")]
    likely += [name for name in names if not BACKGROUND.search(name)]
    return likely[0] if likely else names[-1]


def rename_classes(candidate: Candidate, values: list[int], names: list[str]) -> None:
    """Names that the file gives for the numbers `values` of the candidate's classes."""
    if max(values) < len(names) and min(values) >= 0:
        taken: set[str] = set()
        for entry, value in zip(candidate.classes, values, strict=True):
            entry.name = as_name(names[value], taken, "class")
            taken.add(entry.name)


def regression_name(names: list[str]) -> str | None:
    """The column that a regression may learn, by its name."""
    return next((name for name in names if REGRESSION.search(name)), None)


def _one_hot(profiles: Mapping[str, ValueSummary], values: Mapping[str, Any], names: list[str]) -> list[Candidate]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if profiles[name].is_binary and as_expression(name) is not None and not NO_LABEL.search(name):
            match = re.match(r"(.*?[iI]s)(?=[A-Z_])", name)
            prefix = match.group(1) if match else name[: name.rfind("_") + 1]
            groups[prefix].append(name)
    found = []
    for prefix, members in groups.items():
        if len(members) < 2 or not prefix:
            continue
        table = np.column_stack([np.asarray(values[name]).astype(np.int64) for name in members])
        total = table.sum(axis=1)
        named = bool(LABEL.search(prefix.strip("_")))
        if len(total) == 0 or total.max() > 1 or total.mean() < (0.5 if named else 0.999):
            continue
        classes: list[NamedExpression] = []
        for name, column in zip(members, table.T, strict=True):
            class_name = as_name(name[len(prefix) :], {entry.name for entry in classes}, "class")
            classes.append(NamedExpression(class_name, as_expression(name) or "", f"{int(column.sum())} in the sample"))
        seen = int((table.sum(axis=0) > 0).sum())
        words = f"columns '{shown(prefix)}*', of which one is 1 in each row"
        of_rows = np.where(total == 1, table.argmax(axis=1), -1)
        counts = table.sum(axis=0).tolist()
        score = 4 + 2 * named - (0 if seen > 1 or named else 4)
        found.append(Candidate(members, score, classes, counts, bool((total == 0).any()), words, of_rows))
    return found


def _of_values(name: str, profile: ValueSummary, values: Any, at_an_end: bool) -> Candidate | None:
    expression = as_expression(name)
    named = bool(LABEL.search(name)) and not NO_LABEL.search(name)
    most = MOST_CLASSES if named or profile.is_text else MOST_UNNAMED
    if expression is None or not 2 <= len(profile.distinct) <= most or profile.missing or profile.sentinels:
        return None
    if not (profile.is_text or profile.is_whole):
        return None
    if profile.n < 4 or len(profile.distinct) > max(2, profile.n // 3):
        return None
    items = sorted(profile.distinct.items())
    classes: list[NamedExpression] = []
    for value, count in items:
        class_name = as_name(_class_name(name, value, profile), {entry.name for entry in classes}, "class")
        if isinstance(value, str) and (not value.isprintable() or "`" in value or "\\" in value):
            return None  # no expression can compare with it
        text = repr(value) if isinstance(value, str) else number(value)
        classes.append(NamedExpression(class_name, f"{expression} == {text}", f"{count} in the sample"))
    score = 3.0 * named + 2 * profile.is_text + profile.is_binary + at_an_end - 3 * bool(NO_LABEL.search(name))
    if at_an_end and profile.is_binary:
        score += 0.5
    kind = "texts" if profile.is_text else "numbers"
    words = f"'{shown(name)}', {len(items)} different {kind}"
    column = np.asarray(values).astype(str) if profile.is_text else np.asarray(values)
    keys = np.asarray([value for value, _ in items])
    of_rows = np.searchsorted(keys, column.astype(keys.dtype))
    return Candidate([name], score, classes, [count for _, count in items], False, words, of_rows)


def _class_name(column: str, value: Any, profile: ValueSummary) -> str:
    if isinstance(value, str):
        return value
    last = re.split(r"[._]", column)[-1]
    if profile.is_binary:
        if re.search(r"sig(nal)?|^y$|^label$|^labels$|^target$|^class$", column, re.IGNORECASE):
            return ("background", "signal")[value]
        bare = re.sub(r"^is_?", "", last, flags=re.IGNORECASE) or last
        if any(sign.isalpha() for sign in bare):
            return bare if value else f"not_{bare}"
    if set(profile.distinct) <= set(FLAVOURS) and re.search(r"flav|HadronCone", column, re.IGNORECASE):
        return FLAVOURS[value]
    return f"class_minus_{number(-value)}" if value < 0 else f"class_{number(value)}"
