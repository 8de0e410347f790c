"""Lines of YAML with comments: texts that are read back as they are, whatever they hold."""

import re
import textwrap
from typing import Any

import yaml

from bevatron.draft.names import shown

WIDTH = 120
PLAIN_SIGNS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./<>=()*+ -")
SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*([._][A-Za-z0-9_]+)*")
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none")  # some of which YAML takes for others
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


class YamlLines:
    """A YAML document that grows line by line."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, depth: int, text: str = "", comment: str = "", active: bool = True) -> None:
        """A line at a depth, with a comment behind it; `active` False: all of it as a comment."""
        line = "  " * depth + ("" if active else "# ") + text
        if comment:
            room = WIDTH - len(line) - 3
            remark = shown(comment, 1000)
            if room >= min(len(remark), 30):
                line += "  # " + shown(remark, max(room, 30))
            else:
                self.comment(depth, remark)
        self._lines.append(line.rstrip())

    def comment(self, depth: int, text: str, more: bool = False) -> None:
        """A comment on its own, broken into lines."""
        indent = "  " * depth + "# "
        lead = len(text) - len(text.lstrip())
        parts = textwrap.wrap(
            shown(text, 2000),
            WIDTH - len(indent) - lead,
            drop_whitespace=True,
            break_on_hyphens=False,
            subsequent_indent=" " * lead,
        )
        self._lines += [(indent + part).rstrip() for part in parts or [""]]

    def text(self) -> str:
        """The document."""
        return "\n".join(self._lines) + "\n"


def scalar(value: Any) -> str:
    """A text, number or truth value as YAML reads it back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = repr(float(value)) if isinstance(value, float) else str(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    if SIMPLE.fullmatch(value) and value.lower() not in WORDS:
        return value
    if value and value[0].isalpha() and set(value) <= PLAIN_SIGNS and value == value.strip() and _is_itself(value):
        return value
    return quoted(value)


def quoted(text: str) -> str:
    """The text in double quotes, with what cannot be printed escaped."""
    return '"' + "".join(ESCAPES.get(sign) or (sign if sign.isprintable() else _escaped(sign)) for sign in text) + '"'


def flow(values: list[Any]) -> str:
    """A list on one line."""
    return "[" + ", ".join(quoted(value) if isinstance(value, str) else scalar(value) for value in values) + "]"


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"


def _is_itself(text: str) -> bool:
    try:
        return yaml.safe_load(text) == text
    except yaml.YAMLError:
        return False
