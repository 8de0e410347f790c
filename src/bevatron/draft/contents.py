"""What a drafted study says, before it is written as YAML."""

from dataclasses import dataclass, field
from typing import Any, Literal

Layout = Literal["sample", "list", "image"]


@dataclass
class NamedExpression:
    """A named expression, with a comment on it; `active` False: written as a comment."""

    name: str
    expression: str
    comment: str = ""
    active: bool = True


@dataclass
class GroupDraft:
    """An input group. keys: its other keys (exists, max_length, column, ...); comments stand above it."""

    name: str
    layout: Layout
    features: list[NamedExpression] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    active: bool = True
    size: tuple[int, ...] = ()  # of an image: channels, height, width


@dataclass
class TargetDraft:
    """What is learned: classes (name, expression), or `value`/`values`. others: of a class, 'refuse' or 'drop'.

    by_file: the entries are patterns of files' names, instead of expressions.
    """

    name: str
    kind: Literal["classes", "value", "values"]
    entries: list[NamedExpression] = field(default_factory=list)
    others: Literal["refuse", "drop"] = "refuse"
    signal: str = ""
    comments: list[str] = field(default_factory=list)
    unbalanced: bool = False
    by_file: bool = False


def placeholder() -> TargetDraft:
    """A target that is valid, and teaches nothing: the user has to write another."""
    return TargetDraft("placeholder", "value", [NamedExpression("value", "0", "LOOK: write what is to be learned")])


@dataclass
class MissingDraft:
    """The policy of one key of `missing`."""

    policy: Literal["constant", "mean"]
    values: list[float] = field(default_factory=list)
    comment: str = ""


@dataclass
class StudyDraft:
    """A whole study. `header` are comments at the top, `notes` those at the top of the mapping."""

    name: str
    title: str
    summary: str
    files: list[str] | dict[str, list[str]]
    reading: dict[str, Any]
    target: TargetDraft
    groups: list[GroupDraft] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    selection: str | None = None
    test_selection: str | None = None
    derived: list[NamedExpression] = field(default_factory=list)
    weight: NamedExpression | None = None
    weight_comments: list[str] = field(default_factory=list)
    balance: dict[str, Any] = field(default_factory=dict)
    id: list[NamedExpression] = field(default_factory=list)
    id_comments: list[str] = field(default_factory=list)
    observers: list[NamedExpression] = field(default_factory=list)
    observer_comments: list[str] = field(default_factory=list)
    missing: dict[str, MissingDraft] = field(default_factory=dict)
    normalise: str = "robust"
