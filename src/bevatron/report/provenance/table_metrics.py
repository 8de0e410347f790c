"""The metrics of a report, put together from the numbers of its tables as provenance.json lists them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

COLUMNS = {"metrics": "value", "observables": "value", "variations": "varied"}
"""By table, `<study>_<table>`, the column that holds the metric; its error is in `<column> error`."""


def _number(value: Any) -> Any:
    """Provenance writes infinities as text."""
    return float(value) if value in ("inf", "-inf") else value


Number = Annotated[float, Field(strict=True), BeforeValidator(_number)]


class NumberPart(BaseModel):
    """A number of a table, in provenance.json; fields that a newer Bevatron added are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    table: str
    row: int
    column: str
    value: Number | None = None
    model: str | None = None
    seed: int | None = None
    metric: str | None = None
    variation: str | None = None


@dataclass(frozen=True)
class MetricKey:
    """Which number: model is '' of an observable, variation '' of the nominal test events."""

    study: str
    model: str
    metric: str
    variation: str = ""

    def __str__(self) -> str:
        under = f" under {self.variation}" if self.variation else ""
        return f"{self.study} {self.model + ' ' if self.model else ''}{self.metric}{under}"


@dataclass(frozen=True)
class MetricValue:
    """A metric's value, its error (NaN where there is none) and the values of single trainings, where known."""

    value: float
    error: float = math.nan
    per_seed: tuple[float, ...] = ()


def collect_metrics(study: str, numbers: Iterable[NumberPart]) -> dict[MetricKey, MetricValue]:
    """Every metric of the tables that has a value."""
    cells: dict[tuple[str, int], dict[str, NumberPart]] = {}
    for number in numbers:
        kind = number.table.removeprefix(f"{study}_")
        if number.table != kind and kind in COLUMNS:
            cells.setdefault((kind, number.row), {})[number.column] = number
    found = {}
    for (kind, _), row in cells.items():
        of_value = row.get(COLUMNS[kind])
        if of_value is None or of_value.value is None or of_value.metric is None:
            continue
        error = row.get(f"{COLUMNS[kind]} error")
        seeds = {n.seed: n.value for column, n in row.items() if column.startswith("seed ") and n.value is not None}
        key = MetricKey(study, of_value.model or "", of_value.metric, of_value.variation or "")
        found[key] = MetricValue(
            of_value.value,
            math.nan if error is None or error.value is None else error.value,
            tuple(seeds[seed] for seed in sorted(seeds, key=lambda seed: seed if seed is not None else -1)),
        )
    return found
