"""Names of columns as expressions, configuration and comments can hold them."""

import re
import unicodedata
from collections.abc import Container
from functools import lru_cache

from bevatron.errors import UserError
from bevatron.expressions import parse

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
LONGEST_NAME, LONGEST_FEATURE = 60, 200  # characters: of a name in the configuration, of a feature's


@lru_cache(maxsize=100_000)
def as_expression(name: str) -> str | None:
    """The expression that is the column of this name, in backticks where needed; None where none can be written."""
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        return None  # the configuration's files hold no such character
    for text in ([name] if PLAIN.fullmatch(name) else []) + [f"`{name}`"]:
        try:
            if parse(text, "draft").names == (name,):
                return text
        except UserError:
            continue
    return None


def as_name(text: str, taken: Container[str] = (), default: str = "column") -> str:
    """A name as the configuration allows it (a-z, 0-9, _), that is none of `taken`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name or not name[0].isalpha():
        name = f"{default}_{name}".strip("_")
    name = name[: LONGEST_NAME - 5].rstrip("_")
    return distinct(name, taken)


def as_feature(text: str, taken: Container[str] = ()) -> str:
    """A feature's name: the text, shortened, that is none of `taken`."""
    return distinct(text[: LONGEST_FEATURE - 5], taken)


def distinct(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is one of `taken`."""
    number, result = 1, name
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    return result


def shown(text: str, width: int = 60) -> str:
    """The text on one line, for comments and messages: what cannot be printed is escaped, the end of a long one cut."""
    line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return line if len(line) <= width else line[: width - 3] + "..."
