"""What came of one injection, and the counts over all of them."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from injection.inspection import Found

NONE_ALLOWED = {  # name of the count: field
    "corrupt published files": "corrupt",
    "lost or duplicated samples": "samples",
    "false successes": "false_successes",
    "runs whose final weights differ from the undisturbed run": "weights",
    "undamaged files or places refused": "false_alarms",
    "failures that name neither file nor remedy": "crashes",
    "not repaired by running the same command again": "unmended",
}


@dataclass
class Outcome:
    """One injection: what was done (kind, target, moment), what was seen, and the numbers that must be 0."""

    number: int
    kind: str
    target: str
    injected: str = ""
    exit_codes: list[int | None] = field(default_factory=list)
    corrupt: int = 0
    samples: int = 0
    false_successes: int = 0
    weights: int = 0
    false_alarms: int = 0
    crashes: int = 0
    unmended: int = 0
    leftovers: int = 0
    skipped: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def faulty(self) -> bool:
        return any(getattr(self, name) for name in NONE_ALLOWED.values())

    def take(self, found: Found, when: str) -> None:
        """Add what the inspector found."""
        self.corrupt += len(found.corrupt)
        self.samples += found.lost + found.duplicated
        self.weights += len(found.weights)
        if not found.whole:
            self.notes.append(f"{when}: {found}")

    def note(self, text: str) -> None:
        self.notes.append(text)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    """The numbers that must be 0, over all injections."""
    return {name: sum(getattr(o, key) for o in outcomes) for name, key in NONE_ALLOWED.items()}


def by_kind(outcomes: list[Outcome]) -> dict[str, Counter[str]]:
    """For each kind how many injections there were, and how many of them ended otherwise than they should."""
    table: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        row = table.setdefault(outcome.kind, Counter())
        row["skipped" if outcome.skipped else "injected"] += 1
        row["faulty"] += outcome.faulty
        row["seconds"] += round(outcome.seconds)
    return table
