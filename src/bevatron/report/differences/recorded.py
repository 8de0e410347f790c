"""What a report says of each study, as far as it says it: the parts that a comparison needs, and none is required.

Reports outlive the Bevatron that wrote them. A field that an older one did not write has a default here that means "not
known", and a field of a newer one is passed over. The stages' own records, which are strict, are in `store/records`.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bevatron.report.provenance.table_metrics import MetricKey, MetricValue, NumberPart
from bevatron.store.records.record import Finite

Texts = dict[str, str]


class RecordedPart(BaseModel):
    """A part of a file that another Bevatron may have written."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class MarginPart(RecordedPart):
    """A margin of claims.json; what does not exist is None."""

    meaning: str = ""
    value: Finite | None = None
    error: Finite | None = None
    distance: Finite | None = None


class ClaimPart(RecordedPart):
    """A claim of claims.json."""

    id: str
    verdict: str
    statement: str = ""
    notes: tuple[str, ...] = ()
    exact: bool = False
    sigmas: Finite | None = None
    margins: tuple[MarginPart, ...] = ()

    @property
    def decisive(self) -> MarginPart | None:
        """The margin that decides, as in `Decision.decisive`."""
        return min(self.margins, key=lambda m: -math.inf if m.distance is None else m.distance, default=None)


class ClaimsPart(RecordedPart):
    """claims.json."""

    scale: str | None = None
    config_digest: str | None = None
    claims: tuple[ClaimPart, ...] | None = None
    page: Texts = {}
    """SHA-256 of the files that were written with the verdicts."""


class RunPart(RecordedPart):
    """A training, in provenance.json, metrics.json and runs.json."""

    seed: int
    fold: int | None = None
    weights_sha256: str | None = None
    versions: Texts = {}
    order: str | None = None
    environments: tuple[dict[str, Any], ...] = ()


class ModelPart(RecordedPart):
    """A model, in provenance.json."""

    title: str = ""
    settings: dict[str, Any] | None = None
    deterministic: bool = False
    runs: tuple[RunPart, ...] = ()
    evaluated_with: Texts = {}

    @property
    def always_alike(self) -> bool:
        """Whether every training makes the same network: as the report says, or as the weights show."""
        weights = [run.weights_sha256 for run in self.runs if run.fold in (None, 0)]
        return self.deterministic or (len(weights) > 1 and len(set(weights)) == 1 and weights[0] is not None)


class StudyPart(RecordedPart):
    """A study, in provenance.json."""

    scale: str | None = None
    settings: dict[str, Any] | None = None
    config_digest: str | None = None
    raw_digest: str | None = None
    dataset_digest: str | None = None
    manifest_sha256: str | None = None
    simulation_seed: int | None = None
    simulation_versions: Texts = {}
    code_versions: dict[str, int | str] | None = None
    observed_with: Texts = {}
    models: dict[str, ModelPart] = {}


class ProvenancePart(RecordedPart):
    """provenance.json of a study's page."""

    versions: Texts = {}
    studies: dict[str, StudyPart] = {}
    numbers: tuple[NumberPart, ...] = ()


@dataclass(frozen=True)
class StudyContent:
    """All that one side says of a study. claims, metrics: None where the side does not say; unknown: what it lacks."""

    name: str
    part: StudyPart
    claims: dict[str, ClaimPart] | None = None
    metrics: dict[MetricKey, MetricValue] | None = None
    report_versions: Texts = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportContent:
    """One side of a comparison: its studies by name. one_page: whether it is the page of one study."""

    path: Path
    studies: dict[str, StudyContent]
    one_page: bool = False
