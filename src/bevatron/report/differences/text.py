"""Differences between two reports as a terminal shows them."""

import math
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from bevatron.errors import in_one_line
from bevatron.report.differences.compare import Differences
from bevatron.report.differences.metrics import MetricChange, State
from bevatron.report.differences.recorded import ClaimPart
from bevatron.report.differences.settings import SettingChange
from bevatron.report.ledger.false_discovery import RATE
from bevatron.report.provenance.table_metrics import MetricValue
from bevatron.report.tables.numbers import count, plain, probability, sigmas, with_error

ROWS = 20  # of a table, unless all are asked for
LONGEST = 60  # characters of a setting's value


def print_differences(found: Differences, console: Console, every: bool = False) -> None:
    """Prints them section by section. every: whole tables, and metrics within their errors too."""
    if found.identical:
        same, total = count(found.same_verdicts), count(len(found.metrics))
        weights = f", weights of {count(found.same_weights[1])} trainings bit for bit" if found.same_weights[1] else ""
        console.print(f"The reports are the same: {_studies(found)}, {same} verdicts, {total} metrics{weights}.")
        return
    console.print(Text(f"A: {in_one_line(str(found.a))}\nB: {in_one_line(str(found.b))}"))
    console.print(f"{_studies(found)} in both.")
    for part in (*_one_sided(found, every), *_verdicts(found), *_metrics(found, every), *_settings(found, every)):
        console.print(part)


def _studies(found: Differences) -> str:
    n = len(found.studies)
    return f"{count(n)} {'study' if n == 1 else 'studies'}"


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _one_sided(found: Differences, every: bool) -> Iterator[RenderableType]:
    for letter, names in (("A", found.only_a), ("B", found.only_b)):
        if names:
            yield Text(f"Only in {letter}: {', '.join(map(in_one_line, names))}.")
    if found.unknown:
        studies: dict[tuple[str, str], list[str]] = {}
        for side, study, what in found.unknown:
            studies.setdefault((side, what), []).append(study)
        yield _heading("Cannot be compared")
        rows = [(side, what, _some(names)) for (side, what), names in studies.items()]
        yield from _table(("side", "does not have", "of"), rows, every)


def _verdicts(found: Differences) -> Iterator[RenderableType]:
    yield _heading("Verdicts")
    changed = [change for change in found.verdicts if change.a is not None and change.b is not None]
    one_sided = [change for change in found.verdicts if change.a is None or change.b is None]
    within = sum(change.remark == "within errors" for change in changed)
    yield Text(
        f"{count(found.same_verdicts)} the same, {count(len(changed))} changed"
        + (f" ({count(within)} of them within errors)" if within else "")
        + (f", {count(len(one_sided))} of one side alone" if one_sided else "")
        + "."
    )
    rows = []
    for c in [*changed, *one_sided]:
        remark = c.remark + (" (the claim itself is another)" if c.claim_changed else "")
        rows.append((f"{c.study}.{c.id}", *_verdict(c.a), *_verdict(c.b), remark))
    yield from _table(("claim", "A", "margin", "B", "margin", ""), rows, every=True)
    if within:
        yield Text("Within errors: the margins that decided differ by less than two standard deviations.", "dim")


def _verdict(claim: ClaimPart | None) -> tuple[str, str]:
    if claim is None:
        return "–", ""
    margin = claim.decisive
    if claim.exact:
        return {"reproduced": "holds", "not reproduced": "fails"}.get(claim.verdict, claim.verdict), "exact"
    return claim.verdict, "–" if margin is None else sigmas(margin.distance)


def _metrics(found: Differences, every: bool) -> Iterator[RenderableType]:
    yield _heading("Metrics")
    labels: dict[State, str] = {
        "equal": "equal in all digits",
        "within errors": "within errors",
        "moved": "moved",
        "one training": "of one training, which decides nothing",
        "no error": "without an error",
        "only in A": "with a number in A alone",
        "only in B": "with a number in B alone",
    }
    numbers = {label: len(found.metrics_with(state)) for state, label in labels.items()}
    texts = [f"{count(n)} {label}" for label, n in numbers.items() if n or label == "moved"]
    yield Text(f"{count(len(found.metrics))} compared: {', '.join(texts)}.")
    same, total = found.same_weights
    if total:
        yield Text(f"{count(same)} of {count(total)} trainings have weights that are equal bit for bit.")
    moved = found.metrics_with("moved")
    yield from _metric_table(moved, every)
    tested = len(found.metrics_with("moved", "within errors"))
    if tested:
        text = f"Moved: at a rate of false discoveries of {probability(RATE)} among the {count(tested)} that differ. "
        text += "The test samples of A and B are taken to be independent."
        if found.same_samples:
            beyond = [c for c in found.metrics_with("within errors") if abs(c.distance_of_trainings or 0.0) > 3]
            text += (
                f" In {_some(found.same_samples)} they are the same: there the errors are too large. 'Trainings' is "
                "the distance if the test split's fluctuations cancel; "
                f"{count(len(beyond))} within errors exceed 3 σ in it."
            )
        yield Text(text, "dim")
    others = found.metrics_with("one training", "no error", "only in A", "only in B")
    if others:
        yield Text("\nNot decided:")
        yield from _metric_table(others, every)
    if every and (within := found.metrics_with("within errors")):
        yield Text("\nWithin errors:")
        yield from _metric_table(within, every)


def _metric_table(changes: Sequence[MetricChange], every: bool) -> Iterator[RenderableType]:
    rows = []
    for c in changes:
        trainings = "" if c.distance_of_trainings is None else sigmas(c.distance_of_trainings)
        difference = "–" if math.isnan(c.difference) else with_error(c.difference, c.error)
        metric = f"{c.key.metric}, {c.key.variation}" if c.key.variation else c.key.metric
        distance = sigmas(c.distance) if c.state in ("moved", "within errors") else c.state
        rows.append(
            (c.key.study, c.key.model or "–", metric, _value(c.a), _value(c.b), difference, distance, trainings)
        )
    head = ("study", "model", "metric", "A", "B", "B − A", "distance", "trainings")
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    yield from _table(head, rows, every)


def _value(value: MetricValue | None) -> str:
    return "–" if value is None else with_error(value.value, value.error) if value.value else plain(value.value)


def _settings(found: Differences, every: bool) -> Iterator[RenderableType]:
    parts = {
        "Settings": found.settings,
        "Scale and code": found.code,
        "Software and machines": found.software,
        "Digests": found.digests,
    }
    same = [title for title, changes in parts.items() if not changes]
    for title, changes in parts.items():
        if changes:
            yield _heading(title)
            yield from _table(("", "A", "B", "studies"), _change_rows(changes, title == "Digests"), every)
    if same:
        yield Text(f"\nNo difference in: {', '.join(title.lower() for title in same)}.")


def _change_rows(changes: Iterable[SettingChange], digests: bool) -> list[tuple[str, ...]]:
    length = 12 if digests else LONGEST
    return [(c.key, _short(c.a, length), _short(c.b, length), _some(c.studies)) for c in changes]


def _short(text: str, length: int) -> str:
    if not text:
        return "not set"
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], every: bool) -> Iterator[RenderableType]:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows if every else rows[:ROWS]:
        table.add_row(*(Text(in_one_line(cell)) for cell in row))
    yield table
    if not every and len(rows) > ROWS:
        yield Text(f"… and {count(len(rows) - ROWS)} more: --all, --json or --csv shows them", "dim")
