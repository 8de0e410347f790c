"""Columns that differ by a number in their names: E_0, E_1, ..., which together are a list in each row."""

import re
from collections import defaultdict
from dataclasses import dataclass

from bevatron.draft.names import as_expression

LAST_NUMBER = re.compile(r"(.*[^0-9])?([0-9]+)([^0-9]*)", re.DOTALL)
SHORTEST = 5


@dataclass(frozen=True)
class Family:
    """Columns `before` + number + `after`, the numbers from `first` to `last`."""

    before: str
    after: str
    first: int
    last: int
    width: int = 0

    @property
    def members(self) -> list[str]:
        """The names of the columns."""
        return [f"{self.before}{k:0{self.width}}{self.after}" for k in range(self.first, self.last + 1)]

    @property
    def stem(self) -> str:
        """What they have in common, as a name."""
        return re.sub(r"_{2,}", "_", self.before + self.after).strip("_. ") or "column"

    @property
    def expression(self) -> str:
        """All of them as one column, padded to a fixed length."""
        width = self.width or 1
        return f"`{self.before}{{{self.first:0{width}}..{self.last:0{width}}}}{self.after}`"


def find_families(names: list[str]) -> list[list[Family]]:
    """Families of at least SHORTEST columns that belong together: of equal numbers, and the same text on one side."""
    numbers: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for name in names:
        match = LAST_NUMBER.fullmatch(name)
        if match and (match.group(1) or match.group(3)) and as_expression(name) is not None:
            if any(sign in name for sign in "{}`"):
                continue
            numbers[match.group(1) or "", match.group(3)][int(match.group(2))] = match.group(2)
    together: dict[tuple, list[Family]] = defaultdict(list)
    for (before, after), found in numbers.items():
        if len(found) < SHORTEST or not any(sign.isalpha() for sign in before + after):
            continue
        first, last = min(found), max(found)
        if first > 1 or last - first + 1 != len(found):
            continue
        widths = {len(text) for text in found.values()}
        padded = len(found[first]) > 1 and len(widths) == 1
        if not padded and any(text != str(k) for k, text in found.items()):
            continue
        family = Family(before, after, first, last, widths.pop() if padded else 0)
        together[first, last, before if after else "", bool(after)].append(family)
    return list(together.values())
