"""Which metrics of two reports differ by more than their errors.

The difference of two runs' metrics is treated as a margin of a claim is (docs/explanation/verdicts.md): the variances
of the two test splits are added, and so are those between trainings, which are moderated over the models of each study
and weighted by Student's t. The two test splits are taken to be independent. Where they are the same samples, this
error is too large: what remains if the fluctuations of the test split cancel is given beside it, and decides nothing.
"""

import math
from dataclasses import dataclass
from statistics import variance
from typing import Literal

import numpy as np

from bevatron.report.claims.condition import compute_distance
from bevatron.report.claims.seed_variance import SeedVariance, moderate_variance
from bevatron.report.differences.recorded import StudyContent
from bevatron.report.ledger.false_discovery import RATE, false_discovery_rates
from bevatron.report.provenance.table_metrics import MetricKey, MetricValue

State = Literal["equal", "within errors", "moved", "one training", "no error", "only in A", "only in B"]
Parts = list[tuple[SeedVariance, int]]


@dataclass(frozen=True)
class MetricChange:
    """A metric of both sides, or of one.

    a, b: None where that side has no number. error: of the difference, without Student's factor, NaN where one side has
    none. distance: of the difference, in standard deviations of a normal distribution, NaN where there is none.
    distance_of_trainings: the same if the fluctuations of the test split cancel; None unless the samples are the same.
    rate: at which rate of false discoveries the metric counts as moved; None where chance does not decide.
    """

    key: MetricKey
    a: MetricValue | None
    b: MetricValue | None
    state: State
    error: float = math.nan
    distance: float = math.nan
    distance_of_trainings: float | None = None
    rate: float | None = None

    @property
    def difference(self) -> float:
        """B minus A; NaN where a side has no number."""
        if self.a is None or self.b is None or self.a.value == self.b.value:
            return math.nan if self.a is None or self.b is None else 0.0
        return self.b.value - self.a.value


def compare_metrics(pairs: list[tuple[StudyContent, StudyContent]]) -> list[MetricChange]:
    """Every metric of the studies that both sides have, in the order of A; then those of B alone.

    The rates of false discoveries are computed over all metrics that differ and that have an error.
    """
    changes = [change for a, b in pairs for change in _compare_study(a, b)]
    tested = [k for k, change in enumerate(changes) if not math.isnan(change.distance)]
    rates = false_discovery_rates([_two_sided(changes[k].distance) for k in tested])
    for k, rate in zip(tested, rates, strict=True):
        state: State = "moved" if rate <= RATE else "within errors"
        changes[k] = _with(changes[k], state, rate)
    return changes


def same_samples(a: StudyContent, b: StudyContent) -> bool:
    """Whether both were tested on the same samples, as the manifests' digests say: those of the samples' content."""
    return a.part.manifest_sha256 is not None and a.part.manifest_sha256 == b.part.manifest_sha256


def _with(change: MetricChange, state: State, rate: float) -> MetricChange:
    values = (change.error, change.distance, change.distance_of_trainings)
    return MetricChange(change.key, change.a, change.b, state, *values, rate)


@dataclass(frozen=True)
class MeasuredStudy:
    """A side's study. variances: between the trainings of each model, by metric, variation and number of trainings."""

    content: StudyContent
    variances: dict[tuple[str, str, int], list[float]]

    @classmethod
    def of(cls, content: StudyContent) -> "MeasuredStudy":
        """The study with the variances of the models that not every training makes alike."""
        found: dict[tuple[str, str, int], list[float]] = {}
        for key, value in (content.metrics or {}).items():
            if len(value.per_seed) > 1 and all(map(math.isfinite, value.per_seed)) and not _always_alike(content, key):
                same = found.setdefault((key.metric, key.variation, len(value.per_seed)), [])
                same.append(variance(value.per_seed))
        return cls(content, found)

    def split_and_trainings(self, key: MetricKey, value: MetricValue) -> tuple[float, Parts | None]:
        """The variance from the test split, and that between trainings; None for one training alone, which has none."""
        if not key.model or not value.per_seed or _always_alike(self.content, key):
            return value.error**2, []
        runs = len(value.per_seed)
        if runs == 1:
            return value.error**2, None
        if not all(map(math.isfinite, value.per_seed)):
            return math.nan, []
        own = variance(value.per_seed)
        of_models = np.array(self.variances[key.metric, key.variation, runs])
        return max(value.error**2 - own / runs, 0.0), [(moderate_variance(own, runs, of_models), runs)]


def _always_alike(study: StudyContent, key: MetricKey) -> bool:
    model = study.part.models.get(key.model)
    return model is not None and model.always_alike


def _compare_study(a: StudyContent, b: StudyContent) -> list[MetricChange]:
    if a.metrics is None or b.metrics is None:
        return []
    same, of_a, of_b = same_samples(a, b), MeasuredStudy.of(a), MeasuredStudy.of(b)
    changes = []
    for key, value in a.metrics.items():
        if key in b.metrics:
            changes.append(_compare(key, (of_a, value), (of_b, b.metrics[key]), same))
        else:
            changes.append(MetricChange(key, value, None, "only in A"))
    return changes + [MetricChange(k, None, v, "only in B") for k, v in b.metrics.items() if k not in a.metrics]


def _compare(
    key: MetricKey, a: tuple[MeasuredStudy, MetricValue], b: tuple[MeasuredStudy, MetricValue], same: bool
) -> MetricChange:
    of_a, of_b = a[1], b[1]
    if of_a.value == of_b.value:
        return MetricChange(key, of_a, of_b, "equal")
    difference = of_b.value - of_a.value
    errors = [study.split_and_trainings(key, value) for study, value in (a, b)]
    split = sum(of_split for of_split, _ in errors)
    parts = [part for _, found in errors if found is not None for part in found]
    error = math.sqrt(split + sum(seeds.value / runs for seeds, runs in parts))
    if not math.isfinite(difference) or not math.isfinite(error) or error == 0:
        return MetricChange(key, of_a, of_b, "no error", error)
    if any(found is None for _, found in errors):
        return MetricChange(key, of_a, of_b, "one training", error)
    distance = compute_distance(difference, split, parts)
    # A test split that both share and trainings that are always alike leave nothing that fluctuates.
    of_trainings = compute_distance(difference, 0.0, parts) if same and sum(v.value for v, _ in parts) > 0 else None
    return MetricChange(key, of_a, of_b, "within errors", error, distance, of_trainings)


def _two_sided(distance: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(distance)))
