"""`inputs` of a weaver configuration as groups: subtraction, scale and bounds become part of each feature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bevatron.draft.contents import GroupDraft, NamedExpression
from bevatron.draft.names import as_feature, as_name, shown
from bevatron.draft.weaver_expressions import NotTranslatedError
from bevatron.draft.weaver_variables import Variables

LOW, HIGH = -5.0, 5.0  # weaver's bounds of what it has centred, by default
UNREAD = {"points": "coordinates of ParticleNet", "vectors": "four-vectors of ParticleTransformer"}


@dataclass
class _Input:
    """One of weaver's `vars`: its name, and how it is treated."""

    name: str
    centre: Any = None
    scale: float = 1.0
    low: float | None = LOW
    high: float | None = HIGH
    pad: float = 0.0


class InputTranslation:
    """Translates the groups; `report` gets what has no counterpart."""

    def __init__(self, preprocess: dict[str, Any], variables: Variables, report: Callable[[str], None]):
        self.is_automatic = str(preprocess.get("method") or "manual").lower().startswith("auto")
        self._params = preprocess.get("params") if isinstance(preprocess.get("params"), dict) else {}
        self._variables, self._report = variables, report
        self.raw_features = False  # whether weaver would have centred some by itself

    def groups(self, inputs: dict[str, Any]) -> list[GroupDraft]:
        """The groups, masks left out; those that only some of weaver's networks read are comments."""
        found: list[GroupDraft] = []
        for name, section in inputs.items():
            if not isinstance(section, dict) or not isinstance(section.get("vars"), list):
                self._report(f"inputs.{name}: expected `vars`")
                continue
            if str(name).endswith("_mask"):
                self._report(f"inputs.{name}: left out, as lists have no padding here and need no mask")
                continue
            group = self._group(str(name), section, {one.name for one in found})
            if group is not None:
                found.append(group)
        self._choose(found)
        return found

    def _group(self, name: str, section: dict[str, Any], taken: set[str]) -> GroupDraft | None:
        length, mode = section.get("length"), str(section.get("pad_mode") or "constant").lower()
        is_list = length not in (None, 1)
        group = GroupDraft(as_name(name, taken, "group"), "list" if is_list else "sample")
        if is_list and isinstance(length, int):
            group.keys["max_length"] = length
        if is_list and mode == "wrap":
            self._report(f"inputs.{name}.pad_mode: wrap repeats elements; lists have no padding here")
        unknown = sorted(map(str, set(section) - {"length", "pad_mode", "vars"}))
        if unknown:
            self._report(f"inputs.{name}: {', '.join(unknown)}: no counterpart")
        features: set[str] = set()
        for entry in section["vars"]:
            try:
                one = self._input(entry)
                text = self._text(one)
            except NotTranslatedError as error:
                self._report(f"inputs.{name}, {shown(str(entry), 50)}: left out: {error}")
                continue
            if one.pad:
                self._report(f"inputs.{name}, {shown(one.name)}: pad_value {one.pad:g}: lists have no padding here")
            feature = as_feature(one.name, features)
            features.add(feature)
            group.features.append(NamedExpression(feature, text))
        if not group.features:
            self._report(f"inputs.{name}: left out, as none of its variables has a counterpart")
            return None
        return group

    def _input(self, entry: Any) -> _Input:
        name, *values = entry if isinstance(entry, list) and entry else [entry]
        one = _Input(str(name), "auto" if self.is_automatic else None)
        given = self._params.get(name) if isinstance(self._params, dict) else None
        if isinstance(given, dict):  # what weaver found, in a file that it wrote
            one.centre, one.scale = given.get("center"), given.get("scale", 1.0)
            one.low, one.high, one.pad = given.get("min", LOW), given.get("max", HIGH), given.get("pad_value", 0.0)
        else:
            if len(values) > 5:
                raise NotTranslatedError("it has more than six entries")
            for key, value in zip(("centre", "scale", "low", "high", "pad"), values, strict=False):
                setattr(one, key, value)
        for key in ("scale", "low", "high", "pad"):
            value = getattr(one, key)
            setattr(one, key, {"scale": 1.0, "pad": 0.0}.get(key) if value is None else _number(value))
        if one.centre is not None and one.centre != "auto":
            one.centre = _number(one.centre)
        return one

    def _text(self, one: _Input) -> str:
        text = self._variables.of(one.name)
        if one.centre is None:
            return text
        if one.centre == "auto":
            self.raw_features = True
            return text
        if one.centre:
            text = f"{text} {'-' if one.centre > 0 else '+'} {abs(one.centre):.9g}"
            text = text if one.scale == 1 else f"({text})"
        if one.scale != 1:
            text = f"{text} * {one.scale:.9g}"
        if one.low is not None and one.high is not None:
            return f"clip({text}, {one.low:.9g}, {one.high:.9g})"
        return text

    def _choose(self, groups: list[GroupDraft]) -> None:
        """Networks here read one group of lists: those that repeat its columns for some networks become comments."""
        features = {g.name.rpartition("_")[0] for g in groups if g.layout == "list" and g.name.endswith("_features")}
        for group in groups:
            stem, _, role = group.name.rpartition("_")
            if group.layout == "list" and role in UNREAD and stem in features:
                group.active = False
                group.comments.append(f"{UNREAD[role]}, read by no model below; take the # away to store them")
                self._report(f"inputs.{group.name}: a comment, as no network here reads {UNREAD[role]}")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotTranslatedError(f"{value!r:.40} is no number")
    try:
        return float(value)
    except ValueError:
        raise NotTranslatedError(f"{value!r:.40} is no number") from None
