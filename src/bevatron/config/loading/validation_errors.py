"""Validation errors as lines that name the key, what was found and what is allowed."""

import datetime
import re
import types
import typing
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from bevatron.config.loading.registry import Component
from bevatron.config.sections.section import Section
from bevatron.near_names import did_you_mean


def format_errors(
    error: ValidationError, schema: type[Section], payload: Any, locate: Callable[[tuple], tuple] = tuple
) -> list[str]:
    """One line for each mistake: `key.path: what is wrong; allowed: ...`.

    locate: gives the place in the file of a key of `payload`, where the two differ.
    """
    messages: dict[str, list[str]] = {}
    for location, problem, owner in _flatten(error, schema, payload, ()):
        path = ".".join(str(step) for step in locate(location)) or "(top level)"
        messages.setdefault(path, []).append(_message(problem, owner, location))
    # a union of plain types complains once for each member
    return [f"{path}: {'; or '.join(dict.fromkeys(texts))}" for path, texts in messages.items()]


def _flatten(error: ValidationError, schema: type[Section], payload: Any, prefix: tuple) -> typing.Iterator[tuple]:
    """Each mistake with its key path as it stands in the file, and the section class it lies in."""
    for problem in error.errors():
        location, value = (), payload
        for step in problem["loc"]:  # steps that name a union's member are no keys of the file
            missing = problem["type"] == "missing" and step == problem["loc"][-1]
            if isinstance(value, dict) and (step in value or missing):
                location, value = (*location, step), value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                location, value = (*location, step), value[step]
        inner = problem.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):  # a component's own options, validated by its own class
            component = _section_at(schema, payload, location)
            yield from _flatten(inner, component or schema, value, (*prefix, *location))
        else:
            yield (*prefix, *location), problem, _section_at(schema, payload, location[:-1])


def _message(problem: dict, owner: type[Section] | None, location: tuple) -> str:
    kind, value = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        allowed = sorted(_keys(owner)) if owner else []
        return f"unknown key{did_you_mean(location[-1], allowed)}; allowed: {', '.join(allowed)}"
    if kind == "missing":
        field = _keys(owner).get(str(location[-1])) if owner else None
        return "this key is missing" + (f": {field.description}" if field and field.description else "")
    if kind in ("literal_error", "enum"):
        return _not_one_of(f"found {_shorten(value)}", value, problem["ctx"]["expected"])
    if kind == "union_tag_invalid":
        return _not_one_of(f"unknown kind {problem['ctx']['tag']!r}", value, problem["ctx"]["expected_tags"])
    if kind == "union_tag_not_found":
        return "the key 'kind' is missing"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if kind in ("value_error", "component", "component_kind", "kind"):
        return message
    if kind == "string_type" and isinstance(value, bool | int | float | datetime.date):
        return f"must be a text, found {_shorten(value)}; write it in quotes"
    return f"must be {message[0].lower()}{message[1:]}, found {_shorten(value)}"


def _keys(section: type[Section]) -> dict[str, FieldInfo]:
    """The section's fields by the keys that a file has for them."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _not_one_of(found: str, value: Any, allowed: str) -> str:
    """allowed: as pydantic writes it, each in apostrophes."""
    name = value.get("kind") if isinstance(value, dict) else value
    near = did_you_mean(name, re.findall("'([^']+)'", allowed))
    return f"{found}{near}; allowed: {allowed}"


def _shorten(value: Any) -> str:
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: "null"}[value]
    text = value.isoformat() if isinstance(value, datetime.date) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _section_at(schema: type[Section], payload: Any, location: tuple) -> type[Section] | None:
    """The section class that describes the value at `location` of `payload`, if there is one."""
    kind: Any = schema
    value = payload
    for step in location:
        value = value.get(step) if isinstance(value, dict) else value[step] if isinstance(value, list) else None
        if isinstance(kind, type) and issubclass(kind, Section):
            field = _keys(kind).get(str(step))
            if field is None:
                return None
            kind = _choose_schema(field.annotation, field.metadata, value)
        else:  # a mapping or a list: the type of its values stands last
            kind = _choose_schema((typing.get_args(kind) or (None,))[-1], [], value)
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _choose_schema(kind: Any, metadata: list, value: Any) -> Any:
    """The member of a union, or the component, that `value` asks for by its key `kind`."""
    if typing.get_origin(kind) is typing.Annotated:
        kind, *metadata = typing.get_args(kind)
    requested = value.get("kind") if isinstance(value, dict) else None
    for note in metadata:
        if isinstance(note, Component):
            return (
                note.registry[requested].Options if isinstance(requested, str) and requested in note.registry else None
            )
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        members = [m for m in typing.get_args(kind) if isinstance(m, type) and issubclass(m, Section)]
        for member in members:
            field = member.model_fields.get("kind")
            if field is not None and requested in typing.get_args(field.annotation):
                return member
        return members[0] if len(members) == 1 else None
    return kind
