"""What a check has found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, what was `found`, and what `todo` about it; only 'bad' is something that is needed."""

    state: State
    what: str
    found: str
    todo: str = ""


def good(what: str, found: str) -> Finding:
    """A finding that needs no action."""
    return Finding("good", what, found)


def note(what: str, found: str, todo: str = "") -> Finding:
    """A finding that may matter, with what to do about it."""
    return Finding("note", what, found, todo)


def bad(what: str, found: str, todo: str) -> Finding:
    """A finding that stops the workflow, with what to do about it."""
    return Finding("bad", what, found, todo)
